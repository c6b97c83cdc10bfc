//! What was counted, and how long looks take: readable from any thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Mono;
use crate::event::Counters;

use super::Look;

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
    /// Samples captured, per channel.
    pub samples: AtomicU64,
    /// Samples lost because the ring was full, per channel.
    pub samples_lost: AtomicU64,
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
    meter: Mutex<Meter>,
}

impl Progress {
    /// Everything at zero.
    pub fn new() -> Progress {
        Progress::default()
    }

    /// The counters as subscribers see them.
    pub fn counters(&self) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        Counters {
            frames: get(&self.frames),
            frames_replaced: get(&self.frames_replaced),
            samples: get(&self.samples),
            samples_lost: get(&self.samples_lost),
            looks: get(&self.looks),
            looks_skipped: get(&self.looks_skipped),
            looks_silent: get(&self.looks_silent),
            events: get(&self.events),
            look_ms_p50: meter.percentile(50.0),
            look_ms_p99: meter.percentile(99.0),
            ..Counters::default()
        }
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn looked(&self, look: &Look<'_>) {
        Self::add(&self.looks, 1);
        Self::add(&self.looks_skipped, look.skipped);
        Self::add(&self.looks_silent, u64::from(look.silent));
        self.published(look.sounds.len());
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.add(look.span.end, look.stages.total());
    }

    pub(super) fn published(&self, count: usize) {
        Self::add(&self.events, count as u64);
    }
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
