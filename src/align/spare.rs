//! Buffers that were used before: after its first looks an aligner calls for no memory.

use super::SimilarityMap;

/// More buffers than one look ever holds.
const MOST: usize = 32;

/// Buffers to be used again.
#[derive(Debug, Default)]
pub struct Spare {
    values: Vec<Vec<f32>>,
    /// What [`SimilarityMap::extent`] walks with.
    pub walk: Walk,
}

/// Where a walk over a map has been, and where it will go.
#[derive(Debug, Default)]
pub struct Walk {
    pub seen: Vec<bool>,
    pub open: Vec<usize>,
    /// Left and right cell of each column, and how far between.
    pub across: Vec<(usize, usize, f32)>,
}

impl Spare {
    /// An empty buffer with room for `length` values, if there is one.
    pub fn empty(&mut self, length: usize) -> Vec<f32> {
        // The tightest that fits; else the largest, which then grows.
        let fitting = |(_, buffer): &(usize, &Vec<f32>)| {
            let room = buffer.capacity();
            if room >= length { (0, room) } else { (1, usize::MAX - room) }
        };
        let best = self.values.iter().enumerate().min_by_key(fitting).map(|(index, _)| index);
        let mut buffer = best.map(|index| self.values.swap_remove(index)).unwrap_or_default();
        buffer.clear();
        buffer.reserve(length);
        buffer
    }

    /// A buffer of so many zeros.
    pub fn zeros(&mut self, length: usize) -> Vec<f32> {
        let mut buffer = self.empty(length);
        buffer.resize(length, 0.0);
        buffer
    }

    /// A copy.
    pub fn copy(&mut self, values: &[f32]) -> Vec<f32> {
        let mut buffer = self.empty(values.len());
        buffer.extend_from_slice(values);
        buffer
    }

    /// A map of zeros.
    pub fn map(&mut self, width: usize, height: usize) -> SimilarityMap {
        SimilarityMap { width, height, values: self.zeros(width * height) }
    }

    /// Takes back what is no longer needed.
    pub fn give(&mut self, buffer: Vec<f32>) {
        if buffer.capacity() > 0 && self.values.len() < MOST {
            if self.values.capacity() == 0 {
                self.values.reserve_exact(MOST);
            }
            self.values.push(buffer);
        }
    }

    /// Takes back several.
    pub fn give_all<const N: usize>(&mut self, buffers: [Vec<f32>; N]) {
        buffers.into_iter().for_each(|buffer| self.give(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_buffer_that_fits_is_used_again() {
        let mut spare = Spare::default();
        let (small, large) = (spare.zeros(100), spare.zeros(1000));
        let places = (small.as_ptr(), large.as_ptr());
        spare.give(small);
        spare.give(large);
        let (first, second) = (spare.copy(&[7.0; 90]), spare.zeros(90));
        assert_eq!((first.as_ptr(), second.as_ptr()), places);
        assert_eq!((first, second), (vec![7.0; 90], vec![0.0; 90]));
    }
}
