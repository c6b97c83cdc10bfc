//! Sounds that are made for a protocol: sums, mixtures, silence and noise, mono at 16 kHz.

use std::path::Path;

use super::system::Sound;
use crate::capture::Recording;
use crate::error::{Error, Kind, Result};
use crate::signal::{self, RATE};

/// How long silence and noise last, in seconds.
const MADE_SECONDS: usize = 3;

/// RMS of each part of a mixture at 0 dB, full scale ±1: −26 dBFS.
const PART_RMS: f64 = 0.05;

/// The samples of a sound, mono, at 16 kHz, full scale ±1.
///
/// A mixture brings every recording to −26 dBFS (RMS over all of it) plus its decibels, repeats
/// the shorter ones to the length of the longest, and adds. Where the sum would clip, all of it is
/// made quieter. Noise is normal, of RMS 1 before it is clipped to ±1, as the field's negatives
/// are.
///
/// # Errors
/// [`Kind::Media`]: a file cannot be read, holds no samples, or nothing but zeros where its
/// loudness is needed.
pub fn samples(sound: &Sound) -> Result<Vec<f32>> {
    match sound {
        Sound::File(path) => read(path),
        Sound::Sum(paths) => {
            let parts: Vec<Vec<f32>> =
                paths.iter().map(|path| read(path)).collect::<Result<_>>()?;
            let length = parts.iter().map(Vec::len).min().unwrap_or(0);
            Ok(added(&parts, length))
        }
        Sound::Mix(parts) => {
            let levels = parts.iter().map(|(path, gain_db)| levelled(path, *gain_db));
            let parts: Vec<Vec<f32>> = levels.collect::<Result<_>>()?;
            let length = parts.iter().map(Vec::len).max().unwrap_or(0);
            let mut sum = added(&parts, length);
            let peak = sum.iter().fold(0f32, |peak, value| peak.max(value.abs()));
            if peak > 1.0 {
                sum.iter_mut().for_each(|value| *value /= peak);
            }
            Ok(sum)
        }
        Sound::Silence => Ok(vec![0.0; MADE_SECONDS * RATE as usize]),
        Sound::Noise(seed) => Ok(noise(*seed, MADE_SECONDS * RATE as usize)),
    }
}

fn read(path: &Path) -> Result<Vec<f32>> {
    let samples = signal::to_mono_16k(&Recording::read(path)?)?;
    match samples.is_empty() {
        true => Err(Error::new(Kind::Media, path.display(), "holds no samples")),
        false => Ok(samples),
    }
}

/// A recording at −26 dBFS plus `gain_db`.
fn levelled(path: &Path, gain_db: f64) -> Result<Vec<f32>> {
    let mut samples = read(path)?;
    let power: f64 = samples.iter().map(|value| f64::from(*value).powi(2)).sum();
    let rms = (power / samples.len() as f64).sqrt();
    if rms <= 0.0 {
        return Err(Error::new(Kind::Media, path.display(), "is silent and cannot be mixed"));
    }
    let gain = (PART_RMS / rms * 10f64.powf(gain_db / 20.0)) as f32;
    samples.iter_mut().for_each(|value| *value *= gain);
    Ok(samples)
}

/// The sum of `parts` over `length` samples, each repeated where it is shorter.
fn added(parts: &[Vec<f32>], length: usize) -> Vec<f32> {
    let mut sum = vec![0f32; length];
    for part in parts {
        sum.iter_mut().zip(part.iter().cycle()).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// Normal numbers by Box and Muller from the generator SplitMix64 (Steele et al., OOPSLA 2014),
/// clipped to ±1.
fn noise(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..length)
        .map(|_| {
            let radius = (-2.0 * (1.0 - uniform()).ln()).sqrt();
            (radius * (std::f64::consts::TAU * uniform()).cos()).clamp(-1.0, 1.0) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(folder: &Path, name: &str, samples: &[f32]) -> std::path::PathBuf {
        let path = folder.join(name);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        samples.iter().for_each(|value| writer.write_sample(*value).unwrap());
        writer.finalize().unwrap();
        path
    }

    fn rms(samples: &[f32]) -> f64 {
        let power: f64 = samples.iter().map(|value| f64::from(*value).powi(2)).sum();
        (power / samples.len() as f64).sqrt()
    }

    #[test]
    fn a_mixture_has_its_parts_at_equal_loudness_but_for_their_decibels() {
        let folder = tempfile::tempdir().unwrap();
        // Two tones that share no power: 8 and 4 samples a period.
        let loud: Vec<f32> = (0..1600).map(|n| [0.9, 0.0, -0.9, 0.0][n % 4]).collect();
        let faint: Vec<f32> = (0..800).map(|n| [0.01f32, -0.01][n % 2]).collect();
        let (a, b) = (wav(folder.path(), "a.wav", &loud), wav(folder.path(), "b.wav", &faint));
        let mixed = samples(&Sound::Mix(vec![(a, 6.0), (b.clone(), 0.0)])).unwrap();
        assert_eq!(mixed.len(), 1600);
        let expected = PART_RMS * (1.0 + 10f64.powf(0.6)).sqrt();
        assert!((rms(&mixed) / expected - 1.0).abs() < 1e-3, "{} {expected}", rms(&mixed));
        let alone = samples(&Sound::Mix(vec![(b, 0.0)])).unwrap();
        assert!((rms(&alone) - PART_RMS).abs() < 1e-6);
    }

    #[test]
    fn a_mixture_never_clips() {
        let folder = tempfile::tempdir().unwrap();
        let mut click = vec![0f32; 1600];
        click[7] = 1.0;
        let path = wav(folder.path(), "click.wav", &click);
        let mixed = samples(&Sound::Mix(vec![(path, 0.0)])).unwrap();
        assert!(mixed.iter().all(|value| value.abs() <= 1.0));
        assert!((mixed[7] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_silent_recording_cannot_be_mixed() {
        let folder = tempfile::tempdir().unwrap();
        let path = wav(folder.path(), "none.wav", &[0.0; 100]);
        let error = samples(&Sound::Mix(vec![(path, 0.0)])).unwrap_err();
        assert!(error.to_string().contains("is silent"), "{error}");
    }

    #[test]
    fn noise_is_normal_and_repeatable_and_silence_is_nothing() {
        let one = samples(&Sound::Noise(1)).unwrap();
        assert_eq!(one, samples(&Sound::Noise(1)).unwrap());
        assert_ne!(one, samples(&Sound::Noise(2)).unwrap());
        // A normal variable of RMS 1 clipped to ±1 has an RMS of 0.718.
        assert!((rms(&one) - 0.718).abs() < 0.01, "{}", rms(&one));
        assert!(samples(&Sound::Silence).unwrap().iter().all(|value| *value == 0.0));
    }
}
