//! Time: monotonic inside, wall-clock at the edge, and a simulated twin for tests and replay.

use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds of `CLOCK_MONOTONIC`, the clock that V4L2 and ALSA stamp with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// Seconds since the clock's zero.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The distance between two instants, whichever comes first.
    pub fn abs_diff(self, other: Mono) -> Duration {
        Duration::from_nanos(self.0.abs_diff(other.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, step: Duration) -> Mono {
        Mono(self.0.saturating_add(step.as_nanos() as u64))
    }
}

impl Sub<Duration> for Mono {
    type Output = Mono;
    fn sub(self, step: Duration) -> Mono {
        Mono(self.0.saturating_sub(step.as_nanos() as u64))
    }
}

/// A source of time. Everything that asks for the time, or waits, asks one of these.
pub trait Clock: Send + Sync {
    /// The monotonic time.
    fn now(&self) -> Mono;

    /// The wall-clock time that belongs to a monotonic instant.
    fn wall(&self, at: Mono) -> SystemTime;

    /// Returns when `now() >= at`; at once if that is past.
    fn sleep_until(&self, at: Mono);
}

/// The kernel's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Mono {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Mono(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
    }

    fn wall(&self, at: Mono) -> SystemTime {
        // Asked anew each time, so that a step of the wall clock (NTP on a board
        // without a battery) is followed instead of kept as an offset.
        let (mono, wall) = (self.now(), SystemTime::now());
        if at >= mono { wall + at.since(mono) } else { wall - mono.since(at) }
    }

    fn sleep_until(&self, at: Mono) {
        let wait = at.since(self.now());
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }
}

/// Time that moves only when it is told to: nothing waits, and the same input gives the
/// same stamps. The wall clock stands at the Unix epoch when the monotonic one is zero.
#[derive(Debug, Default)]
pub struct SimulatedClock(AtomicU64);

impl SimulatedClock {
    /// A clock that stands at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward to `at`; a clock never goes back.
    pub fn advance_to(&self, at: Mono) {
        self.0.fetch_max(at.0, Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Mono {
        Mono(self.0.load(Ordering::SeqCst))
    }

    fn wall(&self, at: Mono) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(at.0)
    }

    fn sleep_until(&self, at: Mono) {
        self.advance_to(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_waits_and_its_wall_clock_agrees_with_the_system() {
        let clock = SystemClock;
        let start = clock.now();
        clock.sleep_until(start + Duration::from_millis(20));
        assert!(clock.now().since(start) >= Duration::from_millis(20));
        let apart = clock
            .wall(clock.now())
            .duration_since(SystemTime::now())
            .unwrap_or_else(|e| e.duration());
        assert!(apart < Duration::from_secs(1));
    }

    #[test]
    fn the_simulated_clock_moves_only_forward_and_without_waiting() {
        let clock = SimulatedClock::new();
        clock.sleep_until(Mono(3_600_000_000_000));
        clock.advance_to(Mono(5));
        assert_eq!(clock.now(), Mono(3_600_000_000_000));
        assert_eq!(clock.wall(Mono(0)), UNIX_EPOCH);
    }
}
