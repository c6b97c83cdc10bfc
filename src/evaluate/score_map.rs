//! A predicted map on the grid, with its cells in order: every cut is a look into that order.

use std::cell::OnceCell;

use super::grid::{Cells, Grid};
use super::resize::resized;
use crate::align::SimilarityMap;

/// What a system says about each cell of the grid.
#[derive(Clone, Debug)]
pub struct ScoreMap {
    grid: Grid,
    values: Vec<f32>,
    /// The cells' indices, the highest value first; equal ones in the order of their index.
    order: Vec<u32>,
    /// It answers "everywhere" to every cut: the full-frame floor.
    everywhere: bool,
    /// The upper half, which is asked for again and again of a floor.
    half: OnceCell<Cells>,
}

impl ScoreMap {
    /// A map of any size, brought to the grid as Pillow's `BILINEAR` does. What is not a number
    /// becomes the lowest score.
    pub fn new(map: &SimilarityMap, grid: Grid) -> ScoreMap {
        ScoreMap::exact(grid, resized(map, grid))
    }

    /// A map that already has one value for each cell; missing ones are 0.
    pub fn exact(grid: Grid, mut values: Vec<f32>) -> ScoreMap {
        values.resize(grid.cells(), 0.0);
        for value in &mut values {
            if value.is_nan() {
                *value = f32::NEG_INFINITY;
            }
        }
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        // Every entry of `order` is an index of `values`.
        order.sort_by(|&a, &b| values[b as usize].total_cmp(&values[a as usize]));
        ScoreMap { grid, values, order, everywhere: false, half: OnceCell::new() }
    }

    /// The map that says "everywhere", whatever it is asked.
    pub fn everywhere(grid: Grid) -> ScoreMap {
        ScoreMap { everywhere: true, ..ScoreMap::exact(grid, Vec::new()) }
    }

    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The value of each cell, row by row from the top.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The cells' indices, the highest value first.
    pub fn order(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + '_ {
        self.order.iter().map(|&index| index as usize)
    }

    /// Whether every cell has the same value: it points nowhere.
    pub fn is_flat(&self) -> bool {
        self.lowest() >= self.highest()
    }

    /// The highest value.
    pub fn highest(&self) -> f32 {
        self.ranked(0)
    }

    /// The lowest value.
    pub fn lowest(&self) -> f32 {
        self.ranked(self.order.len().saturating_sub(1))
    }

    /// The cell with the highest value, the first of several.
    pub fn peak(&self) -> usize {
        self.order().next().unwrap_or(0)
    }

    /// The value at `rank`, 0 being the highest.
    fn ranked(&self, rank: usize) -> f32 {
        let index = self.order.get(rank).map_or(usize::MAX, |&index| index as usize);
        self.values.get(index).copied().unwrap_or(0.0)
    }

    /// The upper half: cells above `sort(values)[N / 2]`, ties with it left out.
    pub fn upper_half(&self) -> &Cells {
        self.half.get_or_init(|| self.above_rank(self.grid.cells() / 2))
    }

    /// The `count` highest cells, fewer where the last ones tie with what would be left out: cells
    /// above `sort(values)[N - 1 - count]`. None and all of them mean all but the lowest.
    pub fn top(&self, count: usize) -> Cells {
        let cells = self.grid.cells();
        self.above_rank(cells.saturating_sub(1).saturating_sub(count))
    }

    /// The cells above the value that is number `rank` from below.
    fn above_rank(&self, rank: usize) -> Cells {
        let cut = self.ranked(self.grid.cells().saturating_sub(1).saturating_sub(rank));
        self.kept(|value| value > cut)
    }

    /// The cells with `score` or more.
    pub fn at_least(&self, score: f32) -> Cells {
        self.kept(|value| value >= score)
    }

    /// The cells with more than `score`.
    pub fn above(&self, score: f32) -> Cells {
        self.kept(|value| value > score)
    }

    /// The cells with `score` or more after the map was stretched to 0..1, min to max; a flat map
    /// stays as it is.
    pub fn at_least_stretched(&self, score: f64) -> Cells {
        let (low, high) = (f64::from(self.lowest()), f64::from(self.highest()));
        let span = high - low;
        if span > 0.0 && span.is_finite() {
            self.kept(|value| (f64::from(value) - low) / span >= score)
        } else {
            self.kept(|value| f64::from(value) >= score)
        }
    }

    fn kept(&self, keep: impl Fn(f32) -> bool) -> Cells {
        if self.everywhere {
            return Cells::all(self.grid);
        }
        let mut cells = Cells::none(self.grid);
        for index in self.order().take_while(|&index| keep(self.values[index])) {
            cells.insert(index);
        }
        cells
    }

    /// The highest value among `cells`; `None` if there are none.
    pub fn highest_within(&self, cells: &Cells) -> Option<f32> {
        cells.iter().filter_map(|index| self.values.get(index).copied()).reduce(f32::max)
    }

    /// The mean of the highest `share` (0..1) of the cells, at least one of them.
    pub fn mean_of_top(&self, share: f64) -> f64 {
        let count = ((self.values.len() as f64 * share) as usize).max(1);
        let sum: f64 = self.order().take(count).map(|index| f64::from(self.values[index])).sum();
        sum / count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GRID: Grid = Grid { width: 4, height: 3 };

    fn map(values: &[f32]) -> ScoreMap {
        ScoreMap::exact(GRID, values.to_vec())
    }

    #[test]
    fn the_first_of_the_highest_cells_is_the_peak() {
        let mut values = [0.0; 12];
        (values[5], values[9]) = (2.0, 2.0);
        assert_eq!(map(&values).peak(), 5);
        assert!(map(&[1.0; 12]).is_flat() && !map(&values).is_flat());
    }

    #[test]
    fn what_is_no_number_is_lowest() {
        let mut values = [0.0; 12];
        values[0] = f32::NAN;
        assert_eq!(map(&values).above(-1.0).count(), 11);
    }

    #[test]
    fn everywhere_is_kept_by_every_cut() {
        let all = ScoreMap::everywhere(GRID);
        for cells in
            [all.upper_half().clone(), all.top(3), all.at_least(2.0), all.at_least_stretched(0.9)]
        {
            assert_eq!(cells, Cells::all(GRID));
        }
    }

    proptest! {
        /// The cuts, as numpy would write them.
        #[test]
        fn cuts_are_those_of_a_sorted_copy(
            values in prop::collection::vec((-20i8..20).prop_map(f32::from), 12),
            count in 0usize..12,
        ) {
            let scores = map(&values);
            let mut sorted = values.clone();
            sorted.sort_by(f32::total_cmp);
            let above = |cut: f32| Cells::chosen(GRID, |index| values[index] > cut);
            prop_assert_eq!(scores.upper_half(), &above(sorted[6]));
            prop_assert_eq!(scores.top(count), above(sorted[11 - count]));
            let (low, high) = (f64::from(sorted[0]), f64::from(sorted[11]));
            let stretched = |index: usize| match high > low {
                true => (f64::from(values[index]) - low) / (high - low),
                false => f64::from(values[index]),
            };
            let wanted = Cells::chosen(GRID, |index| stretched(index) >= 0.3);
            prop_assert_eq!(scores.at_least_stretched(0.3), wanted);
            let mean = sorted[9..].iter().map(|v| f64::from(*v)).sum::<f64>() / 3.0;
            prop_assert!((scores.mean_of_top(0.25) - mean).abs() < 1e-9);
        }
    }
}
