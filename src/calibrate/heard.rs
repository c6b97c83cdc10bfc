//! Sudden sounds.

use crate::capture::{AudioFormat, Block};
use crate::clock::Mono;

/// The resolution, seconds: sound goes a foot in it.
const BIN: f64 = 0.001;
/// What a sound must rise above: the mean of this many bins before it …
const BEFORE: usize = 100;
/// … but for the very last ones, in which it may have begun.
const ATTACK: usize = 3;
/// By how much it must rise, as a ratio of powers: 13 dB.
const RISE: f64 = 20.0;
/// How much weaker than the loudest it may be, as a ratio of powers: 26 dB.
const RANGE: f64 = 400.0;
/// The power of what is nearly silence.
const FLOOR: f64 = 1e-9;
/// The shortest time from one onset to the next, in bins.
const APART: usize = 300;

/// The power of a sound in steps of a millisecond.
#[derive(Debug, Default)]
pub struct Heard {
    format: Option<AudioFormat>,
    /// When each bin began, and its mean power.
    bins: Vec<(Mono, f64)>,
    /// The bin that is not full yet: when it began, sum of squares, samples.
    open: (Mono, f64, usize),
    /// The last sample of each channel.
    last: Vec<f32>,
}

impl Heard {
    /// Nothing heard yet.
    pub fn new() -> Heard {
        Heard::default()
    }

    /// Takes the next samples, of any rate and number of channels.
    pub fn take(&mut self, block: &Block) {
        let channels = usize::from(block.format.channels.max(1));
        let rate = f64::from(block.format.rate.max(1));
        if self.format != Some(block.format) {
            self.format = Some(block.format);
            self.last = vec![0.0; channels];
            self.open.2 = 0;
        }
        let full = ((rate * BIN).round() as usize).max(1);
        for (index, frame) in block.samples().chunks_exact(channels).enumerate() {
            let (start, sum, count) = &mut self.open;
            if *count == 0 {
                let after = (index as f64 / rate * 1e9).round() as u64;
                (*start, *sum) = (Mono(block.stamp.0 + after), 0.0);
            }
            // The difference from sample to sample: clicks are bright, rumble and a constant
            // offset are not.
            for (last, sample) in self.last.iter_mut().zip(frame) {
                *sum += f64::from(*sample - *last).powi(2);
                *last = *sample;
            }
            *count += 1;
            if *count == full {
                self.bins.push((*start, *sum / (full * channels) as f64));
                *count = 0;
            }
        }
    }

    /// When each sudden sound began, in order of time.
    pub fn onsets(&self) -> Vec<Mono> {
        let loudest = self.bins.iter().map(|(_, power)| *power).fold(0.0, f64::max);
        let least = (loudest / RANGE).max(FLOOR);
        // Sums of all bins up to each, so that any mean is a difference.
        let sums: Vec<f64> = std::iter::once(0.0)
            .chain(self.bins.iter().scan(0.0, |sum, (_, power)| {
                *sum += power;
                Some(*sum)
            }))
            .collect();
        let mut onsets = Vec::new();
        let mut next = BEFORE + ATTACK;
        for (index, (start, power)) in self.bins.iter().enumerate() {
            if index < next || *power < least {
                continue;
            }
            let end = index - ATTACK;
            let (Some(upto), Some(from)) = (sums.get(end), sums.get(end - BEFORE)) else {
                continue;
            };
            if *power > RISE * ((upto - from) / BEFORE as f64) {
                onsets.push(*start);
                next = index + APART;
            }
        }
        onsets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{AudioSource, BLOCK_VALUES, Pull, simulated::SimulatedAudio};

    const RATE: u32 = 16_000;

    fn heard(channels: u16, sample: impl Fn(usize) -> f32, seconds: f64) -> Vec<f64> {
        let frames = (seconds * f64::from(RATE)) as usize;
        let samples: Vec<f32> =
            (0..frames).flat_map(|n| vec![sample(n); channels.into()]).collect();
        let format = AudioFormat { rate: RATE, channels };
        let mut source = SimulatedAudio::from_samples(format, samples, Mono(5_000_000_000));
        let (mut heard, mut block) = (Heard::new(), Block::empty());
        while source.pull(&mut block).unwrap() == Pull::Filled {
            assert!(block.filled <= BLOCK_VALUES);
            heard.take(&block);
        }
        heard.onsets().iter().map(|at| at.as_secs_f64() - 5.0).collect()
    }

    /// Noise between ±1.
    fn noise(n: usize) -> f32 {
        let mixed = (n as u32).wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b);
        (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    /// A click at each whole second that dies away in 20 ms.
    fn click(n: usize) -> f32 {
        let since = (n % 16_000) as f32 / 16_000.0;
        if n < 16_000 { 0.0 } else { 0.8 * noise(n) * (-since / 0.02).exp() }
    }

    #[test]
    fn clicks_in_noise_are_found_to_the_millisecond_in_any_number_of_channels() {
        for channels in [1, 3] {
            let found = heard(channels, |n| click(n) + 0.01 * noise(n + 7), 4.5);
            assert_eq!(found.len(), 4, "{found:?}");
            for (found, second) in found.iter().zip(1..) {
                assert!((found - f64::from(second)).abs() <= 0.002, "{found}");
            }
        }
    }

    #[test]
    fn silence_steady_noise_and_a_hum_that_swells_hold_no_onsets() {
        assert!(heard(1, |_| 0.0, 2.0).is_empty());
        assert!(heard(1, |n| 0.3 * noise(n), 2.0).is_empty());
        let hum = |n: usize| {
            (n as f32 / 16_000.0 * 100.0 * std::f32::consts::TAU).sin() * n as f32 / 64_000.0
        };
        assert!(heard(1, hum, 2.0).is_empty());
    }

    #[test]
    fn an_offset_of_the_converter_does_not_hide_a_click() {
        assert_eq!(heard(1, |n| click(n) + 0.15, 2.5).len(), 2);
    }
}
