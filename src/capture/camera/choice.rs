//! Which of the formats on offer is taken.
//!
//! What fits best comes first: colour before grey, then the shape that was asked for (the field
//! of view in the profile belongs to it), then the size, then the rate. Among those that fit
//! equally well the one is taken that costs the processor least in a second.

use std::fmt;

use super::layout::Fourcc;
use super::offer::{Interval, Offer, Size};
use crate::capture::pixel::PixelFormat;

/// Pictures a second that perception develops; the others are only copied.
const LOOKS: f64 = 4.2;
/// Nanoseconds that copying a byte takes.
const COPY_NS: f64 = 0.1;
/// How much wider or narrower a picture may be and still have the shape that was asked for.
const SHAPE: f64 = 0.03;
/// Which part of the rate may be missing: 29.97 is as good as 30.
const RATE: f64 = 0.01;

/// What is wished for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// Pixels across and down.
    pub size: [u32; 2],
    /// Pictures a second.
    pub rate: f64,
    /// Only this format will do.
    pub format: Option<PixelFormat>,
}

/// What is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The pixel format to ask for.
    pub fourcc: Fourcc,
    /// The same as what its bytes mean.
    pub format: PixelFormat,
    /// Pixels across and down.
    pub size: [u32; 2],
    /// The time between two pictures.
    pub interval: Interval,
    /// Why.
    pub reason: String,
}

/// How well a format fits; the least is best, and what stands first decides first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Misfit {
    colourless: bool,
    misshapen: bool,
    /// Pixels that are missing.
    small: u64,
    /// Thousandths of the rate that are missing.
    slow: u64,
    /// Nanoseconds of work in a second.
    cost: f64,
}

impl Misfit {
    fn order(&self, other: &Misfit) -> std::cmp::Ordering {
        let fit = |m: &Misfit| (m.colourless, m.misshapen, m.small, m.slow);
        fit(self).cmp(&fit(other)).then(self.cost.total_cmp(&other.cost))
    }
}

/// Chooses among what is offered.
///
/// # Errors
/// Nothing on offer can be used; the text says what was asked for and what is offered.
pub fn choose(offers: &[Offer], wish: &Wish) -> Result<Choice, String> {
    let mut best: Option<(Misfit, Choice)> = None;
    let mut equals: Vec<(PixelFormat, f64)> = Vec::new();
    for offer in offers {
        let Some(format) = offer.format() else { continue };
        if wish.format.is_some_and(|wanted| wanted != format) {
            continue;
        }
        let Some((misfit, size, interval)) = best_of(offer, format, wish) else { continue };
        let choice = Choice { fourcc: offer.fourcc, format, size, interval, reason: String::new() };
        let fit = |m: &Misfit| (m.colourless, m.misshapen, m.small, m.slow);
        match &best {
            Some((other, _)) if fit(&misfit) > fit(other) => {}
            Some((other, _)) if fit(&misfit) == fit(other) => equals.push((format, misfit.cost)),
            _ => equals = vec![(format, misfit.cost)],
        }
        if best.as_ref().is_none_or(|(other, _)| misfit.order(other).is_lt()) {
            best = Some((misfit, choice));
        }
    }
    let Some((misfit, mut choice)) = best else { return Err(nothing(offers, wish)) };
    choice.reason = reason(&misfit, wish, &mut equals);
    Ok(choice)
}

/// The size and the interval of an offer that fit best.
fn best_of(
    offer: &Offer,
    format: PixelFormat,
    wish: &Wish,
) -> Option<(Misfit, [u32; 2], Interval)> {
    let rate =
        |size: [u32; 2], interval: Interval| (misfit(format, size, interval, wish), size, interval);
    if offer.sizes.is_empty() {
        return Some(rate(wish.size, Interval::of(wish.rate)));
    }
    offer
        .sizes
        .iter()
        .map(|entry| rate(size_of(entry, wish), interval_of(entry, wish)))
        .min_by(|a, b| a.0.order(&b.0))
}

fn size_of(entry: &Size, wish: &Wish) -> [u32; 2] {
    [entry.width.nearest(wish.size[0]), entry.height.nearest(wish.size[1])]
}

/// The slowest interval that reaches the rate, or else the fastest there is.
fn interval_of(entry: &Size, wish: &Wish) -> Interval {
    let wanted = Interval::of(wish.rate);
    let offered = entry.intervals.iter().filter(|[short, long]| short.rate() > 0.0 && long.0 > 0);
    let nearest = offered.map(|&[short, long]| {
        if wish.rate >= short.rate() {
            short
        } else if wish.rate <= long.rate() {
            long
        } else {
            wanted
        }
    });
    let slow = |interval: &Interval| short_of(interval.rate(), wish.rate);
    nearest
        .min_by(|a, b| slow(a).cmp(&slow(b)).then(a.rate().total_cmp(&b.rate())))
        .unwrap_or(wanted)
}

/// Thousandths of the rate that are missing.
fn short_of(rate: f64, wanted: f64) -> u64 {
    let missing = 1.0 - rate / wanted;
    if missing <= RATE { 0 } else { (missing * 1000.0) as u64 }
}

fn misfit(format: PixelFormat, size: [u32; 2], interval: Interval, wish: &Wish) -> Misfit {
    let shape = |[width, height]: [u32; 2]| f64::from(width) / f64::from(height.max(1));
    let missing = |got: u32, wanted: u32| u64::from(wanted.saturating_sub(got));
    let [width, height] = size;
    let lost = missing(width, wish.size[0]) * u64::from(wish.size[1])
        + missing(height, wish.size[1]) * u64::from(wish.size[0]);
    Misfit {
        colourless: matches!(format, PixelFormat::Grey | PixelFormat::Y16),
        misshapen: (shape(size) / shape(wish.size) - 1.0).abs() > SHAPE,
        small: lost,
        slow: short_of(interval.rate(), wish.rate),
        cost: cost(format, size, interval.rate()),
    }
}

/// Nanoseconds of work in a second.
///
/// What a pixel takes to develop was measured on x86-64 (`cargo test --lib
/// how_long_developing_takes -- --ignored --nocapture`). Only the relations matter, and they are
/// much the same everywhere: a JPEG is the dearest by far.
fn cost(format: PixelFormat, [width, height]: [u32; 2], rate: f64) -> f64 {
    let pixels = f64::from(width) * f64::from(height);
    let (bytes, develop_ns) = match format {
        PixelFormat::Rgb24 => (3.0, 0.0),
        PixelFormat::Bgr24 => (3.0, 0.2),
        PixelFormat::Yuyv | PixelFormat::Uyvy => (2.0, 0.4),
        PixelFormat::Nv12 | PixelFormat::Yu12 => (1.5, 0.2),
        PixelFormat::Grey => (1.0, 0.1),
        PixelFormat::Y16 => (2.0, 0.5),
        PixelFormat::Mjpeg => (0.25, 4.1),
    };
    pixels * (rate * bytes * COPY_NS + LOOKS.min(rate) * develop_ns)
}

fn reason(misfit: &Misfit, wish: &Wish, equals: &mut [(PixelFormat, f64)]) -> String {
    let mut lacks = Vec::new();
    if misfit.colourless && wish.format.is_none() {
        lacks.push("it has no colour".to_owned());
    }
    if misfit.misshapen {
        lacks.push("its shape is another, so check hfov_deg".to_owned());
    }
    if misfit.small > 0 {
        lacks.push("it is smaller than asked".to_owned());
    }
    if misfit.slow > 0 {
        lacks.push("it is slower than asked".to_owned());
    }
    // The same pixels can come in one buffer or in several.
    let mut named: Vec<(PixelFormat, f64)> = Vec::new();
    equals.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (format, cost) in equals {
        if named.iter().all(|(known, _)| known != format) {
            named.push((*format, *cost));
        }
    }
    let why = match named.as_slice() {
        _ if wish.format.is_some() => "the format that was asked for".to_owned(),
        [_] if lacks.is_empty() => "the only one that fits".to_owned(),
        [_] => "the nearest to what was asked for".to_owned(),
        all => {
            let ms = |cost: f64| cost / 1e6;
            let list: Vec<String> = all
                .iter()
                .map(|(format, cost)| format!("{} {:.1}", format.name(), ms(*cost)))
                .collect();
            format!("the cheapest that fits, estimated ms of work a second: {}", list.join(", "))
        }
    };
    if lacks.is_empty() { why } else { format!("{why}; {}", lacks.join(", ")) }
}

/// Why nothing can be used.
fn nothing(offers: &[Offer], wish: &Wish) -> String {
    let offered: Vec<String> = offers.iter().map(|offer| offer.fourcc.to_string()).collect();
    let offered = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
    match wish.format {
        Some(format) => format!("does not offer {}; it offers {offered}", format.name()),
        None => format!("offers no format that can be used; it offers {offered}"),
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (format, [width, height]) = (self.format.name(), self.size);
        write!(f, "{format} {width}×{height}, {}/s", Rate(self.interval.rate()))
    }
}

/// A rate with as many decimals as it needs, at most two.
pub struct Rate(pub f64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 100.0).round() / 100.0)
    }
}

#[cfg(test)]
mod tests;
