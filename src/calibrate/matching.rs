//! The delay that lays the most of what was seen on what was heard.

use std::fmt;

use crate::clock::Mono;

/// The largest delay that is looked for, seconds, either way.
const REACH: f64 = 0.5;
/// How many claps must agree.
const ENOUGH: usize = 3;
/// How far delays of the same camera may lie from their middle, seconds, beside half the time
/// between two pictures.
const SLACK: f64 = 0.015;
/// Delays that differ by less than this part of the time between two pictures come from events
/// that keep step with the pictures.
const IN_STEP: f64 = 0.25;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// Seconds that the pictures are stamped later than the sound; negative: earlier.
    pub delay: f64,
    /// The largest distance of one clap from it, seconds.
    pub spread: f64,
    /// How many claps agree.
    pub matched: usize,
}

/// Why nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    /// Fewer than three claps were both seen and heard.
    Few {
        /// How many were.
        matched: usize,
    },
    /// The claps do not agree on one delay.
    Scattered {
        /// How many agree.
        matched: usize,
        /// How many were heard with something seen nearby.
        of: usize,
        /// The least and the largest delay among them, seconds.
        from: f64,
        /// See `from`.
        to: f64,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Few { matched } => {
                write!(f, "{matched} were both seen and heard, {ENOUGH} are needed")
            }
            Refusal::Scattered { matched, of, from, to } => write!(
                f,
                "they do not agree: {matched} of {of} say the same, all lie between {:.0} and {:.0} ms",
                from * 1e3,
                to * 1e3
            ),
        }
    }
}

/// The delay of the pictures, from the moments of sounds and of changes in the picture, and the
/// time between two pictures in seconds.
///
/// Each clap gives the time from its sound to the first picture that shows it. A camera sees
/// what happens between two pictures only in the second: half the time between them is taken
/// off, unless the claps keep step with the pictures, as those of a film do.
///
/// # Errors
/// Too few claps, or claps that do not agree.
pub fn measure(heard: &[Mono], seen: &[Mono], interval: f64) -> Result<Delay, Refusal> {
    // For each sound, the delays of everything seen near it.
    let near = |sound: &Mono| {
        let delays = seen.iter().map(|seen| seen.as_secs_f64() - sound.as_secs_f64());
        delays.filter(|delay| delay.abs() <= REACH).collect::<Vec<f64>>()
    };
    let claps: Vec<Vec<f64>> = heard.iter().map(near).filter(|near| !near.is_empty()).collect();
    // All delays of one camera lie within the time between two pictures, give or take.
    let tolerance = interval / 2.0 + SLACK;
    let agreeing = |centre: f64| -> Vec<f64> {
        let nearest = |delays: &Vec<f64>| {
            let off = |delay: &f64| (delay - centre).abs();
            let nearest = delays.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b)));
            nearest.filter(|delay| off(delay) <= tolerance)
        };
        claps.iter().filter_map(nearest).collect()
    };
    let scatter = |delays: &[f64], centre: f64| -> f64 {
        delays.iter().map(|delay| (delay - centre).abs()).sum()
    };
    // The delay with which the most agree, and of several the one that they lie closest around.
    // It is enough to try those that have one of them at their lower edge.
    let centres = claps.iter().flatten().map(|lowest| lowest + tolerance - 1e-9);
    let best = centres.map(|centre| (centre, agreeing(centre)));
    let best = best.max_by(|(a, with_a), (b, with_b)| {
        let closer = scatter(with_b, *b).total_cmp(&scatter(with_a, *a));
        with_a.len().cmp(&with_b.len()).then(closer)
    });
    let mut delays = best.map(|(_, agreeing)| agreeing).unwrap_or_default();
    delays.sort_by(f64::total_cmp);
    let matched = delays.len();
    let (Some(least), Some(most), true) = (delays.first(), delays.last(), matched >= ENOUGH) else {
        return Err(Refusal::Few { matched });
    };
    if matched * 2 <= claps.len() {
        let all = || claps.iter().flatten().copied();
        let (from, to) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
        return Err(Refusal::Scattered { matched, of: claps.len(), from, to });
    }
    let middle = median(&delays);
    let spread = (most - middle).max(middle - least);
    let in_step = most - least < IN_STEP * interval;
    let delay = if in_step { middle } else { middle - interval / 2.0 };
    Ok(Delay { delay, spread, matched })
}

/// The median of sorted values; 0 of none.
fn median(sorted: &[f64]) -> f64 {
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INTERVAL: f64 = 1.0 / 30.0;

    fn mono(seconds: f64) -> Mono {
        Mono((seconds * 1e9).round() as u64)
    }

    /// Claps at `times`, seen by a camera whose pictures are stamped `delay` late.
    fn filmed(times: &[f64], delay: f64) -> (Vec<Mono>, Vec<Mono>) {
        let seen = |time: &f64| mono((time / INTERVAL).ceil() * INTERVAL + delay);
        (times.iter().map(|time| mono(*time)).collect(), times.iter().map(seen).collect())
    }

    /// Claps about a second apart, at any phase of the pictures.
    const TIMES: [f64; 8] = [10.013, 11.001, 12.024, 12.97, 14.018, 15.007, 16.03, 17.011];

    #[test]
    fn the_delay_is_found_whatever_its_sign_and_size() {
        for delay in [-0.3, -0.08, 0.0, 0.12, 0.4] {
            let (heard, seen) = filmed(&TIMES, delay);
            let found = measure(&heard, &seen, INTERVAL).unwrap();
            assert!((found.delay - delay).abs() < INTERVAL / 2.0, "{delay}: {found:?}");
            assert_eq!(found.matched, 8);
            assert!(found.spread <= INTERVAL);
        }
    }

    #[test]
    fn claps_in_step_with_the_pictures_need_no_half_picture_taken_off() {
        let heard: Vec<Mono> = (1..6).map(|n| mono(f64::from(n))).collect();
        let seen: Vec<Mono> = (1..6).map(|n| mono(f64::from(n) + 0.08)).collect();
        let found = measure(&heard, &seen, INTERVAL).unwrap();
        assert!((found.delay - 0.08).abs() < 1e-6);
    }

    #[test]
    fn claps_that_were_only_seen_or_only_heard_do_no_harm() {
        let (mut heard, mut seen) = filmed(&TIMES, 0.12);
        heard.remove(2);
        seen.remove(5);
        heard.extend([mono(11.4), mono(13.5)]);
        seen.extend([mono(12.5), mono(16.6)]);
        heard.sort();
        seen.sort();
        let found = measure(&heard, &seen, INTERVAL).unwrap();
        assert!((found.delay - 0.12).abs() < INTERVAL / 2.0, "{found:?}");
        assert_eq!(found.matched, 6);
    }

    #[test]
    fn fewer_than_three_are_refused() {
        let (heard, seen) = filmed(&TIMES[..2], 0.1);
        assert_eq!(measure(&heard, &seen, INTERVAL), Err(Refusal::Few { matched: 2 }));
        assert_eq!(measure(&heard, &[], INTERVAL), Err(Refusal::Few { matched: 0 }));
    }

    #[test]
    fn claps_that_do_not_agree_are_refused() {
        let heard: Vec<Mono> = (1..10).map(|n| mono(f64::from(n))).collect();
        let seen: Vec<Mono> =
            (1..10).map(|n| mono(f64::from(n) + f64::from(n % 3) * 0.15 - 0.15)).collect();
        let refused = measure(&heard, &seen, INTERVAL).unwrap_err();
        assert!(matches!(refused, Refusal::Scattered { matched: 3, of: 9, .. }), "{refused:?}");
        assert!(refused.to_string().contains("between -150 and 150 ms"), "{refused}");
    }

    proptest! {
        #[test]
        fn what_is_measured_agrees_with_at_least_three_and_lies_within_reach(
            heard in prop::collection::vec(0.0..20.0, 0..12),
            seen in prop::collection::vec(0.0..20.0, 0..12),
        ) {
            let monos = |times: &[f64]| times.iter().map(|time| mono(*time)).collect::<Vec<_>>();
            if let Ok(found) = measure(&monos(&heard), &monos(&seen), INTERVAL) {
                prop_assert!(found.matched >= 3 && found.matched <= heard.len());
                prop_assert!(found.delay.abs() <= REACH + INTERVAL);
                prop_assert!(found.spread <= INTERVAL + 2.0 * SLACK + 1e-6);
            }
        }
    }
}
