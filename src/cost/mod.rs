//! What work costs: time, processor time, and calls for memory.
//!
//! A [`Stopwatch`] is cheap enough to run in the daemon: a lap reads the clock and a few numbers
//! of the thread. Processor time and calls for memory are counted only on threads that asked for
//! it with [`count`], calls only where a program has [`Counting`] for its allocator.

mod allocator;

use std::ops::{Add, AddAssign};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

pub use allocator::{Counting, Memory, count, memory};

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time that passed.
    pub time: Duration,
    /// Time that the thread was computing: unlike the above it does not depend on who else
    /// wants the processor. None unless it is counted.
    pub busy: Duration,
    /// Calls for memory on this thread; none unless they are counted.
    pub memory: Memory,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost {
            time: self.time + other.time,
            busy: self.busy + other.busy,
            memory: self.memory + other.memory,
        }
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
    busy: Duration,
    memory: Memory,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Stopwatch {
        Stopwatch { began: Instant::now(), busy: busy(), memory: memory() }
    }

    /// What was spent since the start or the last lap.
    pub fn lap(&mut self) -> Cost {
        let now = Stopwatch::start();
        let before = std::mem::replace(self, now);
        Cost {
            time: now.began - before.began,
            busy: now.busy.saturating_sub(before.busy),
            memory: now.memory - before.memory,
        }
    }
}

/// The thread's processor time, if it is counted: asking the kernel takes as long as some of what
/// is measured.
fn busy() -> Duration {
    if !allocator::is_counted() {
        return Duration::ZERO;
    }
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), rest.unwrap_or_default())
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
        assert_eq!(sum.busy, Duration::ZERO, "nobody asked for it");
    }

    #[test]
    fn sleeping_takes_time_and_no_processor() {
        count(true);
        let mut watch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(20));
        let asleep = watch.lap();
        while watch.began.elapsed() < Duration::from_millis(20) {}
        let awake = watch.lap();
        count(false);
        assert!(asleep.busy < asleep.time / 2, "{asleep:?}");
        assert!(awake.busy > Duration::ZERO && awake.busy <= awake.time, "{awake:?}");
    }
}
