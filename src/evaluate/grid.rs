//! The grid on which everything is scored, and sets of its cells.

/// Cells along each side of one picture: every protocol of the field scores at 224 × 224.
pub const SIDE: usize = 224;

/// Cells across and down. Several pictures lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cells across.
    pub width: usize,
    /// Cells down.
    pub height: usize,
}

impl Grid {
    /// The grid of one picture.
    pub const ONE: Grid = Grid { width: SIDE, height: SIDE };

    /// The grid of `pictures` side by side, at least one.
    pub const fn side_by_side(pictures: usize) -> Grid {
        Grid { width: SIDE * if pictures > 1 { pictures } else { 1 }, height: SIDE }
    }

    /// How many cells there are.
    pub const fn cells(self) -> usize {
        self.width * self.height
    }
}

/// A box in cells: x0, y0, x1, y1, the ends exclusive. It may reach beyond the grid.
pub type CellBox = [i64; 4];

/// A set of cells of a grid, one bit each, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    grid: Grid,
    words: Vec<u64>,
}

impl Cells {
    /// No cell.
    pub fn none(grid: Grid) -> Cells {
        Cells { grid, words: vec![0; grid.cells().div_ceil(64)] }
    }

    /// Every cell.
    pub fn all(grid: Grid) -> Cells {
        Cells::chosen(grid, |_| true)
    }

    /// The cells whose index `keep` likes.
    pub fn chosen(grid: Grid, keep: impl Fn(usize) -> bool) -> Cells {
        let mut cells = Cells::none(grid);
        (0..grid.cells()).filter(|&index| keep(index)).for_each(|index| cells.insert(index));
        cells
    }

    /// The cells of the given boxes. What lies outside of the grid is left out, and a box whose
    /// ends come before its beginnings is empty, as a numpy slice is.
    pub fn boxes<'a>(grid: Grid, boxes: impl IntoIterator<Item = &'a CellBox>) -> Cells {
        let mut cells = Cells::none(grid);
        for [x0, y0, x1, y1] in boxes {
            let within = |value: &i64, end: usize| (*value).clamp(0, end as i64) as usize;
            for y in within(y0, grid.height)..within(y1, grid.height) {
                for x in within(x0, grid.width)..within(x1, grid.width) {
                    cells.insert(y * grid.width + x);
                }
            }
        }
        cells
    }

    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Adds a cell; one beyond the grid is ignored.
    pub fn insert(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / 64)
            && index < self.grid.cells()
        {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether a cell is in the set.
    pub fn contains(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// How many cells there are.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many cells two sets share.
    pub fn shared(&self, other: &Cells) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// The indices of the cells, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(place, &word)| {
            std::iter::successors((word != 0).then_some(word), |word| {
                let rest = word & (word - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |word| place * 64 + word.trailing_zeros() as usize)
        })
    }

    /// The cells of either set.
    #[must_use]
    pub fn with(mut self, other: &Cells) -> Cells {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
        self
    }
}

/// Where a thing is: its cells, and how much each counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The cells that count at all.
    pub cells: Cells,
    /// What each cell of the grid counts, 0..1, if that is not simply 1 inside and 0 outside.
    pub weights: Option<Vec<f32>>,
}

impl Region {
    /// Cells that all count alike.
    pub fn hard(cells: Cells) -> Region {
        Region { cells, weights: None }
    }

    /// The consensus of annotators, each with a box: two that agree count 1, one alone 0.5
    /// (Senocak et al., CVPR 2018: the sum of their boxes / 2, cut at 1).
    pub fn consensus(grid: Grid, boxes: &[CellBox]) -> Region {
        let mut weights = vec![0f32; grid.cells()];
        for one in boxes {
            for index in Cells::boxes(grid, [one]).iter() {
                weights[index] = (weights[index] + 0.5).min(1.0);
            }
        }
        Region { cells: Cells::boxes(grid, boxes), weights: Some(weights) }
    }

    /// What `cells` of this region count together.
    pub fn weight_within(&self, cells: &Cells) -> f64 {
        match &self.weights {
            None => self.cells.shared(cells) as f64,
            Some(weights) => {
                let weight = |index: usize| f64::from(weights.get(index).copied().unwrap_or(0.0));
                cells.iter().map(weight).sum()
            }
        }
    }

    /// What all of it counts.
    pub fn weight(&self) -> f64 {
        self.weight_within(&self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: Grid = Grid { width: 10, height: 7 };

    #[test]
    fn a_box_is_filled_up_to_its_end_and_cut_at_the_edge() {
        let cells = Cells::boxes(SMALL, &[[2, 1, 4, 3], [8, -5, 99, 1]]);
        assert_eq!(cells.iter().collect::<Vec<_>>(), [8, 9, 12, 13, 22, 23]);
        assert_eq!(cells.count(), 6);
        assert!(Cells::boxes(SMALL, &[[4, 1, 2, 3]]).is_empty());
    }

    #[test]
    fn one_annotator_counts_half_two_count_one_and_three_no_more() {
        let boxes = [[0, 0, 3, 1], [1, 0, 3, 1], [2, 0, 3, 1]];
        let region = Region::consensus(SMALL, &boxes);
        assert_eq!(region.weights.as_ref().unwrap()[..4], [0.5, 1.0, 1.0, 0.0]);
        assert_eq!((region.cells.count(), region.weight()), (3, 2.5));
    }

    proptest! {
        #[test]
        fn sets_count_and_share_as_plain_lists_do(
            a in prop::collection::vec(any::<bool>(), 70),
            b in prop::collection::vec(any::<bool>(), 70),
        ) {
            let set = |bits: &[bool]| Cells::chosen(SMALL, |index| bits[index]);
            let listed = |bits: &[bool]| -> Vec<usize> { (0..70).filter(|i| bits[*i]).collect() };
            prop_assert_eq!(set(&a).iter().collect::<Vec<_>>(), listed(&a));
            prop_assert_eq!(set(&a).count(), listed(&a).len());
            let both = (0..70).filter(|i| a[*i] && b[*i]).count();
            prop_assert_eq!(set(&a).shared(&set(&b)), both);
            let either = (0..70).filter(|i| a[*i] || b[*i]).count();
            prop_assert_eq!(set(&a).with(&set(&b)).count(), either);
        }
    }
}
