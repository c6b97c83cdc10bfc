//! What was measured, as `--json` writes and `--compare` reads it.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tyto::cost::Cost;
use tyto::error::{Error, Kind, Result};

/// The version of the report's format.
pub const SCHEMA: u32 = 1;

/// A part of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// JPEG to RGB.
    Decode,
    /// YUYV to RGB.
    Colour,
    /// A hop of samples to mono at 16 kHz, and the picture handed over.
    Resample,
    /// Samples to patches.
    FrontEnd,
    /// RGB to the net's input.
    Resize,
    /// The picture's net.
    Picture,
    /// The sound's net, as often as a look runs it.
    Sound,
    /// Pooling, maps and sources.
    Align,
    /// Tracks and events.
    Track,
    /// From the event to a subscriber's having read it.
    Publish,
    /// Both nets.
    Encoders,
    /// Everything from a YUYV picture and a hop of sound to the event at the subscriber.
    Look,
    /// Everything in a look that hears nothing, with its picture.
    Silence,
}

impl Part {
    /// All there are, in the order of the data.
    pub const ALL: [Part; 13] = [
        Part::Decode,
        Part::Colour,
        Part::Resample,
        Part::FrontEnd,
        Part::Resize,
        Part::Picture,
        Part::Sound,
        Part::Align,
        Part::Track,
        Part::Publish,
        Part::Encoders,
        Part::Look,
        Part::Silence,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Decode => "decode (MJPEG)",
            Part::Colour => "colour (YUYV)",
            Part::Resample => "resample",
            Part::FrontEnd => "front end",
            Part::Resize => "resize",
            Part::Picture => "picture encoder",
            Part::Sound => "sound encoder",
            Part::Align => "align",
            Part::Track => "track",
            Part::Publish => "publish",
            Part::Encoders => "both encoders",
            Part::Look => "whole look",
            Part::Silence => "silent look",
        }
    }
}

/// What the parts of one look cost; those that did not run have no cost.
#[derive(Default)]
pub struct Costs([Option<Cost>; Part::ALL.len()]);

impl Costs {
    /// Notes a part's.
    pub fn set(&mut self, part: Part, cost: Cost) {
        // The enumeration has as many members as the array.
        self.0[part as usize] = Some(cost);
    }
}

/// The costs of many looks.
#[derive(Default)]
pub struct Ledger {
    parts: [Samples; Part::ALL.len()],
    /// Whole looks over their encoders, in processor time.
    overhead: Vec<f64>,
    /// Processor time, all threads, milliseconds a look.
    processor: Vec<f64>,
}

#[derive(Default)]
struct Samples {
    ms: Vec<f64>,
    busy: Vec<f64>,
    calls: Vec<f64>,
    bytes: Vec<f64>,
}

impl Ledger {
    /// Notes one look.
    pub fn note(&mut self, costs: &Costs) {
        let of = |part: Part| costs.0[part as usize].map(|cost| cost.busy.as_secs_f64());
        if let (Some(look), Some(encoders)) = (of(Part::Look), of(Part::Encoders)) {
            self.overhead.push(look / encoders.max(1e-9));
        }
        for (samples, cost) in self.parts.iter_mut().zip(&costs.0) {
            if let Some(cost) = cost {
                samples.ms.push(cost.time.as_secs_f64() * 1e3);
                samples.busy.push(cost.busy.as_secs_f64() * 1e3);
                samples.calls.push(cost.memory.calls as f64);
                samples.bytes.push(cost.memory.bytes as f64);
            }
        }
    }

    /// Notes a whole look's processor time, decoding of the other picture included.
    pub fn processor(&mut self, costs: &Costs, ms: f64) {
        if costs.0[Part::Look as usize].is_some() {
            self.processor.push(ms);
        }
    }

    /// The whole.
    pub fn measured(self, engine: &str, load: Duration) -> Measured {
        let row = |(part, samples): (Part, &Samples)| {
            (!samples.ms.is_empty()).then(|| Row {
                part: part.name().to_owned(),
                runs: samples.ms.len(),
                ms: Spread::of(&samples.ms),
                busy_ms: Spread::of(&samples.busy),
                calls: percentile(&samples.calls, 50.0),
                bytes: percentile(&samples.bytes, 50.0),
            })
        };
        Measured {
            engine: engine.to_owned(),
            load_ms: rounded(load.as_secs_f64() * 1e3),
            parts: Part::ALL.into_iter().zip(&self.parts).filter_map(row).collect(),
            overhead: Spread::of(&self.overhead),
            processor_ms: Spread::of(&self.processor),
        }
    }
}

/// A run of `tyto bench`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The program's version.
    pub version: String,
    /// The processor's architecture and name.
    pub machine: String,
    /// The board profile's name.
    pub board: String,
    /// Name and version of the model pack.
    pub model: String,
    /// What was looked at.
    pub material: String,
    /// Width of its pictures.
    pub width: u32,
    /// Height of its pictures.
    pub height: u32,
    /// Seconds of sound a look.
    pub hop_s: f64,
    /// The engines, side by side.
    pub engines: Vec<Measured>,
    /// Engines that do not run the pack.
    pub refused: Vec<Refused>,
}

/// One engine.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name.
    pub engine: String,
    /// Until both nets were ready.
    pub load_ms: f64,
    /// The parts of a look.
    pub parts: Vec<Row>,
    /// A whole look over the bare sum of its encoders, in processor time of its thread.
    pub overhead: Spread,
    /// Processor time of a look on all threads, with the JPEG that is decoded beside.
    pub processor_ms: Spread,
}

/// One part.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub part: String,
    /// How often it ran.
    pub runs: usize,
    /// How long.
    pub ms: Spread,
    /// Processor time of the thread that looks.
    pub busy_ms: Spread,
    /// Calls for memory, the median look.
    pub calls: f64,
    /// Bytes asked for, the median look.
    pub bytes: f64,
}

/// An engine that was not measured.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Its name.
    pub engine: String,
    /// What it said.
    pub reason: String,
}

/// Where values lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median.
    pub p50: f64,
    /// 90 of 100 are below.
    pub p90: f64,
    /// 99 of 100 are below.
    pub p99: f64,
    /// The median of a run like this lies between this…
    pub low: f64,
    /// …and this, 95 times of 100.
    pub high: f64,
}

/// Pieces of a run that are drawn anew, and how often.
const PIECES: usize = 10;
const DRAWS: usize = 400;

impl Spread {
    /// Of values in the order of time.
    ///
    /// The interval is that of a bootstrap of whole pieces of the run (Künsch 1989): a machine
    /// that is slow for a while is slow for several looks, which single looks would hide.
    pub fn of(values: &[f64]) -> Spread {
        let pieces: Vec<&[f64]> = values.chunks(values.len().div_ceil(PIECES).max(1)).collect();
        let (mut state, mut medians) = (1u64, Vec::with_capacity(DRAWS));
        let mut drawn = Vec::with_capacity(values.len());
        for _ in 0..DRAWS {
            drawn.clear();
            for _ in 0..pieces.len() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let piece = (state >> 33) as usize % pieces.len().max(1);
                drawn.extend_from_slice(pieces[piece]);
            }
            medians.push(percentile(&drawn, 50.0));
        }
        Spread {
            p50: rounded(percentile(values, 50.0)),
            p90: rounded(percentile(values, 90.0)),
            p99: rounded(percentile(values, 99.0)),
            low: rounded(percentile(&medians, 2.5)),
            high: rounded(percentile(&medians, 97.5)),
        }
    }
}

impl Report {
    /// Reads what `--json` wrote.
    ///
    /// # Errors
    /// [`Kind::Media`]: the file cannot be read, or is no such report.
    pub fn read(path: &Path) -> Result<Report> {
        let wrong = |what: &str| Error::new(Kind::Media, path.display(), what);
        let text = std::fs::read(path).map_err(|e| wrong("cannot be read").because(e))?;
        let report: Report = serde_json::from_slice(&text).map_err(|error| {
            wrong("is no report of a bench").because(error).hint("write one with tyto bench --json")
        })?;
        if report.schema != SCHEMA {
            return Err(wrong(&format!("has schema {}, and not {SCHEMA}", report.schema)));
        }
        Ok(report)
    }
}

/// The percentile (0..=100, nearest rank); 0 of nothing.
fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
}

/// To a tenth of a microsecond, if these are milliseconds.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Architecture, processors that this program may use, and their name if the kernel tells it.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| matches!(key.trim(), "model name" | "Model" | "Hardware"));
    let name = name.map_or(String::new(), |(_, name)| format!(" ({})", name.trim()));
    format!("{}, {cores} cores{name}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank_and_the_interval_holds_the_median() {
        let values: Vec<f64> = (1..=100).map(|n| f64::from((n * 37) % 101)).collect();
        let spread = Spread::of(&values);
        assert_eq!((spread.p50, spread.p90, spread.p99), (50.0, 90.0, 99.0));
        assert!(spread.low < 50.0 && spread.high > 50.0, "{spread:?}");
        assert_eq!(Spread::of(&[]), Spread::default());
        let one = Spread::of(&[2.0]);
        assert_eq!((one.p50, one.low, one.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn a_slow_spell_widens_the_interval_where_the_same_values_in_another_order_do_not() {
        let spell: Vec<f64> = (0..100).map(|n| if n < 50 { 1.0 } else { 2.0 }).collect();
        let mixed: Vec<f64> = (0..100).map(|n| if n % 2 == 0 { 1.0 } else { 2.0 }).collect();
        let width = |values: &[f64]| Spread::of(values).high - Spread::of(values).low;
        assert!(width(&spell) > 0.9, "{:?}", Spread::of(&spell));
        assert!(width(&mixed) < 0.1, "{:?}", Spread::of(&mixed));
    }

    #[test]
    fn a_part_that_never_ran_has_no_row_and_a_look_is_set_against_its_own_encoders() {
        let ms = |ms: u64| {
            let time = Duration::from_millis(ms);
            Cost { time, busy: time, ..Cost::default() }
        };
        let mut ledger = Ledger::default();
        for extra in [10, 20, 30] {
            let mut costs = Costs::default();
            costs.set(Part::Encoders, ms(100));
            costs.set(Part::Look, ms(100 + extra));
            ledger.note(&costs);
        }
        let measured = ledger.measured("abacus", Duration::ZERO);
        let names: Vec<&str> = measured.parts.iter().map(|row| row.part.as_str()).collect();
        assert_eq!(names, ["both encoders", "whole look"]);
        assert_eq!(measured.overhead.p50, 1.2);
        assert_eq!(measured.parts[1].ms.p99, 130.0);
    }
}
