//! The front ends against other people's implementations of the same definitions.
//!
//! `tests/vectors/make_signal.py` writes the references. The largest error found is printed
//! (`cargo test --test signal_vectors -- --nocapture`); the bound that a test enforces, stated
//! above it, is what the front end promises.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tyto::capture::{Picture, Recording};
use tyto::signal::log_mel::{BANDS, Bands, FRAME, HOP};
use tyto::signal::spectrogram::{self, Density, Spectrogram};
use tyto::signal::{self, Filter, Resizer, SoundFrontEnd};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/signal").join(name)
}

fn floats(name: &str) -> Vec<f32> {
    let bytes = std::fs::read(file(name)).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn json<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap()
}

fn largest_error(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn log_mel(samples: &[f32]) -> Vec<f32> {
    let mut bands = Bands::new();
    let frame = |samples: &[f32]| {
        let mut values = [0.0; BANDS];
        bands.of(samples, &mut values);
        values
    };
    samples.windows(FRAME).step_by(HOP).flat_map(frame).collect()
}

/// At most 2e-6, in the natural logarithm: the last digits of 32 bits.
#[test]
fn log_mel_agrees_with_numpy() {
    let error = largest_error(&log_mel(&floats("tones.f32")), &floats("tones_log_mel.f32"));
    println!("log-mel, tones beside silence: largest error {error:.1e}");
    assert!(error <= 2e-6);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips/dog.wav");
    let dog = signal::to_mono_16k(&Recording::read(&path).unwrap()).unwrap();
    let error = largest_error(&log_mel(&dog), &floats("dog_log_mel.f32"));
    println!("log-mel, a dog: largest error {error:.1e}");
    assert!(error <= 2e-6);
}

/// At most 1e-4 relative, in every frequency of every frame.
#[test]
fn the_spectrogram_agrees_with_scipy() {
    let settings = spectrogram::Settings::default();
    let mut samples: Vec<f32> = floats("tones.f32").iter().map(|v| 1.5 * v).collect();
    let mut front_end = Spectrogram::new(&settings);
    front_end.lengthen(&mut samples);
    assert_eq!(samples.len(), 48_000);

    let worst = |pairs: &mut dyn Iterator<Item = (f64, f64)>, least: f64| {
        let relative = |(a, b): (f64, f64)| (a - b).abs() / b.abs().max(least);
        pairs.map(relative).fold(0.0, f64::max)
    };
    let theirs = floats("tones_density.f32");
    let loudest = f64::from(theirs.iter().copied().fold(0.0, f32::max));
    let mut density = Density::new(512);
    let mut ours = vec![0.0; 257];
    let mut error = 0.0_f64;
    for (frame, theirs) in theirs.chunks(257).enumerate() {
        density.of(&samples[frame * 37 * 159..][..512], &mut ours);
        let mut pairs = ours.iter().copied().zip(theirs.iter().map(|v| f64::from(*v)));
        error = error.max(worst(&mut pairs, 1e-15 * loudest));
    }
    println!("density, loudest {loudest:.1e}: largest relative error {error:.1e}");
    assert!(error <= 1e-4);

    let mut patch = Vec::new();
    front_end.patch(0, &samples, &mut patch);
    let theirs = floats("tones_spectrogram.f32");
    let ours = (0..theirs.len()).map(|n| f64::from(patch[n % 257 * 299 + n / 257 * 37]));
    let mut pairs = ours.zip(theirs.iter().map(|v| f64::from(*v)));
    let error = worst(&mut pairs, 1e-3);
    println!("log spectrogram: largest relative error {error:.1e}");
    assert!(error <= 1e-4);
}

#[derive(Deserialize)]
struct Tone {
    hertz: f64,
    amplitude: f64,
    phase: f64,
}

#[derive(Deserialize)]
struct Chord {
    seconds: f64,
    rates: Vec<u32>,
    tones: Vec<Tone>,
}

impl Chord {
    fn at(&self, rate: u32) -> Vec<f32> {
        let frames = (self.seconds * f64::from(rate)).round() as usize;
        let value = |n: usize| {
            let t = n as f64 / f64::from(rate);
            let fade = (TAU / 2.0 * t / self.seconds).sin().powi(2);
            let tone = |c: &Tone| c.amplitude * (TAU * c.hertz * t + c.phase).sin();
            (self.tones.iter().map(tone).sum::<f64>() * fade) as f32
        };
        (0..frames).map(value).collect()
    }
}

/// At least 90 dB of signal to error, and 110 dB to what is left of it when the gain is fitted:
/// the library adds its filter up in 32 bits, so the gain is off by up to 3e-5.
#[test]
fn resampling_agrees_with_scipy() {
    let chord: Chord = json("chord.json");
    for &rate in &chord.rates {
        let recording = Recording { rate, channels: 1, samples: chord.at(rate) };
        let ours = signal::to_mono_16k(&recording).unwrap();
        let theirs = floats(&format!("chord_{rate}.f32"));
        assert_eq!(ours.len(), theirs.len());
        let pairs = || ours.iter().zip(&theirs).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let energy: f64 = pairs().map(|(_, b)| b * b).sum();
        let gain = pairs().map(|(a, b)| a * b).sum::<f64>() / energy;
        let decibels = |gain: f64| {
            let noise: f64 = pairs().map(|(a, b)| (a - gain * b).powi(2)).sum();
            10.0 * (energy / noise).log10()
        };
        let (plain, fitted, error) = (decibels(1.0), decibels(gain), largest_error(&ours, &theirs));
        println!(
            "{rate} Hz to 16 kHz: {plain:.1} dB, largest error {error:.1e}; \
             gain off by {:.1e}, then {fitted:.1} dB",
            gain - 1.0
        );
        assert!(plain >= 90.0 && fitted >= 110.0 && (gain - 1.0).abs() <= 3e-5, "{rate} Hz");
    }
}

#[derive(Deserialize)]
struct Resized {
    from: [u32; 2],
    to: [u32; 2],
    name: String,
}

/// The picture that `make_signal.py` scales.
fn pattern(width: u32, height: u32) -> Picture {
    let value = |x: u32, y: u32, c: u32| match (x * 3 / width + c) % 3 {
        0 => (x * 200 / width + y * 55 / height) as u8,
        1 if (x / 17 + y / 11).is_multiple_of(2) => 230,
        1 => 20,
        _ => {
            let mixed = x
                .wrapping_mul(2_654_435_761)
                .wrapping_add(y.wrapping_mul(40_503))
                .wrapping_add(c.wrapping_mul(69_069));
            (mixed.wrapping_mul(2_246_822_519) >> 24) as u8
        }
    };
    let pixel = |x, y| (0..3).map(move |c| value(x, y, c));
    let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Picture { width, height, rgb }
}

/// At most one of 255 grey levels.
#[test]
fn resizing_agrees_with_pillow() {
    for case in json::<Vec<Resized>>("resized.json") {
        let mut resizer =
            Resizer::new(case.to[0], case.to[1], Filter::Bilinear, [0.0; 3], [1.0; 3]);
        let mut planar = Vec::new();
        resizer.run(&pattern(case.from[0], case.from[1]), &mut planar).unwrap();
        let theirs = std::fs::read(file(&format!("{}.u8", case.name))).unwrap();
        assert_eq!(planar.len(), theirs.len());
        let plane = theirs.len() / 3;
        let errors =
            (0..theirs.len()).map(|n| (planar[n % 3 * plane + n / 3] - f32::from(theirs[n])).abs());
        let (worst, unequal) = errors.fold((0.0_f32, 0), |(worst, unequal), error| {
            (worst.max(error), unequal + usize::from(error > 0.0))
        });
        println!("{}: largest error {worst}, {unequal} of {} differ", case.name, theirs.len());
        assert!(worst <= 1.0, "{}", case.name);
    }
}

/// At most a thousandth of one of 255 grey levels.
#[test]
fn cubic_resizing_agrees_with_pillow_s_on_floats() {
    for case in json::<Vec<Resized>>("cubic.json") {
        let mut resizer = Resizer::new(case.to[0], case.to[1], Filter::Bicubic, [0.0; 3], [1.0; 3]);
        let mut planar = Vec::new();
        resizer.run(&pattern(case.from[0], case.from[1]), &mut planar).unwrap();
        let error = largest_error(&planar, &floats(&format!("{}.f32", case.name)));
        println!("{}: largest error {error:.1e}", case.name);
        assert!(error <= 1e-3, "{}", case.name);
    }
}
