//! What was seen lately, and which of it belongs to an instant.

use std::time::Duration;

use crate::capture::Frame;
use crate::clock::Mono;
use crate::cost::Stopwatch;
use crate::encode::{ImageEncoder, ImageMap};
use crate::error::Result;

use super::stages::Stages;
use super::still::Still;

/// After this long a picture is encoded whether it seems to have changed or not: what is small
/// and faint may have moved without its square of the picture telling.
const TRUSTED: Duration = Duration::from_secs(2);

/// What pictures showed while they did not change.
struct Seen {
    /// Stamps of the first of them, which was encoded, and of the last.
    from: Mono,
    until: Mono,
    map: ImageMap,
}

/// The newest picture and the maps of those before it.
pub(super) struct Sight {
    frame: Option<Frame>,
    /// Nobody has looked yet whether it shows anything new.
    fresh: bool,
    /// It does, and is not encoded yet.
    waiting: bool,
    still: Still,
    /// What was seen lately, in order of time. Maps are kept instead of pictures: the centre of
    /// the sound lies a second or two back, and a map is a hundredth of a picture.
    seen: Vec<Seen>,
    /// How many maps are kept.
    memory: usize,
}

impl Sight {
    /// Nothing seen yet, and room for so many maps.
    pub fn new(memory: usize) -> Sight {
        Sight {
            frame: None,
            fresh: false,
            waiting: false,
            still: Still::default(),
            seen: Vec::with_capacity(memory),
            memory,
        }
    }

    /// Keeps so many maps from now on.
    pub fn remember(&mut self, memory: usize) {
        self.memory = memory;
    }

    /// The newest picture.
    pub fn frame(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    /// Takes a picture and gives back the one before.
    pub fn see(&mut self, frame: Frame) -> Option<Frame> {
        self.fresh = true;
        if std::mem::take(&mut self.waiting) {
            // The one before was never encoded: that this one looks like it would say nothing.
            self.still.forget();
        }
        self.frame.replace(frame)
    }

    /// Forgets everything.
    pub fn blind(&mut self) {
        self.frame = None;
        self.fresh = false;
        self.waiting = false;
        self.still.forget();
        self.seen.clear();
    }

    /// Looks whether the newest picture, if it is new, shows anything new.
    pub fn notice(&mut self) {
        let Some(frame) = self.frame.as_ref().filter(|_| self.fresh) else { return };
        self.fresh = false;
        let last = self.seen.last_mut();
        if last.as_ref().is_none_or(|seen| frame.stamp.since(seen.from) >= TRUSTED) {
            self.still.forget();
        }
        let changed = self.still.has_changed(&frame.picture);
        match last {
            Some(seen) if !changed => seen.until = frame.stamp,
            _ => self.waiting = true,
        }
    }

    /// Whether the newest picture is at least as near to an instant as all that were encoded.
    pub fn is_nearest(&self, at: Mono) -> bool {
        let Some(frame) = &self.frame else { return false };
        let newest = away(frame.stamp, frame.stamp, at);
        self.seen.iter().all(|seen| newest <= away(seen.from, seen.until, at))
    }

    /// Encodes the newest picture, if it waits for that, into the oldest place of what was seen.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn encode(
        &mut self,
        encoder: &mut dyn ImageEncoder,
        watch: &mut Stopwatch,
        stages: &mut Stages,
    ) -> Result<()> {
        let Some(frame) = self.frame.as_ref().filter(|_| self.waiting) else { return Ok(()) };
        self.waiting = false;
        let mut map = if self.seen.len() < self.memory {
            ImageMap::default()
        } else {
            self.seen.remove(0).map
        };
        encoder.prepare(&frame.picture)?;
        stages.resize += watch.lap();
        encoder.infer(&mut map)?;
        stages.picture += watch.lap();
        self.seen.retain(|seen| seen.from < frame.stamp);
        self.seen.push(Seen { from: frame.stamp, until: frame.stamp, map });
        Ok(())
    }

    /// What was seen nearest to an instant; the later one of two as near.
    pub fn nearest(&self, at: Mono) -> Option<&ImageMap> {
        let away = |seen: &&Seen| away(seen.from, seen.until, at);
        self.seen.iter().rev().min_by_key(away).map(|seen| &seen.map)
    }
}

/// How far an instant is from a span of time; zero within it.
fn away(from: Mono, until: Mono, at: Mono) -> Duration {
    from.since(at).max(at.since(until))
}
