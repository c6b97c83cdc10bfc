//! Sudden changes of the picture: a flash, or hands that meet.

use crate::capture::Picture;
use crate::clock::Mono;

/// A picture is looked at as so many cells across and down.
const ACROSS: usize = 32;
const DOWN: usize = 24;
/// Points along each side of a cell that are looked at.
const POINTS: usize = 8;
/// What changes need not be large: the cells that change most count, a twentieth of all.
const COUNTED: usize = ACROSS * DOWN / 20;
/// The least change that is one, steps of 255.
const LEAST: f32 = 4.0;
/// How much a change must stand out from the usual one, and how much smaller than the largest
/// it may be.
const STAND_OUT: f32 = 5.0;
const RANGE: f32 = 0.2;
/// Changes this near to a larger one belong to it, seconds.
const APART: f64 = 0.3;
/// A part of a change, against its largest.
const HALF: f32 = 0.5;
/// The part of the changing cells that must go the same way in a flash.
const TOGETHER: f32 = 0.8;

/// How a picture differs from the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    stamp: Mono,
    /// Mean difference of the cells that changed most, 0 to 255.
    size: f32,
    /// Whether they grew brighter or darker together, as with a lamp.
    together: bool,
}

/// The moment of a sudden change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The first picture of the flash, or the last one in which the hands moved.
    pub stamp: Mono,
}

/// The differences from picture to picture.
#[derive(Debug, Default)]
pub struct Seen {
    before: Option<Vec<f32>>,
    steps: Vec<Step>,
}

impl Seen {
    /// Nothing seen yet.
    pub fn new() -> Seen {
        Seen::default()
    }

    /// Takes the next picture.
    pub fn take(&mut self, stamp: Mono, picture: &Picture) {
        let cells = cells(picture);
        if let Some(before) = self.before.as_ref().filter(|before| before.len() == cells.len()) {
            let mut changes: Vec<f32> = cells.iter().zip(before).map(|(a, b)| a - b).collect();
            changes.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
            changes.truncate(COUNTED);
            let sum: f32 = changes.iter().map(|change| change.abs()).sum();
            let signed: f32 = changes.iter().sum();
            let together = signed.abs() >= TOGETHER * sum;
            self.steps.push(Step { stamp, size: sum / COUNTED as f32, together });
        }
        self.before = Some(cells);
    }

    /// The usual time from one picture to the next, seconds; 0 if fewer than three were seen.
    pub fn interval(&self) -> f64 {
        let pairs = self.steps.iter().zip(self.steps.iter().skip(1));
        let mut times: Vec<f64> =
            pairs.map(|(a, b)| b.stamp.since(a.stamp).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(0.0)
    }

    /// The sudden changes, in order of time.
    pub fn changes(&self) -> Vec<Change> {
        let mut sizes: Vec<f32> = self.steps.iter().map(|step| step.size).collect();
        sizes.sort_by(f32::total_cmp);
        let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
        let largest = sizes.last().copied().unwrap_or(0.0);
        let least = LEAST.max(STAND_OUT * usual).max(RANGE * largest);

        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by(|a, b| self.size(*b).total_cmp(&self.size(*a)));
        let mut peaks: Vec<usize> = Vec::new();
        for index in order {
            if self.size(index) >= least && !peaks.iter().any(|peak| self.near(*peak, index)) {
                peaks.push(index);
            }
        }
        peaks.sort_unstable();
        peaks.into_iter().filter_map(|peak| self.moment(peak)).collect()
    }

    fn size(&self, index: usize) -> f32 {
        self.steps.get(index).map_or(0.0, |step| step.size)
    }

    fn near(&self, one: usize, other: usize) -> bool {
        let stamp = |index: usize| self.steps.get(index).map_or(Mono(0), |step| step.stamp);
        stamp(one).abs_diff(stamp(other)).as_secs_f64() <= APART
    }

    /// The moment of the change whose largest step is at `peak`. A light goes on and off again:
    /// the first of its large steps is the moment. Hands move and stop: the last one is.
    fn moment(&self, peak: usize) -> Option<Change> {
        let step = self.steps.get(peak)?;
        let large = |step: &&Step| step.size >= HALF * self.size(peak);
        let stamp = if step.together {
            let earlier = self.steps.iter().enumerate().take(peak);
            let on = earlier
                .filter(|(index, step)| self.near(*index, peak) && step.together && large(step))
                .map(|(_, step)| step.stamp)
                .next();
            on.unwrap_or(step.stamp)
        } else {
            let moving = self.steps.iter().skip(peak).take_while(large);
            moving.last()?.stamp
        };
        Some(Change { stamp })
    }
}

/// The mean brightness of each cell, 0 to 255, row by row.
fn cells(picture: &Picture) -> Vec<f32> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    // The points of a picture smaller than their number are looked at several times.
    let place = |point: usize, points: usize, pixels: usize| point * pixels / points;
    let brightness = |x: usize, y: usize| {
        let at = (y * width + x) * 3;
        let pixel = picture.rgb.get(at..at + 3).unwrap_or(&[0; 3]);
        pixel.iter().map(|value| f32::from(*value)).sum::<f32>() / 3.0
    };
    let cell = |column: usize, row: usize| {
        let mut sum = 0.0;
        for point in 0..POINTS * POINTS {
            let x = place(column * POINTS + point % POINTS, ACROSS * POINTS, width);
            let y = place(row * POINTS + point / POINTS, DOWN * POINTS, height);
            sum += brightness(x, y);
        }
        sum / (POINTS * POINTS) as f32
    };
    (0..ACROSS * DOWN).map(|index| cell(index % ACROSS, index / ACROSS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u32 = 64;
    const HEIGHT: u32 = 48;

    /// Pictures 40 ms apart, each painted by `grey(index, x, y)`.
    fn seen(count: u64, grey: impl Fn(u64, u32, u32) -> u8) -> Seen {
        let mut seen = Seen::new();
        for index in 0..count {
            let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
            let rgb = pixels.flat_map(|(x, y)| [grey(index, x, y); 3]).collect();
            let picture = Picture { width: WIDTH, height: HEIGHT, rgb };
            seen.take(Mono(index * 40_000_000), &picture);
        }
        seen
    }

    fn indices(seen: &Seen) -> Vec<u64> {
        seen.changes().iter().map(|change| change.stamp.0 / 40_000_000).collect()
    }

    #[test]
    fn a_flash_is_at_the_first_bright_picture_however_long_it_lasts() {
        for length in 1..5 {
            let lit = |n: u64| n % 25 >= 10 && n % 25 < 10 + length;
            let seen = seen(75, |n, _, _| if lit(n) { 220 } else { 40 });
            assert_eq!(indices(&seen), [10, 35, 60], "{length}");
        }
    }

    #[test]
    fn a_small_light_in_a_noisy_picture_is_enough() {
        let noise = |n: u64, x: u32, y: u32| (n as u32 * 7 + x * 13 + y * 29) % 5;
        let lamp = |n: u64, x: u32, y: u32| n % 25 == 12 && x < 12 && y < 12;
        let seen =
            seen(50, |n, x, y| (80 + noise(n, x, y)) as u8 + if lamp(n, x, y) { 60 } else { 0 });
        assert_eq!(indices(&seen), [12, 37]);
    }

    #[test]
    fn hands_that_move_and_meet_are_at_the_picture_in_which_they_stop() {
        // A bright bar moves to the middle in pictures 10 to 14 of each 25 and rests there.
        let place = |n: u64| 10 + 3 * (n % 25).clamp(9, 14) as u32;
        let seen = seen(50, |n, x, _| if x.abs_diff(place(n)) < 3 { 200 } else { 50 });
        let found = indices(&seen);
        assert!(found.contains(&14) && found.contains(&39), "{found:?}");
    }

    #[test]
    fn a_picture_that_stands_still_or_only_flickers_a_little_holds_no_change() {
        assert!(seen(30, |_, _, _| 90).changes().is_empty());
        assert!(seen(30, |n, _, _| 90 + (n % 3) as u8).changes().is_empty());
        assert!(Seen::new().changes().is_empty());
    }

    #[test]
    fn the_interval_is_the_usual_one() {
        assert!((seen(10, |_, _, _| 0).interval() - 0.04).abs() < 1e-9);
        assert_eq!(Seen::new().interval(), 0.0);
    }
}
