//! When samples were taken: what the card says, without its jitter and without a drift.
//!
//! A card says at some moment how many samples wait. That moment comes with the jitter of
//! interrupts and of the card's own granularity, while samples follow one another evenly. A
//! delay-locked loop of second order (F. Adriaensen, "Using a DLL to filter time", Linux Audio
//! Conference 2005) follows both the time and the true rate: jitter is averaged out, and a card
//! whose 48 kHz are not the clock's 48 kHz is followed without a lasting error.

use std::f64::consts::{SQRT_2, TAU};

use crate::clock::Mono;

/// The loop's bandwidth in Hz when it has settled, and when it begins.
const SETTLED: f64 = 0.1;
const FIRST: f64 = 1.0;

/// Seconds by which a stamp may be off before it is no jitter any more: samples are missing,
/// or the card counts anew.
const JUMP: f64 = 0.06;

/// How far the true rate may lie from the nominal one. Crystals keep 0.1 ‰; what loops sound
/// back in software may be told to shift its rate by a fifth.
const PULL: f64 = 0.25;

/// Follows the time of the samples of one card.
#[derive(Clone, Debug)]
pub(super) struct Stamper {
    /// Seconds that a sample lasts by its nominal rate, and in truth.
    nominal: f64,
    lasts: f64,
    /// When the sample after the last one read will have been taken, seconds.
    next: Option<f64>,
    /// Seconds that the loop has been following, which its bandwidth depends on.
    followed: f64,
    /// Whether samples were lost since the last reading, as the card has said.
    broken: bool,
}

/// What the time of a reading is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// When its first sample was taken.
    pub stamp: Mono,
    /// How many samples were lost before it.
    pub missed: u64,
}

impl Stamper {
    /// For `rate` samples a second, at least 1.
    pub fn new(rate: u32) -> Stamper {
        let nominal = 1.0 / f64::from(rate.max(1));
        Stamper { nominal, lasts: nominal, next: None, followed: 0.0, broken: false }
    }

    /// How long so many samples last, nanoseconds.
    pub fn span(&self, samples: usize) -> u64 {
        (samples as f64 * self.lasts * 1e9).round() as u64
    }

    /// The card has lost samples, or was stopped: the next reading begins anew.
    pub fn broken(&mut self) {
        self.broken = true;
    }

    /// The next `count` samples are read. `at` is when the card was asked, by its own stamp,
    /// and `waiting` how many samples had come in since the first of them was taken.
    pub fn read(&mut self, at: Mono, waiting: u64, count: usize) -> Reading {
        let measured = at.as_secs_f64() - waiting as f64 * self.lasts;
        let lasts = count as f64 * self.lasts;
        let next = match self.next {
            Some(next) if !self.broken && (measured - next).abs() <= JUMP => next,
            before => {
                // What the loop has learnt of the rate holds on; the time begins anew.
                self.next = Some(measured + lasts);
                self.followed = 0.0;
                self.broken = false;
                let missed = before.map_or(0.0, |before| (measured - before) / self.nominal);
                return Reading { stamp: mono(measured), missed: missed.round().max(0.0) as u64 };
            }
        };
        let step = count as f64 * self.nominal;
        self.followed += step;
        // One over the time that was followed: an average at first, a filter later.
        let width = TAU * (1.0 / self.followed).clamp(SETTLED, FIRST);
        let off = measured - next;
        // A reading that is long against the loop's time must not make it swing.
        let gain = (width * step).min(0.5);
        let stamp = next + SQRT_2 * gain * off;
        if count > 0 {
            let learnt = self.lasts + gain * gain * off / count as f64;
            self.lasts = learnt.clamp(self.nominal * (1.0 - PULL), self.nominal * (1.0 + PULL));
        }
        self.next = Some(stamp + count as f64 * self.lasts);
        Reading { stamp: mono(stamp), missed: 0 }
    }
}

fn mono(seconds: f64) -> Mono {
    Mono((seconds.max(0.0) * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const PERIOD: usize = 960;

    /// A card: true samples a second, seconds of jitter (0..1 from `noise` times that).
    struct Card {
        rate: f64,
        jitter: f64,
        seed: u32,
        read: u64,
        start: f64,
    }

    impl Card {
        fn new(rate: f64, jitter: f64) -> Card {
            Card { rate, jitter, seed: 1, read: 0, start: 1000.0 }
        }

        fn noise(&mut self) -> f64 {
            self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(self.seed >> 8) / f64::from(1 << 24)
        }

        /// When the next sample to be read is truly taken.
        fn truth(&self) -> f64 {
            self.start + self.read as f64 / self.rate
        }

        /// Reads a period and says by how many seconds its stamp is off.
        fn read(&mut self, stamper: &mut Stamper) -> f64 {
            let late = self.noise() * self.jitter;
            let at = self.truth() + PERIOD as f64 / self.rate + late;
            let reading = stamper.read(mono(at), PERIOD as u64, PERIOD);
            let off = reading.stamp.as_secs_f64() - self.truth();
            self.read += PERIOD as u64;
            off
        }
    }

    #[test]
    fn half_a_percent_of_drift_for_an_hour_leaves_no_error() {
        for shift in [-0.005, 0.005] {
            let mut card = Card::new(f64::from(RATE) * (1.0 + shift), 0.0);
            let mut stamper = Stamper::new(RATE);
            let mut worst: f64 = 0.0;
            while card.truth() < 1000.0 + 3600.0 {
                worst = worst.max(card.read(&mut stamper).abs());
            }
            assert!(worst < 0.002, "{shift}: {worst}");
            for _ in 0..100 {
                assert!(card.read(&mut stamper).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn jitter_is_averaged_out_and_a_drift_followed_at_the_same_time() {
        let mut card = Card::new(f64::from(RATE) * 1.005, 0.006);
        let mut stamper = Stamper::new(RATE);
        let (mut worst, mut steepest, mut before): (f64, f64, Option<f64>) = (0.0, 0.0, None);
        while card.truth() < 1600.0 {
            let off = card.read(&mut stamper) - 0.003;
            if card.truth() > 1010.0 {
                worst = worst.max(off.abs());
                steepest = before.map_or(0.0, |before: f64| (off - before).abs()).max(steepest);
                before = Some(off);
            }
        }
        assert!(worst < 0.001, "{worst}");
        assert!(steepest < 0.000_2, "{steepest}");
    }

    #[test]
    fn a_rate_shifted_by_a_fifth_is_followed_too() {
        let mut card = Card::new(f64::from(RATE) * 1.2, 0.001);
        let mut stamper = Stamper::new(RATE);
        for _ in 0..2000 {
            card.read(&mut stamper);
        }
        for _ in 0..100 {
            assert!(card.read(&mut stamper).abs() < 0.002);
        }
    }

    #[test]
    fn after_an_overrun_the_lost_time_shows_and_is_counted() {
        let mut card = Card::new(f64::from(RATE), 0.0);
        let mut stamper = Stamper::new(RATE);
        for _ in 0..50 {
            card.read(&mut stamper);
        }
        card.read += u64::from(RATE) / 100;
        stamper.broken();
        let at = mono(card.truth() + 0.02);
        let reading = stamper.read(at, PERIOD as u64, PERIOD);
        assert!((reading.missed as f64 - 480.0).abs() <= 2.0, "{}", reading.missed);
        assert!((reading.stamp.as_secs_f64() - card.truth()).abs() < 1e-4);
    }

    #[test]
    fn a_hole_that_the_card_says_nothing_of_is_seen_by_its_size() {
        let mut stamper = Stamper::new(RATE);
        for period in 0..50_u64 {
            stamper.read(Mono((period + 1) * 20_000_000), PERIOD as u64, PERIOD);
        }
        let reading = stamper.read(Mono(51 * 20_000_000 + 300_000_000), PERIOD as u64, PERIOD);
        assert_eq!(reading.stamp, Mono(1_300_000_000));
        assert_eq!(reading.missed, 14_400);
    }

    #[test]
    fn a_card_that_goes_back_in_time_is_followed_back_without_a_count() {
        let mut stamper = Stamper::new(RATE);
        stamper.read(Mono(10_000_000_000), 0, PERIOD);
        let reading = stamper.read(Mono(5_000_000_000), 0, PERIOD);
        assert_eq!(reading, Reading { stamp: Mono(5_000_000_000), missed: 0 });
    }
}
