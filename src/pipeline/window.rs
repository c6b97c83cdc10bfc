//! The last second of sound at 16 kHz, and when each of its samples was taken.
//!
//! Samples have a place (counted since the start) and a time. The time of a place always comes
//! from the stamp of the block that brought it, so that a sound card whose 16 kHz are not the
//! clock's 16 kHz never moves the windows away from the pictures.

use std::collections::VecDeque;
use std::time::Duration;

use crate::capture::{AudioFormat, Block};
use crate::clock::Mono;
use crate::error::Result;
use crate::signal::{
    BANDS, FRAME, HOP, LogMel, PATCH_FRAMES, PATCH_SAMPLES, RATE, Resampler, level_dbfs,
};

/// A stamp may differ by so much from what the block before it let expect: stamping jitters by
/// a period or so. Beyond it, samples are missing.
const JITTER: Duration = Duration::from_millis(20);
/// A hole up to this long is filled with silence, so that the window stays true to time; after
/// a longer one nothing of the old window is left anyway.
const HOLE: Duration = Duration::from_secs(1);
/// Samples that are kept: a patch and the frame that is not complete yet.
const KEEP: usize = PATCH_SAMPLES + FRAME;

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
    log_mel: LogMel,
    samples: Vec<f32>,
    /// Place of `samples[0]`.
    first: u64,
    /// Input samples a channel, and how many 16 kHz samples of silence stand between them.
    heard: u64,
    filled: u64,
    anchors: VecDeque<Anchor>,
    /// When the next block should begin.
    expected: Option<Mono>,
    /// Log-mel frames at places `frames_from + i · HOP`.
    frames: VecDeque<[f32; BANDS]>,
    frames_from: u64,
}

impl Window {
    /// An empty window for sound of this format.
    ///
    /// # Errors
    /// The format cannot be resampled.
    pub fn new(format: AudioFormat) -> Result<Window> {
        Ok(Window {
            format,
            resampler: Resampler::new(format.rate, format.channels)?,
            log_mel: LogMel::new(),
            samples: Vec::with_capacity(4 * KEEP),
            first: 0,
            heard: 0,
            filled: 0,
            anchors: VecDeque::with_capacity(64),
            expected: None,
            frames: VecDeque::with_capacity(PATCH_FRAMES + 1),
            frames_from: 0,
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
            if hole > HOLE || expected.since(block.stamp) > JITTER {
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

    /// From when to when the newest whole patch reaches; `None` until there is one.
    pub fn span(&self) -> Option<Span> {
        let start = self.patch_place()?;
        let end = start + PATCH_SAMPLES as u64 - 1;
        Some(Span { start: self.time(start)?, end: self.time(end)? })
    }

    /// Level of the newest patch's samples, dB below full scale; silence if there is none.
    pub fn level_dbfs(&self) -> f32 {
        let samples = self.patch_place().and_then(|place| self.slice(place, PATCH_SAMPLES));
        level_dbfs(samples.unwrap_or_default())
    }

    /// Writes the newest patch, 96 frames × 64 bands, and says whether there is one. Frames that
    /// an earlier patch had are not computed again.
    pub fn patch(&mut self, out: &mut Vec<f32>) -> bool {
        let Some(start) = self.patch_place() else { return false };
        let stop = start + (PATCH_FRAMES * HOP) as u64;
        // What lies before the patch is not needed any more; after a hole in the sequence of
        // patches the frames begin anew.
        while self.frames_from < start && self.frames.pop_front().is_some() {
            self.frames_from += HOP as u64;
        }
        if self.frames.is_empty() || self.frames_from != start {
            self.frames.clear();
            self.frames_from = start;
        }
        let mut place = self.frames_from + (self.frames.len() * HOP) as u64;
        while place < stop {
            let samples = self.slice(place, FRAME).and_then(|s| <&[f32; FRAME]>::try_from(s).ok());
            let Some(samples) = samples.copied() else { return false };
            self.frames.push_back(self.log_mel.frame(&samples));
            place += HOP as u64;
        }
        out.clear();
        out.extend(self.frames.iter().flatten());
        true
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
        let start = self.end().checked_sub(PATCH_SAMPLES as u64)? / HOP as u64 * HOP as u64;
        (start >= self.first).then_some(start)
    }

    fn slice(&self, place: u64, count: usize) -> Option<&[f32]> {
        let from = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.samples.get(from..from + count)
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

    fn restart(&mut self) {
        self.first = self.end();
        self.samples.clear();
        self.anchors.clear();
        self.frames.clear();
    }

    /// Drops what no patch will need, in large steps so that little is moved.
    fn forget(&mut self) {
        if self.samples.len() >= 2 * KEEP {
            let surplus = self.samples.len() - KEEP;
            self.samples.drain(..surplus);
            self.first += surplus as u64;
        }
        // The anchor before the first sample still gives that sample's time.
        while self.anchors.get(1).is_some_and(|next| next.place <= self.first as f64) {
            self.anchors.pop_front();
        }
    }
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
