//! Reading a similarity map: where it is highest, what stands out, and at another size.

use super::SimilarityMap;
use super::spare::{Spare, Walk};

/// Cells that [`SimilarityMap::extent`] makes of one: boxes end between places, too.
const FINER: usize = 4;

/// How far up from the median to the peak a place must reach to stand out.
const STANDS_OUT: f32 = 0.5;

/// What counts as borne out fills a square of one part in this many of the map's longer side.
const BREADTH: usize = 6;

impl SimilarityMap {
    /// Where the map is highest, x and y in 0..1 of the picture, and the value there.
    ///
    /// The place is refined below the size of a cell: along each axis a parabola goes through the
    /// highest cell and its two neighbours, and its vertex is taken (at most half a cell away).
    /// The value is the highest cell's own, as the calibration was made on cells. A map without
    /// any relief, or without any cell, has its peak in the middle.
    pub fn peak(&self) -> ([f32; 2], f32) {
        let Some((index, value)) = self.highest() else { return ([0.5, 0.5], 0.0) };
        if self.values.iter().all(|v| *v >= value) {
            return ([0.5, 0.5], value);
        }
        let (x, y) = (index % self.width, index / self.width);
        let vertex = |position: usize, length: usize, step: usize| {
            let inside = position > 0 && position + 1 < length;
            let shift = if inside {
                parabola(self.values[index - step], value, self.values[index + step])
            } else {
                0.0
            };
            (position as f32 + 0.5 + shift) / length as f32
        };
        ([vertex(x, self.width, 1), vertex(y, self.height, self.width)], value)
    }

    /// What stands out: the box x0, y0, x1, y1 in 0..1 of the picture round the connected region
    /// that holds the peak and lies above the middle between the map's median and its peak.
    ///
    /// Measured on the map enlarged fourfold, so that the box ends between places. A map without
    /// relief stands out everywhere.
    pub fn extent(&self) -> [f32; 4] {
        self.extent_with(&mut Spare::default())
    }

    /// The same in buffers that are there.
    pub(super) fn extent_with(&self, spare: &mut Spare) -> [f32; 4] {
        let (width, height) = (self.width * FINER, self.height * FINER);
        let mut fine = SimilarityMap { width, height, values: spare.empty(width * height) };
        self.enlarge(&mut fine, &mut spare.walk.across);
        let Some((start, top)) = fine.highest() else { return [0.0, 0.0, 1.0, 1.0] };
        let mut sorted = spare.copy(&fine.values);
        let floor = median(&mut sorted);
        spare.give(sorted);
        let cut = floor + STANDS_OUT * (top - floor);

        let (mut x0, mut y0, mut x1, mut y1) = (width, height, 0, 0);
        let Walk { seen, open, .. } = &mut spare.walk;
        seen.clear();
        seen.resize(fine.values.len(), false);
        open.clear();
        open.push(start);
        while let Some(index) = open.pop() {
            // Every index here names a cell: the first does, and neighbours stay in the map.
            if seen[index] || fine.values[index] < cut {
                continue;
            }
            seen[index] = true;
            let (x, y) = (index % width, index / width);
            (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x + 1), y1.max(y + 1));
            if x > 0 {
                open.push(index - 1);
            }
            if x + 1 < width {
                open.push(index + 1);
            }
            if y > 0 {
                open.push(index - width);
            }
            if y + 1 < height {
                open.push(index + width);
            }
        }
        spare.give(fine.values);
        let (w, h) = (width as f32, height as f32);
        [x0 as f32 / w, y0 as f32 / h, x1 as f32 / w, y1 as f32 / h]
    }

    /// The cells row by row from the top, as events and predictions carry them.
    pub fn rows(&self) -> Vec<Vec<f32>> {
        self.values.chunks(self.width.max(1)).map(<[f32]>::to_vec).collect()
    }

    /// The map at another size, bilinear, with the cells' centres as the support and the outermost
    /// cells continued to the edge. Meant for enlarging: cells between samples are left out when
    /// the map shrinks.
    pub fn upsampled(&self, width: usize, height: usize) -> SimilarityMap {
        let mut out = SimilarityMap { width, height, values: Vec::with_capacity(width * height) };
        self.enlarge(&mut out, &mut Vec::new());
        out
    }

    /// Fills the values of `out`, which has its size and no values, with the map at that size.
    fn enlarge(&self, out: &mut SimilarityMap, across: &mut Vec<(usize, usize, f32)>) {
        let (width, height) = (out.width, out.height);
        if self.values.is_empty() {
            out.values.resize(width * height, 0.0);
            return;
        }
        across.clear();
        across.extend((0..width).map(|x| support(x, width, self.width)));
        for y in 0..height {
            let (above, below, down) = support(y, height, self.height);
            let row = |y: usize| &self.values[y * self.width..(y + 1) * self.width];
            let (above, below) = (row(above), row(below));
            out.values.extend(across.iter().map(|&(left, right, along)| {
                let top = above[left] + along * (above[right] - above[left]);
                let bottom = below[left] + along * (below[right] - below[left]);
                top + down * (bottom - top)
            }));
        }
    }

    /// The highest mean over a square of cells a sixth of the map wide (an odd number of them, one
    /// in a coarse map), the border repeated; 0 for an empty map.
    pub(super) fn broad_peak(&self, spare: &mut Spare) -> f32 {
        let longest = self.width.max(self.height);
        let reach = (longest / BREADTH).saturating_sub(1) / 2;
        let mut across = spare.empty(self.values.len());
        across.extend(means(&self.values, self.width, 1, reach));
        let peak = means(&across, self.height, self.width, reach).fold(0.0, f32::max);
        spare.give(across);
        peak
    }

    /// The first of the highest cells.
    pub(super) fn highest(&self) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for (index, &value) in self.values.iter().enumerate() {
            if best.is_none_or(|(_, top)| value > top) {
                best = Some((index, value));
            }
        }
        best
    }
}

/// Where the parabola through (−1, a), (0, b), (1, c) has its vertex, −0.5..0.5, if b is highest.
fn parabola(a: f32, b: f32, c: f32) -> f32 {
    let bend = a - 2.0 * b + c;
    if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

/// The two cells of `from` between which the centre of cell `i` of `to` lies, and how far along.
fn support(i: usize, to: usize, from: usize) -> (usize, usize, f32) {
    let last = from.saturating_sub(1);
    let at = ((i as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, last as f32);
    let low = (at as usize).min(last);
    (low, (low + 1).min(last), at - low as f32)
}

/// The upper median; reorders the values.
fn median(values: &mut [f32]) -> f32 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
}

/// The mean of every value and its `reach` neighbours on both sides, along one axis of a map:
/// `length` values, `step` apart. The border is repeated.
fn means(
    values: &[f32],
    length: usize,
    step: usize,
    reach: usize,
) -> impl Iterator<Item = f32> + '_ {
    let at = move |index: usize| {
        let position = (index / step) % length;
        let line = index - position * step;
        let window = (position as isize - reach as isize)..=(position as isize + reach as isize);
        // Clamped to the line, every index names a value of the map.
        let value = |p: isize| values[line + p.clamp(0, length as isize - 1) as usize * step];
        window.map(value).sum::<f32>() / (2 * reach + 1) as f32
    };
    (0..values.len()).map(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_high_cell_is_no_broad_peak_and_a_corner_counts_as_if_the_map_went_on() {
        let mut fine = map(32, &[0.0; 32 * 32]);
        fine.values[16 * 32 + 16] = 1.0;
        assert!((fine.broad_peak(&mut Spare::default()) - 1.0 / 25.0).abs() < 1e-6);
        for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            fine.values[y * 32 + x] = 0.5;
        }
        // Of the five columns round the first cell, four repeat or are the two high ones.
        assert!(
            (fine.broad_peak(&mut Spare::default()) - 0.5 * 16.0 / 25.0).abs() < 1e-6,
            "{}",
            fine.broad_peak(&mut Spare::default())
        );
        assert_eq!(
            map(4, &[0.1, 0.9, 0.2, 0.3]).broad_peak(&mut Spare::default()),
            0.9,
            "a coarse map's cells are broad"
        );
        assert_eq!(SimilarityMap::default().broad_peak(&mut Spare::default()), 0.0);
    }

    fn map(width: usize, values: &[f32]) -> SimilarityMap {
        SimilarityMap { width, height: values.len() / width, values: values.to_vec() }
    }

    /// A hill of the given width round a place in 0..1.
    fn hill(width: usize, height: usize, at: [f32; 2], sigma: f32) -> SimilarityMap {
        let mut values = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let dx = (x as f32 + 0.5) / width as f32 - at[0];
                let dy = (y as f32 + 0.5) / height as f32 - at[1];
                values.push((-(dx * dx + dy * dy) / (2.0 * sigma * sigma)).exp());
            }
        }
        SimilarityMap { width, height, values }
    }

    #[test]
    fn the_peak_of_a_smooth_hill_is_found_to_a_tenth_of_a_cell() {
        for at in [[0.5, 0.5], [0.31, 0.62], [0.7, 0.22]] {
            let (peak, value) = hill(13, 10, at, 0.15).peak();
            assert!((peak[0] - at[0]).abs() < 0.1 / 13.0, "{peak:?} for {at:?}");
            assert!((peak[1] - at[1]).abs() < 0.1 / 10.0, "{peak:?} for {at:?}");
            assert!(value <= 1.0 && value > 0.9);
        }
    }

    #[test]
    fn a_peak_at_the_border_lies_in_the_middle_of_its_cell() {
        let (peak, value) = map(2, &[0.0, 0.1, 0.2, 0.9]).peak();
        assert_eq!((peak, value), ([0.75, 0.75], 0.9));
    }

    #[test]
    fn a_map_without_relief_or_without_cells_peaks_in_the_middle() {
        assert_eq!(map(2, &[0.3; 4]).peak(), ([0.5, 0.5], 0.3));
        assert_eq!(SimilarityMap::default().peak(), ([0.5, 0.5], 0.0));
        assert_eq!(map(2, &[0.3; 4]).extent(), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(SimilarityMap::default().extent(), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn the_extent_of_a_hill_is_its_width_at_half_height_and_holds_the_peak() {
        let at = [0.4, 0.6];
        let extent = hill(26, 26, at, 0.06).extent();
        let half = 0.06 * (2.0 * 2f32.ln()).sqrt();
        let wanted = [at[0] - half, at[1] - half, at[0] + half, at[1] + half];
        for (found, wanted) in extent.iter().zip(wanted) {
            assert!((found - wanted).abs() < 0.02, "{extent:?}");
        }
    }

    #[test]
    fn the_extent_leaves_out_a_second_hill_that_the_peak_is_not_part_of() {
        let (a, b) = (hill(20, 20, [0.25, 0.5], 0.05), hill(20, 20, [0.8, 0.5], 0.05));
        let values = a.values.iter().zip(&b.values).map(|(a, b)| a + 0.9 * b).collect();
        let extent = SimilarityMap { width: 20, height: 20, values }.extent();
        assert!(extent[2] < 0.5, "{extent:?}");
    }

    #[test]
    fn enlarging_keeps_the_cells_centres_and_interpolates_between_them() {
        let large = map(2, &[0.0, 1.0, 2.0, 3.0]).upsampled(6, 6);
        // Cells 1 and 4 of six have the centres of the two they come from.
        assert_eq!(large.values[6 + 1], 0.0);
        assert_eq!(large.values[4 * 6 + 4], 3.0);
        let row: Vec<f32> =
            large.values[6..12].iter().map(|v| (v * 300.0).round() / 300.0).collect();
        assert_eq!(
            row,
            [0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0].map(|v: f32| (v * 300.0).round() / 300.0)
        );
        assert_eq!(map(2, &[0.0, 1.0]).rows(), [[0.0, 1.0]]);
    }
}
