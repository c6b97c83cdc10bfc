//! What work costs: time, and calls for memory.
//!
//! A [`Stopwatch`] is cheap enough to run in the daemon: a lap reads the clock and two numbers of
//! the thread. Calls for memory are counted only where a program has [`Counting`] for its
//! allocator, and only on threads that asked for it with [`count_memory`].

mod allocator;

use std::ops::{Add, AddAssign};
use std::time::{Duration, Instant};

pub use allocator::{Counting, Memory, count_memory, memory};

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time that passed.
    pub time: Duration,
    /// Calls for memory on this thread; none unless they are counted.
    pub memory: Memory,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { time: self.time + other.time, memory: self.memory + other.memory }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        *self = *self + other;
    }
}

/// Tells what each of several pieces of work took, one after the other on one thread.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    began: Instant,
    memory: Memory,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Stopwatch {
        Stopwatch { began: Instant::now(), memory: memory() }
    }

    /// What was spent since the start or the last lap.
    pub fn lap(&mut self) -> Cost {
        let now = Stopwatch::start();
        let before = std::mem::replace(self, now);
        Cost { time: now.began - before.began, memory: now.memory - before.memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_follow_each_other_without_a_gap() {
        let mut watch = Stopwatch::start();
        let whole = watch;
        let mut sum = Cost::default();
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(2));
            let lap = watch.lap();
            assert!(lap.time >= Duration::from_millis(2));
            sum += lap;
        }
        assert_eq!(sum.time, watch.began - whole.began);
        assert_eq!(sum.memory, Memory::default(), "this program has the usual allocator");
    }
}
