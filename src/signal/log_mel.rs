//! YAMNet's sound front end: the log-mel spectrogram.
//!
//! Defined by `features.py` and `params.py` of tensorflow/models, research/audioset/yamnet:
//! 16 kHz, frames of 25 ms every 10 ms under a periodic Hann window, the magnitude of a DFT of
//! 512 points, 64 triangular bands equally spaced in mel (HTK's formula, as
//! `tf.signal.linear_to_mel_weight_matrix` builds them) from 125 to 7500 Hz, `ln(x + 0.001)`.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::front_end::{Frames, SoundFrontEnd};
use super::resample::RATE;

/// Samples in a frame: 25 ms.
pub const FRAME: usize = 400;
/// Samples from one frame to the next: 10 ms.
pub const HOP: usize = 160;
/// Bands of a frame.
pub const BANDS: usize = 64;
/// Frames in a patch, what the sound encoder sees at once: 0.96 s.
pub const PATCH_FRAMES: usize = 96;
/// Samples that a patch covers: 0.975 s.
pub const PATCH_SAMPLES: usize = (PATCH_FRAMES - 1) * HOP + FRAME;

const DFT: usize = 512;
const LOWEST_HZ: f64 = 125.0;
const HIGHEST_HZ: f64 = 7500.0;
const LOG_OFFSET: f64 = 0.001;

/// A band: its first DFT bin and the weights from there on.
struct Band {
    first: usize,
    weights: Vec<f64>,
}

/// Turns samples into log-mel patches.
pub struct LogMel {
    bands: Bands,
    frames: Frames,
}

impl Default for LogMel {
    fn default() -> Self {
        Self::new()
    }
}

impl LogMel {
    /// Plans the transform and builds the bands.
    pub fn new() -> Self {
        LogMel { bands: Bands::new(), frames: Frames::new(FRAME, HOP, BANDS, PATCH_FRAMES) }
    }
}

impl SoundFrontEnd for LogMel {
    fn name(&self) -> &'static str {
        "log-mel"
    }

    fn samples(&self) -> usize {
        PATCH_SAMPLES
    }

    fn hop(&self) -> usize {
        HOP
    }

    /// Frames × bands from the lowest up.
    fn shape(&self) -> [usize; 2] {
        [PATCH_FRAMES, BANDS]
    }

    /// Adds silence at the end, as YAMNet does.
    fn lengthen(&self, samples: &mut Vec<f32>) {
        if (1..PATCH_SAMPLES).contains(&samples.len()) {
            samples.resize(PATCH_SAMPLES, 0.0);
        }
    }

    fn patch(&mut self, place: u64, samples: &[f32], out: &mut Vec<f32>) {
        let bands = &mut self.bands;
        let frames = self.frames.advance(place, samples, |samples, frame| bands.of(samples, frame));
        out.clear();
        out.extend_from_slice(frames);
    }

    fn latest(&self, out: &mut Vec<f32>) {
        out.clear();
        out.extend(self.frames.latest().flatten());
    }

    fn restart(&mut self) {
        self.frames.restart();
    }
}

/// The log-mel bands of a frame.
///
/// It computes in 64 bits: a loud tone next to silent bands drowns those in the rounding of a
/// 32-bit transform, by up to 0.03 in the logarithm.
pub struct Bands {
    transform: Arc<dyn RealToComplex<f64>>,
    window: [f64; FRAME],
    bands: Vec<Band>,
    input: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    magnitudes: Vec<f64>,
}

impl Default for Bands {
    fn default() -> Self {
        Self::new()
    }
}

impl Bands {
    /// Plans the transform and builds the bands.
    pub fn new() -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(DFT);
        Bands {
            window: std::array::from_fn(|n| 0.5 - 0.5 * (TAU * n as f64 / FRAME as f64).cos()),
            bands: bands(),
            input: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            magnitudes: vec![0.0; DFT / 2 + 1],
            transform,
        }
    }

    /// Writes the [`BANDS`] of [`FRAME`] samples at 16 kHz, full scale ±1. Allocates nothing.
    pub fn of(&mut self, samples: &[f32], out: &mut [f32]) {
        self.input.fill(0.0);
        for ((value, &sample), weight) in self.input.iter_mut().zip(samples).zip(&self.window) {
            *value = f64::from(sample) * weight;
        }
        let done = self.transform.process_with_scratch(
            &mut self.input,
            &mut self.spectrum,
            &mut self.scratch,
        );
        // It fails only on buffers of a wrong length, and the transform made these itself.
        debug_assert!(done.is_ok());
        for (magnitude, value) in self.magnitudes.iter_mut().zip(&self.spectrum) {
            *magnitude = value.norm();
        }
        for (mel, band) in out.iter_mut().zip(&self.bands) {
            let covered = self.magnitudes.iter().skip(band.first);
            let sum: f64 = band.weights.iter().zip(covered).map(|(w, m)| w * m).sum();
            *mel = (sum + LOG_OFFSET).ln() as f32;
        }
    }
}

fn mel(hz: f64) -> f64 {
    1127.0 * (hz / 700.0).ln_1p()
}

/// The triangular bands, without the zeros on either side. A bin's weight is the lower of the
/// two slopes, which are straight in mel; the bin at 0 Hz belongs to none.
fn bands() -> Vec<Band> {
    let (lowest, highest) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
    let edge = |n: usize| lowest + (highest - lowest) * n as f64 / (BANDS + 1) as f64;
    let bin = |n: usize| mel(n as f64 * f64::from(RATE) / DFT as f64);
    let band = |n: usize| {
        let (left, centre, right) = (edge(n), edge(n + 1), edge(n + 2));
        let weight = |k: usize| {
            let (rise, fall) =
                ((bin(k) - left) / (centre - left), (right - bin(k)) / (right - centre));
            rise.min(fall).max(0.0)
        };
        let first = (1..=DFT / 2).find(|&k| weight(k) > 0.0).unwrap_or(0);
        let weights = (first..=DFT / 2).map(weight).take_while(|&w| w > 0.0).collect();
        Band { first, weights }
    };
    (0..BANDS).map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(samples: &[f32; FRAME]) -> [f32; BANDS] {
        let mut values = [0.0; BANDS];
        Bands::new().of(samples, &mut values);
        values
    }

    #[test]
    fn silence_is_the_logarithm_of_the_offset_in_every_band() {
        assert_eq!(frame(&[0.0; FRAME]), [0.001_f64.ln() as f32; BANDS]);
    }

    #[test]
    fn a_tone_is_loudest_in_the_band_around_its_pitch() {
        let tone: [f32; FRAME] =
            std::array::from_fn(|n| (TAU * 1000.0 * n as f64 / 16_000.0).sin() as f32);
        let bands = frame(&tone);
        let loudest = (0..BANDS).max_by(|&a, &b| bands[a].total_cmp(&bands[b])).unwrap();
        let edge = |n: usize| mel(125.0) + (mel(7500.0) - mel(125.0)) * n as f64 / 65.0;
        assert!((edge(loudest)..edge(loudest + 2)).contains(&mel(1000.0)));
    }

    /// At most 1e-5: TensorFlow builds its bands in 32 bits.
    #[test]
    fn the_bands_are_those_of_tensorflow() {
        let bytes = include_bytes!("../../tests/vectors/signal/mel_bands.f32");
        let theirs: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let mut ours = vec![0.0; theirs.len()];
        for (n, band) in bands().iter().enumerate() {
            for (k, &weight) in band.weights.iter().enumerate() {
                ours[(band.first + k) * BANDS + n] = weight as f32;
            }
        }
        let error = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error <= 1e-5, "{error}");
    }

    #[test]
    fn every_band_has_bins_and_their_weights_lie_between_zero_and_one() {
        for band in bands() {
            assert!(!band.weights.is_empty());
            assert!(band.weights.iter().all(|&w| w > 0.0 && w <= 1.0));
            assert!(band.first >= 1 && band.first + band.weights.len() <= DFT / 2 + 1);
        }
    }

    #[test]
    fn a_short_sound_is_followed_by_silence_and_none_stays_none() {
        let lengthened = |count: usize| {
            let mut samples = vec![0.5; count];
            LogMel::new().lengthen(&mut samples);
            samples
        };
        assert_eq!(lengthened(7_000), [vec![0.5; 7_000], vec![0.0; 8_600]].concat());
        assert_eq!(lengthened(PATCH_SAMPLES + 3).len(), PATCH_SAMPLES + 3);
        assert!(lengthened(0).is_empty());
    }
}
