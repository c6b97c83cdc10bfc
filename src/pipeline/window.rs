//! The sound that a patch covers, at 16 kHz, and when each of its samples was taken.
//!
//! Samples have a place (counted since the start) and a time. The time of a place always comes
//! from the stamp of the block that brought it, so that a sound card whose 16 kHz are not the
//! clock's 16 kHz never moves the windows away from the pictures.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::capture::{AudioFormat, Block};
use crate::clock::Mono;
use crate::error::Result;
use crate::signal::{FrontEnd, RATE, Resampler, SoundFrontEnd, level_dbfs};

/// A stamp may differ by so much from what the block before it let expect: stamping jitters by
/// a period or so. Beyond it, samples are missing.
const JITTER: Duration = Duration::from_millis(20);

/// One place whose time is known.
struct Anchor {
    place: f64,
    stamp: Mono,
}

/// From when to when a patch reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First sample.
    pub start: Mono,
    /// Last sample.
    pub end: Mono,
}

impl Span {
    /// The middle.
    pub fn centre(self) -> Mono {
        self.start + self.end.since(self.start) / 2
    }
}

/// The history of one microphone.
pub struct Window {
    format: AudioFormat,
    resampler: Resampler,
    front_end: Box<dyn SoundFrontEnd>,
    samples: Vec<f32>,
    /// Samples that are kept: a patch and the hop that is not complete yet.
    keep: usize,
    /// A hole up to this long is filled with silence, so that the window stays true to time;
    /// after a longer one nothing of the old window is left anyway.
    longest_hole: Duration,
    /// Place of `samples[0]`.
    first: u64,
    /// Input samples a channel, and how many 16 kHz samples of silence stand between them.
    heard: u64,
    filled: u64,
    anchors: VecDeque<Anchor>,
    /// When the next block should begin.
    expected: Option<Mono>,
}

impl Window {
    /// An empty window for sound of this format, which gives patches of this front end.
    ///
    /// # Errors
    /// The format cannot be resampled.
    pub fn new(format: AudioFormat, front_end: &FrontEnd) -> Result<Window> {
        let front_end = front_end.open();
        let keep = front_end.samples() + front_end.hop();
        Ok(Window {
            format,
            resampler: Resampler::new(format.rate, format.channels)?,
            samples: Vec::with_capacity(4 * keep),
            keep,
            longest_hole: lasting(front_end.samples()),
            front_end,
            first: 0,
            heard: 0,
            filled: 0,
            anchors: VecDeque::with_capacity(64),
            expected: None,
        })
    }

    /// Takes the next samples. A hole in the stamps becomes silence; a long one, or a step back
    /// in time, empties the window. Says whether the sound goes on from what was heard before.
    pub fn hear(&mut self, block: &Block) -> bool {
        let samples = block.samples();
        let count = (samples.len() / usize::from(self.format.channels.max(1))) as u64;
        if count == 0 {
            return true;
        }
        let mut goes_on = true;
        if let Some(expected) = self.expected {
            let hole = block.stamp.since(expected);
            if hole > self.longest_hole || expected.since(block.stamp) > JITTER {
                self.restart();
                goes_on = false;
            } else if hole > JITTER {
                let silence = (hole.as_secs_f64() * f64::from(RATE)).round() as usize;
                self.samples.resize(self.samples.len() + silence, 0.0);
                self.filled += silence as u64;
            }
        }
        let lasts = Duration::from_secs_f64(count as f64 / f64::from(self.format.rate));
        self.expected = Some(block.stamp + lasts);
        self.anchors.push_back(Anchor { place: self.place_of_input(), stamp: block.stamp });
        self.heard += count;
        self.resampler.push(samples, &mut self.samples);
        self.forget();
        goes_on
    }

    /// What the microphone delivers.
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// The newest whole patch: from when to when it reaches, and its level in dB below full
    /// scale; `None` until there is one.
    pub fn heard(&self) -> Option<(Span, f32)> {
        self.span().map(|span| (span, self.level_dbfs()))
    }

    /// From when to when the newest whole patch reaches; `None` until there is one.
    pub fn span(&self) -> Option<Span> {
        let start = self.patch_place()?;
        let end = start + self.front_end.samples() as u64 - 1;
        Some(Span { start: self.time(start)?, end: self.time(end)? })
    }

    /// Level of the newest patch's samples, dB below full scale; silence if there is none.
    fn level_dbfs(&self) -> f32 {
        let place = self.patch_place();
        let samples = place.and_then(|place| self.samples.get(self.covered(place)?));
        level_dbfs(samples.unwrap_or_default())
    }

    /// Writes the newest patch, and says whether there is one.
    pub fn patch(&mut self, out: &mut Vec<f32>) -> bool {
        let Some(start) = self.patch_place() else { return false };
        let Some(samples) = self.covered(start).and_then(|range| self.samples.get(range)) else {
            return false;
        };
        self.front_end.patch(start, samples, out);
        true
    }

    /// Writes the newer half of the patch written last, over and over, and gives the level of its
    /// samples, dB below full scale.
    pub fn latest(&self, out: &mut Vec<f32>) -> f32 {
        self.front_end.latest(out);
        let half = self.front_end.samples() / 2;
        let range = self.patch_place().and_then(|place| self.covered(place));
        let samples = range.and_then(|range| self.samples.get(range.end - half..range.end));
        level_dbfs(samples.unwrap_or_default())
    }

    /// The place after the newest sample.
    fn end(&self) -> u64 {
        self.first + self.samples.len() as u64
    }

    /// The place at which the next input sample will come out of the resampler.
    fn place_of_input(&self) -> f64 {
        let resampled = self.heard as f64 * f64::from(RATE) / f64::from(self.format.rate);
        resampled + self.resampler.delay().as_secs_f64() * f64::from(RATE) + self.filled as f64
    }

    /// Where the newest whole patch begins: on the grid of frames.
    fn patch_place(&self) -> Option<u64> {
        let hop = self.front_end.hop() as u64;
        let start = self.end().checked_sub(self.front_end.samples() as u64)? / hop * hop;
        (start >= self.first).then_some(start)
    }

    /// Which of `samples` the patch at a place covers.
    fn covered(&self, place: u64) -> Option<Range<usize>> {
        let from = usize::try_from(place.checked_sub(self.first)?).ok()?;
        Some(from..from + self.front_end.samples())
    }

    /// When the sample at a place was taken, by the last anchor before it.
    fn time(&self, place: u64) -> Option<Mono> {
        let place = place as f64;
        let anchor = self.anchors.iter().rev().find(|anchor| anchor.place <= place);
        let anchor = anchor.or(self.anchors.front())?;
        let seconds = (place - anchor.place) / f64::from(RATE);
        let away = Duration::from_secs_f64(seconds.abs());
        Some(if seconds < 0.0 { anchor.stamp - away } else { anchor.stamp + away })
    }

    /// Forgets what was heard; what comes next has nothing to do with it.
    pub fn clear(&mut self) {
        self.restart();
        self.expected = None;
    }

    fn restart(&mut self) {
        self.first = self.end();
        self.samples.clear();
        self.anchors.clear();
    }

    /// Drops what no patch will need, in large steps so that little is moved.
    fn forget(&mut self) {
        if self.samples.len() >= 2 * self.keep {
            let surplus = self.samples.len() - self.keep;
            self.samples.drain(..surplus);
            self.first += surplus as u64;
        }
        // The anchor before the first sample still gives that sample's time.
        while self.anchors.get(1).is_some_and(|next| next.place <= self.first as f64) {
            self.anchors.pop_front();
        }
    }
}

/// How long so many samples last.
fn lasting(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(RATE))
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
