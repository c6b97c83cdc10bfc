//! What was counted, and how long looks take: readable from any thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Mono;
use crate::event::{self, Counters, Queues, Times};

use super::{Look, Stages};

/// How far back the percentiles look.
const MEMORY: Duration = Duration::from_secs(60);

/// Counters of every stage. Each stage moves its own; a counter that stands still is a stage
/// that stands still.
#[derive(Debug, Default)]
pub struct Progress {
    /// Pictures captured.
    pub frames: AtomicU64,
    /// Pictures replaced by a newer one before perception took them.
    pub frames_replaced: AtomicU64,
    /// Pictures that the camera took and never gave.
    pub frames_missed: AtomicU64,
    /// Pictures that came damaged.
    pub frames_corrupt: AtomicU64,
    /// Samples captured, per channel.
    pub samples: AtomicU64,
    /// Samples lost because the ring was full, per channel.
    pub samples_lost: AtomicU64,
    /// Samples that the microphone took and never gave, per channel.
    pub samples_missed: AtomicU64,
    /// Times the microphone's buffer ran over.
    pub xruns: AtomicU64,
    /// Times perception looked for work, whether there was any or not.
    pub turns: AtomicU64,
    /// Looks taken.
    pub looks: AtomicU64,
    /// Looks left out because perception was behind.
    pub looks_skipped: AtomicU64,
    /// Looks that heard nothing above the floor.
    pub looks_silent: AtomicU64,
    /// Events given to the observer.
    pub events: AtomicU64,
    /// Blocks of samples that perception has not taken yet.
    pub blocks_waiting: AtomicU64,
    /// Pictures that perception has not taken yet: one or none.
    pub frames_waiting: AtomicU64,
    meters: Mutex<Meters>,
}

/// How long the parts of a look took.
#[derive(Debug, Default)]
struct Meters {
    sound: Meter,
    picture: Meter,
    align: Meter,
    look: Meter,
}

impl Progress {
    /// Everything at zero.
    pub fn new() -> Progress {
        Progress::default()
    }

    /// The counters as subscribers see them. `subscribers` and `events_lost` are not the
    /// pipeline's to know and are 0.
    pub fn counters(&self) -> Counters {
        let look = self.meters().look.times();
        Counters {
            frames: get(&self.frames),
            frames_replaced: get(&self.frames_replaced),
            frames_missed: get(&self.frames_missed),
            frames_corrupt: get(&self.frames_corrupt),
            samples: get(&self.samples),
            samples_lost: get(&self.samples_lost),
            samples_missed: get(&self.samples_missed),
            xruns: get(&self.xruns),
            looks: get(&self.looks),
            looks_skipped: get(&self.looks_skipped),
            looks_silent: get(&self.looks_silent),
            events: get(&self.events),
            look_ms_p50: look.p50_ms,
            look_ms_p99: look.p99_ms,
            ..Counters::default()
        }
    }

    /// How long each part of a look takes; `None` before the first look.
    pub fn stages(&self) -> Option<event::Stages> {
        if get(&self.looks) == 0 {
            return None;
        }
        let mut meters = self.meters();
        Some(event::Stages {
            sound: meters.sound.times(),
            picture: meters.picture.times(),
            align: meters.align.times(),
            look: meters.look.times(),
        })
    }

    /// What waits for perception. `events_waiting` is not the pipeline's to know and is 0.
    pub fn queues(&self) -> Queues {
        Queues {
            blocks_waiting: get(&self.blocks_waiting),
            frames_waiting: get(&self.frames_waiting),
            ..Queues::default()
        }
    }

    fn meters(&self) -> MutexGuard<'_, Meters> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn looked(&self, look: &Look<'_>) {
        Self::add(&self.looks, 1);
        Self::add(&self.looks_skipped, look.skipped);
        Self::add(&self.looks_silent, u64::from(look.silent));
        self.published(look.sounds.len());
    }

    /// What a look up to `at` cost, with the picture that was encoded for it or after it.
    pub(super) fn took(&self, at: Mono, silent: bool, took: &Stages) {
        let mut meters = self.meters();
        meters.look.add(at, took.total().time);
        meters.align.add(at, took.judging().time);
        // Silence runs no encoder, and a picture that is not new is not encoded again.
        if !silent {
            meters.sound.add(at, took.hearing().time);
        }
        if took.has_seen() {
            meters.picture.add(at, took.seeing().time);
        }
    }

    pub(super) fn published(&self, count: usize) {
        Self::add(&self.events, count as u64);
    }
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Durations of the last minute.
#[derive(Debug, Default)]
pub struct Meter {
    kept: VecDeque<(Mono, f64)>,
    sorted: Vec<f64>,
}

impl Meter {
    /// Adds one that was measured at `at`, and forgets those a minute older.
    pub fn add(&mut self, at: Mono, took: Duration) {
        while self.kept.front().is_some_and(|(then, _)| at.since(*then) > MEMORY) {
            self.kept.pop_front();
        }
        self.kept.push_back((at, took.as_secs_f64() * 1e3));
    }

    /// Median and 99th percentile.
    fn times(&mut self) -> Times {
        Times { p50_ms: self.percentile(50.0), p99_ms: self.percentile(99.0) }
    }

    /// The percentile (0..=100, nearest rank) in milliseconds, to a hundredth; 0 if there is
    /// nothing to go by.
    pub fn percentile(&mut self, percent: f64) -> f64 {
        self.sorted.clear();
        self.sorted.extend(self.kept.iter().map(|(_, ms)| ms));
        self.sorted.sort_unstable_by(f64::total_cmp);
        let rank = (percent / 100.0 * self.sorted.len() as f64).ceil() as usize;
        let value = self.sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0);
        (value * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_last_minute() {
        let mut meter = Meter::default();
        assert_eq!(meter.percentile(50.0), 0.0);
        for second in 0..200 {
            let ms = if second < 100 { 1000 } else { second - 99 };
            meter.add(Mono(second * 1_000_000_000), Duration::from_millis(ms));
        }
        // Seconds 139 to 199 are left: 40 to 100 ms.
        assert_eq!(meter.percentile(50.0), 70.0);
        assert_eq!(meter.percentile(99.0), 100.0);
        assert_eq!(meter.percentile(0.0), 40.0);
    }
}
