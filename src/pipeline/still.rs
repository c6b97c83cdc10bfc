//! Whether a picture shows anything that the one before did not.

use crate::capture::Picture;

/// Squares across and down whose brightness is compared: about as fine as a map's places.
const GRID: usize = 32;

/// Grey levels by which the mean of a square and a colour may change. A webcam's noise moves
/// the mean of the 150 pixels of such a square by a third of a level.
const UNCHANGED: i32 = 3;

/// The picture that was looked at last, coarsely.
#[derive(Default)]
pub(super) struct Still {
    /// Means of the squares, three colours each; empty before the first picture.
    known: Vec<u8>,
    new: Vec<u8>,
    sums: Vec<u32>,
}

impl Still {
    /// Whether `picture` differs from the last one that did. The first one does.
    pub fn has_changed(&mut self, picture: &Picture) -> bool {
        self.reduce(picture);
        let same = self.known.len() == self.new.len()
            && self
                .known
                .iter()
                .zip(&self.new)
                .all(|(a, b)| (i32::from(*a) - i32::from(*b)).abs() < UNCHANGED);
        if !same {
            std::mem::swap(&mut self.known, &mut self.new);
        }
        !same
    }

    /// Forgets what was seen.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// The means of every other row's pixels in each square.
    fn reduce(&mut self, picture: &Picture) {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let (across, down) = (GRID.min(width).max(1), GRID.min(height).max(1));
        let edge = |n: usize, length: usize, of: usize| n * length / of;
        self.new.clear();
        for y in 0..down {
            let (top, bottom) = (edge(y, height, down), edge(y + 1, height, down));
            self.sums.clear();
            self.sums.resize(across * 3, 0);
            let rows = picture.rgb.chunks_exact(width.max(1) * 3).take(bottom).skip(top).step_by(2);
            let counted = rows.len() as u32;
            for row in rows {
                for (x, sums) in self.sums.chunks_exact_mut(3).enumerate() {
                    let (left, right) = (edge(x, width, across), edge(x + 1, width, across));
                    let square = row.get(left * 3..right * 3).unwrap_or_default();
                    let [r, g, b] = square.chunks_exact(3).fold([0u32; 3], |[r, g, b], pixel| {
                        // Each chunk has three bytes.
                        [r + u32::from(pixel[0]), g + u32::from(pixel[1]), b + u32::from(pixel[2])]
                    });
                    sums.iter_mut().zip([r, g, b]).for_each(|(sum, more)| *sum += more);
                }
            }
            for (x, sums) in self.sums.chunks_exact(3).enumerate() {
                let columns = edge(x + 1, width, across) - edge(x, width, across);
                let count = (counted * columns as u32).max(1);
                self.new.extend(sums.iter().map(|sum| (sum / count) as u8));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32, level: impl Fn(u32, u32) -> u8) -> Picture {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb = pixels.flat_map(|(x, y)| [level(x, y); 3]).collect();
        Picture { width, height, rgb }
    }

    /// −12..=12, another one for each pixel and seed.
    fn noise(x: u32, y: u32, seed: u32) -> i32 {
        let mixed = (x * 7919 + y * 104_729 + seed * 1_299_709).wrapping_mul(2_654_435_761);
        i32::try_from((mixed >> 16) % 25).unwrap() - 12
    }

    fn noisy(seed: u32) -> Picture {
        grey(640, 480, |x, y| (100 + noise(x, y, seed)) as u8)
    }

    #[test]
    fn the_first_picture_is_new_and_a_noisy_camera_s_next_ones_are_not() {
        let mut still = Still::default();
        assert!(still.has_changed(&noisy(0)));
        assert!((1..20).all(|seed| !still.has_changed(&noisy(seed))));
        still.forget();
        assert!(still.has_changed(&noisy(1)));
    }

    #[test]
    fn something_small_that_moves_is_seen() {
        // A ball of 12 pixels, 60 levels brighter, moves by its own width.
        let ball = |at: u32| {
            grey(640, 480, |x, y| {
                let lit = (at..at + 12).contains(&x) && (200..212).contains(&y);
                if lit { 160 } else { 100 }
            })
        };
        let mut still = Still::default();
        still.has_changed(&ball(300));
        assert!(!still.has_changed(&ball(300)));
        assert!(still.has_changed(&ball(312)));
    }

    #[test]
    fn what_changes_slowly_is_seen_when_it_has_changed_enough() {
        let mut still = Still::default();
        let changes: Vec<bool> =
            (0..10).map(|n| still.has_changed(&grey(64, 64, |_, _| 100 + n))).collect();
        let wanted = [true, false, false, true, false, false, true, false, false, true];
        assert_eq!(changes, wanted);
    }

    #[test]
    fn another_size_is_another_picture_and_tiny_ones_are_compared_too() {
        let mut still = Still::default();
        assert!(still.has_changed(&grey(8, 8, |_, _| 50)));
        assert!(!still.has_changed(&grey(8, 8, |_, _| 51)));
        assert!(still.has_changed(&grey(8, 8, |x, _| if x == 3 { 90 } else { 50 })));
        assert!(still.has_changed(&grey(4, 8, |_, _| 50)));
        let nothing = Picture::default();
        still.has_changed(&nothing);
        assert!(!still.has_changed(&nothing) || still.known.is_empty());
    }
}
