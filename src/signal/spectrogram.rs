//! The sound front end of the two-ResNet family: a log power spectrogram.
//!
//! Defined by `datasets_lvs.py` of kaistmm/SSLalignment: samples clipped to full scale, then
//! `scipy.signal.spectrogram` with its defaults (periodic Tukey window of shape 0.25, the mean of
//! each segment taken off, one-sided power spectral density), `log(S + 1e-7) / 12`. With segments
//! of 512 samples that overlap by 353, 3 s are 257 frequencies × 299 frames.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use serde::Deserialize;

use super::front_end::{Frames, SoundFrontEnd};
use super::resample::RATE;

/// The part of the Tukey window that rises and falls, both together: scipy's default.
const TAPERED: f64 = 0.25;

/// What a spectrogram is made of. The default is the paper's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Samples that a patch covers, at 16 kHz.
    pub samples: usize,
    /// Samples of a segment: scipy's `nperseg`.
    pub segment: usize,
    /// Samples that neighbouring segments share: scipy's `noverlap`.
    pub overlap: usize,
    /// Added to the power before the logarithm.
    pub offset: f64,
    /// Divides the logarithm.
    pub scale: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { samples: 48_000, segment: 512, overlap: 353, offset: 1e-7, scale: 12.0 }
    }
}

impl Settings {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first key that is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let rules = [
            ("segment", (16..=8192).contains(&self.segment), "must be 16..8192 samples"),
            ("overlap", self.overlap < self.segment, "must be less than segment"),
            (
                "samples",
                (self.segment..=480_000).contains(&self.samples),
                "must be one segment or more, and 480000 (30 s) or less",
            ),
            ("offset", self.offset.is_finite() && self.offset > 0.0, "must be above 0"),
            ("scale", self.scale.is_finite() && self.scale > 0.0, "must be above 0"),
        ];
        rules.iter().find(|(_, kept, _)| !kept).map_or(Ok(()), |(key, _, rule)| Err((key, rule)))
    }

    fn hop(&self) -> usize {
        self.segment.saturating_sub(self.overlap).max(1)
    }

    fn frames(&self) -> usize {
        self.samples.saturating_sub(self.segment) / self.hop() + 1
    }

    fn frequencies(&self) -> usize {
        self.segment / 2 + 1
    }
}

/// Turns samples into log power spectrograms.
pub struct Spectrogram {
    settings: Settings,
    density: Density,
    powers: Vec<f64>,
    frames: Frames,
}

impl Spectrogram {
    /// Plans the transform and builds the window.
    pub fn new(settings: &Settings) -> Spectrogram {
        let (hop, width, count) = (settings.hop(), settings.frequencies(), settings.frames());
        Spectrogram {
            density: Density::new(settings.segment),
            powers: vec![0.0; width],
            frames: Frames::new(settings.segment, hop, width, count),
            settings: settings.clone(),
        }
    }
}

impl SoundFrontEnd for Spectrogram {
    fn name(&self) -> &'static str {
        "spectrogram"
    }

    fn samples(&self) -> usize {
        self.settings.samples
    }

    fn hop(&self) -> usize {
        self.settings.hop()
    }

    /// Frequencies from 0 Hz up × frames.
    fn shape(&self) -> [usize; 2] {
        [self.settings.frequencies(), self.settings.frames()]
    }

    /// Repeats the sound from its beginning.
    fn lengthen(&self, samples: &mut Vec<f32>) {
        let length = samples.len();
        if length > 0 {
            while samples.len() < self.settings.samples {
                let missing = self.settings.samples - samples.len();
                samples.extend_from_within(..missing.min(length));
            }
        }
    }

    fn patch(&mut self, place: u64, samples: &[f32], out: &mut Vec<f32>) {
        let Settings { offset, scale, .. } = self.settings;
        let (density, powers) = (&mut self.density, &mut self.powers);
        let frames = self.frames.advance(place, samples, |samples, frame| {
            density.of(samples, powers);
            for (value, power) in frame.iter_mut().zip(&*powers) {
                *value = ((power + offset).ln() / scale) as f32;
            }
        });
        let frames = frames.chunks_exact(self.settings.frequencies());
        turned(frames, self.settings.frames(), out);
    }

    fn latest(&self, out: &mut Vec<f32>) {
        turned(self.frames.latest(), self.settings.frames(), out);
    }

    fn restart(&mut self) {
        self.frames.restart();
    }
}

/// Frames one after the other as rows of frequencies, which the encoder wants.
fn turned<'a>(frames: impl Iterator<Item = &'a [f32]>, count: usize, out: &mut Vec<f32>) {
    out.clear();
    for (n, frame) in frames.enumerate() {
        out.resize(frame.len() * count, 0.0);
        for (value, place) in frame.iter().zip(out.iter_mut().skip(n).step_by(count)) {
            *place = *value;
        }
    }
}

/// The one-sided power spectral density of a segment, full scale squared per hertz.
pub struct Density {
    transform: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    /// Divides the squared magnitudes: rate × the window's energy.
    divisor: f64,
    input: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Density {
    /// For segments of `length` samples at 16 kHz.
    pub fn new(length: usize) -> Density {
        let transform = RealFftPlanner::new().plan_fft_forward(length);
        let window = tukey(length);
        Density {
            divisor: f64::from(RATE) * window.iter().map(|w| w * w).sum::<f64>(),
            window,
            input: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
        }
    }

    /// Writes the density of `samples`, clipped to ±1, for `length / 2 + 1` frequencies.
    /// Allocates nothing.
    pub fn of(&mut self, samples: &[f32], out: &mut [f64]) {
        let clipped = |sample: &f32| f64::from(sample.clamp(-1.0, 1.0));
        let mean = samples.iter().map(clipped).sum::<f64>() / samples.len().max(1) as f64;
        for ((value, sample), weight) in self.input.iter_mut().zip(samples).zip(&self.window) {
            *value = (clipped(sample) - mean) * weight;
        }
        let done = self.transform.process_with_scratch(
            &mut self.input,
            &mut self.spectrum,
            &mut self.scratch,
        );
        // It fails only on buffers of a wrong length, and the transform made these itself.
        debug_assert!(done.is_ok());
        // 0 Hz and, of an even length, half the rate stand for themselves; every other
        // frequency for its negative twin, too.
        let length = self.window.len();
        for (k, (power, value)) in out.iter_mut().zip(&self.spectrum).enumerate() {
            let twins = if k == 0 || 2 * k == length { 1.0 } else { 2.0 };
            *power = twins * value.norm_sqr() / self.divisor;
        }
    }
}

/// The periodic Tukey window: a flat top between two halves of a Hann window.
fn tukey(length: usize) -> Vec<f64> {
    let rise = TAPERED * length as f64 / 2.0;
    let value = |n: usize| {
        let n = n as f64;
        let edge = n.min(length as f64 - n);
        if edge < rise { 0.5 - 0.5 * (TAU * edge / (2.0 * rise)).cos() } else { 1.0 }
    };
    (0..length).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(samples: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        Spectrogram::new(&Settings::default()).patch(0, samples, &mut out);
        out
    }

    #[test]
    fn the_paper_s_three_seconds_are_257_frequencies_in_299_frames() {
        let spectrogram = Spectrogram::new(&Settings::default());
        assert_eq!((spectrogram.samples(), spectrogram.hop()), (48_000, 159));
        assert_eq!(spectrogram.shape(), [257, 299]);
    }

    #[test]
    fn silence_and_any_constant_are_the_logarithm_of_the_offset() {
        let silence = (1e-7_f64.ln() / 12.0) as f32;
        for value in [0.0, 0.5] {
            assert!(patch(&[value; 48_000]).iter().all(|v| (v - silence).abs() < 1e-6));
        }
    }

    #[test]
    fn a_tone_stands_in_the_row_of_its_frequency_in_every_frame() {
        // 1000 Hz is the 32nd of the frequencies, which are 31.25 Hz apart.
        let tone: Vec<f32> =
            (0..48_000).map(|n| (TAU * n as f64 / 16.0).sin() as f32 * 0.5).collect();
        let patch = patch(&tone);
        for frame in 0..299 {
            let value = |row: usize| patch[row * 299 + frame];
            assert_eq!((0..257).max_by(|&a, &b| value(a).total_cmp(&value(b))), Some(32));
        }
    }

    #[test]
    fn the_density_of_a_full_scale_sine_adds_up_to_its_power() {
        let tone: Vec<f32> =
            (0..512).map(|n| (TAU * 40.0 * n as f64 / 512.0).sin() as f32).collect();
        let mut powers = vec![0.0; 257];
        Density::new(512).of(&tone, &mut powers);
        let power: f64 = powers.iter().sum::<f64>() * 16_000.0 / 512.0;
        assert!((power - 0.5).abs() < 1e-4, "{power}");
    }

    #[test]
    fn what_is_beyond_full_scale_counts_as_full_scale() {
        let loud: Vec<f32> = (0..48_000).map(|n| if n % 50 < 25 { 3.0 } else { -3.0 }).collect();
        let clipped: Vec<f32> = loud.iter().map(|v| v / 3.0).collect();
        assert_eq!(patch(&loud), patch(&clipped));
    }

    #[test]
    fn a_short_sound_is_repeated_and_none_stays_none() {
        let spectrogram = Spectrogram::new(&Settings::default());
        let mut samples: Vec<f32> = (0..20_000_u16).map(f32::from).collect();
        spectrogram.lengthen(&mut samples);
        assert_eq!(samples.len(), 48_000);
        assert!(samples.iter().enumerate().all(|(n, v)| *v == (n % 20_000) as f32));
        let mut nothing = Vec::new();
        spectrogram.lengthen(&mut nothing);
        assert!(nothing.is_empty());
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let good = Settings::default();
        assert_eq!(good.check(), Ok(()));
        for (key, wrong) in [
            ("segment", Settings { segment: 3, ..good.clone() }),
            ("overlap", Settings { overlap: 512, ..good.clone() }),
            ("samples", Settings { samples: 511, ..good.clone() }),
            ("offset", Settings { offset: 0.0, ..good.clone() }),
            ("scale", Settings { scale: f64::NAN, ..good.clone() }),
        ] {
            assert_eq!(wrong.check().unwrap_err().0, key);
        }
    }
}
