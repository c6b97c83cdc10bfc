//! How long to wait before the next try.

use std::time::Duration;

/// The shortest wait, and the longest.
pub(super) const SHORTEST: Duration = Duration::from_millis(250);
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double, each somewhere in the upper half of its range, so that devices which
/// failed together are not tried together for ever ("equal jitter").
#[derive(Debug)]
pub(super) struct Backoff {
    /// The upper end of the next wait's range.
    ceiling: Duration,
    random: u64,
}

impl Backoff {
    /// The same seed gives the same waits.
    pub fn new(seed: u64) -> Backoff {
        Backoff { ceiling: 2 * SHORTEST, random: seed }
    }

    /// The next wait, [`SHORTEST`] to [`LONGEST`].
    pub fn wait(&mut self) -> Duration {
        let half = self.ceiling / 2;
        self.ceiling = (2 * self.ceiling).min(LONGEST);
        half + half.mul_f64(self.share())
    }

    /// What was waited for has worked: the next wait is a short one again.
    pub fn reset(&mut self) {
        self.ceiling = 2 * SHORTEST;
    }

    /// Somewhere in 0..1: SplitMix64 (Steele, Lea & Flood 2014).
    fn share(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_double_from_a_quarter_second_up_to_ten_and_never_leave_that(seed: u64) {
            let mut backoff = Backoff::new(seed);
            let mut ceiling = 2 * SHORTEST;
            for _ in 0..12 {
                let wait = backoff.wait();
                prop_assert!((ceiling / 2..=ceiling).contains(&wait), "{wait:?}");
                prop_assert!((SHORTEST..=LONGEST).contains(&wait), "{wait:?}");
                ceiling = (2 * ceiling).min(LONGEST);
            }
            backoff.reset();
            prop_assert!(backoff.wait() <= 2 * SHORTEST);
        }
    }

    #[test]
    fn two_devices_that_fail_together_are_not_tried_together() {
        let (mut one, mut other) = (Backoff::new(1), Backoff::new(2));
        let waits = |backoff: &mut Backoff| -> Vec<_> { (0..8).map(|_| backoff.wait()).collect() };
        let (one, other) = (waits(&mut one), waits(&mut other));
        assert!(one.iter().zip(&other).all(|(a, b)| a != b), "{one:?} {other:?}");
    }
}
