//! What a camera offers: pixel formats, and for each its sizes and rates.

use std::io;

use super::kernel::{Node, Planes};
use super::layout::Fourcc;
use crate::capture::pixel::PixelFormat;

/// The longest list that is read from a driver; one that never ends is a faulty driver.
const LONGEST: u32 = 256;

/// A pixel format that a camera offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its code.
    pub fourcc: Fourcc,
    /// What the driver calls it.
    pub description: String,
    /// Its sizes; empty if the driver does not say.
    pub sizes: Vec<Size>,
}

/// A size, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: Steps,
    /// Pixels down.
    pub height: Steps,
    /// The shortest and the longest time between pictures of each entry; empty if the driver
    /// does not say.
    pub intervals: Vec<[Interval; 2]>,
}

/// Steps from the least to the most, both included; `least == most` for a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The least value.
    pub least: u32,
    /// The largest value.
    pub most: u32,
    /// From one value to the next.
    pub step: u32,
}

/// The time between two pictures, as a fraction of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub u32, pub u32);

impl Offer {
    /// What its pictures are, if they can be developed.
    pub fn format(&self) -> Option<PixelFormat> {
        self.fourcc.format()
    }
}

impl Steps {
    /// The value that is nearest to `wanted`; of two, the larger.
    pub fn nearest(self, wanted: u32) -> u32 {
        let inside = wanted.clamp(self.least, self.most.max(self.least)) - self.least;
        let step = self.step.max(1);
        let up = inside.div_ceil(step) * step;
        let nearest =
            if self.least.saturating_add(up) <= self.most { up } else { inside / step * step };
        self.least.saturating_add(nearest)
    }
}

impl Interval {
    /// Pictures a second; 0 where that means nothing.
    pub fn rate(self) -> f64 {
        if self.0 == 0 { 0.0 } else { f64::from(self.1) / f64::from(self.0) }
    }

    /// The interval of `rate` pictures a second.
    pub fn of(rate: f64) -> Interval {
        // Thousandths say 29.97 as exactly as the standard does.
        Interval(1000, (rate * 1000.0).round().max(1.0) as u32)
    }
}

/// Reads everything that a camera offers. Where sizes form a range, the rates are those near
/// `wanted` (width, height).
///
/// # Errors
/// The device does not answer.
pub fn read(node: &Node, planes: Planes, wanted: [u32; 2]) -> io::Result<Vec<Offer>> {
    let mut offers: Vec<Offer> = Vec::new();
    for index in 0..LONGEST {
        let Some((fourcc, description)) = node.pixel_format(planes, index)? else { break };
        let mut sizes = Vec::new();
        for index in 0..LONGEST {
            let Some([width, height]) = node.size(fourcc, index)? else { break };
            let size = [width.nearest(wanted[0]), height.nearest(wanted[1])];
            let mut intervals = Vec::new();
            for index in 0..LONGEST {
                let Some(interval) = node.interval(fourcc, size, index)? else { break };
                intervals.push(interval);
            }
            sizes.push(Size { width, height, intervals });
        }
        offers.push(Offer { fourcc, description, sizes });
    }
    Ok(offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_gives_its_nearest_step() {
        let steps = Steps { least: 16, most: 1920, step: 8 };
        assert_eq!([640, 641, 5, 9999, 1919].map(|w| steps.nearest(w)), [640, 648, 16, 1920, 1920]);
        let odd = Steps { least: 10, most: 25, step: 10 };
        assert_eq!([10, 11, 24, 25].map(|w| odd.nearest(w)), [10, 20, 20, 20]);
        let wrong = Steps { least: 10, most: 5, step: 0 };
        assert_eq!(wrong.nearest(7), 10);
    }

    #[test]
    fn an_interval_is_the_inverse_of_a_rate() {
        assert_eq!(Interval::of(15.0), Interval(1000, 15_000));
        assert_eq!(Interval(1001, 30_000).rate(), 30_000.0 / 1001.0);
        assert_eq!(Interval(0, 1).rate(), 0.0);
    }
}
