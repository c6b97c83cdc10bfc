//! Simulated sources and encoders small enough to be understood: red is what sounds low, green
//! is what sounds high.

// Each test uses its own part of it.
#![allow(dead_code)]

use std::f32::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tyto::align::Aligner;
use tyto::capture::simulated::{SimulatedAudio, SimulatedVideo};
use tyto::capture::{AudioFormat, Picture, Pull, VideoFormat};
use tyto::clock::{Clock, Mono, SystemClock};
use tyto::encode::{AudioEncoder, Encoders, ImageEncoder, ImageMap, Labels, Pack, SoundVector};
use tyto::error::Result;
use tyto::geometry::{Optics, Pose};
use tyto::pipeline::{Parts, Perception, Settings};
use tyto::track::Tracker;

pub const SIDE: usize = 8;
pub const RATE: u32 = 16_000;
pub const MICROPHONE: AudioFormat = AudioFormat { rate: RATE, channels: 1 };

pub const MANIFEST: &str = r#"
schema = 1
name = "toy"
version = "1"
embedding = 2
image = { file = "i", sha256 = "", size = [8, 8], mean = [0, 0, 0], std = [1, 1, 1], map = [8, 8] }
audio = { file = "a", sha256 = "", front_end = "yamnet-log-mel", pooling = "mean" }
labels = { file = "l", sha256 = "" }
calibration = { on_screen = 0.5, confidence = [10.0, -5.0], sound_floor_dbfs = -50.0 }
licence = { spdx = "MIT" }
"#;

pub const LABELS: &str = r#"{"labels": [
    {"name": "Low", "visible": true, "prototype": [1.0, 0.0]},
    {"name": "High", "visible": true, "prototype": [0.0, 1.0]}
]}"#;

/// Red and green of each pixel as the vector of its place, and how often it was asked.
pub struct Colours(Arc<AtomicUsize>, Vec<f32>);

impl ImageEncoder for Colours {
    fn prepare(&mut self, picture: &Picture) -> Result<()> {
        let channel = |c: usize| picture.rgb.chunks(3).map(move |pixel| f32::from(pixel[c]));
        self.1.clear();
        self.1.extend(channel(0).chain(channel(1)));
        Ok(())
    }

    fn infer(&mut self, map: &mut ImageMap) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        (map.dim, map.width, map.height) = (2, SIDE, SIDE);
        map.values.clone_from(&self.1);
        Ok(())
    }
}

/// The lower bands' share against the upper bands'.
pub struct Pitch(Arc<AtomicUsize>);

impl AudioEncoder for Pitch {
    fn encode(&mut self, patch: &[f32], sound: &mut SoundVector) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert_eq!(patch.len(), 96 * 64);
        let half = |upper: usize| -> f32 {
            let power =
                |frame: &[f32]| frame[32 * upper..][..32].iter().map(|v| v.exp()).sum::<f32>();
            patch.chunks(64).map(power).sum()
        };
        let (low, high) = (half(0), half(1));
        sound.embedding.clear();
        sound.embedding.extend(if low > high { [1.0, 0.0] } else { [0.0, 1.0] });
        Ok(())
    }
}

/// Perception, and how often each encoder was asked.
pub struct Toy {
    pub perception: Perception,
    pub pictures: Arc<AtomicUsize>,
    pub patches: Arc<AtomicUsize>,
}

pub fn toy() -> Toy {
    let (pictures, patches) = (Arc::default(), Arc::default());
    let labels: Labels = serde_json::from_str(LABELS).unwrap();
    let manifest = toml::from_str(MANIFEST).unwrap();
    let pack = Pack { manifest, labels, dir: PathBuf::new() };
    let parts = Parts {
        encoders: Encoders {
            image: Box::new(Colours(Arc::clone(&pictures), Vec::new())),
            audio: Box::new(Pitch(Arc::clone(&patches))),
        },
        aligner: Aligner::new(&pack),
        front_end: pack.manifest.audio.front_end(),
        pooling: pack.manifest.audio.pooling,
        tracker: Tracker::new(tyto::track::Settings::default()).unwrap(),
        optics: Optics { hfov_deg: 60.0, vertical: None, pose: Pose::default() },
    };
    Toy { perception: Perception::new(parts, Settings::default()).unwrap(), pictures, patches }
}

/// Red on the left, green on the right.
pub fn scene() -> Picture {
    let mut rgb = vec![0; SIDE * SIDE * 3];
    for y in 3..5 {
        rgb[(y * SIDE + 1) * 3] = 255;
        rgb[(y * SIDE + 6) * 3 + 1] = 255;
    }
    Picture { width: SIDE as u32, height: SIDE as u32, rgb }
}

pub fn camera(seconds: f64) -> Box<SimulatedVideo> {
    let format = VideoFormat { width: SIDE as u32, height: SIDE as u32, rate: 10.0 };
    Box::new(SimulatedVideo::new(format, move |index, raw| {
        raw.exchange(Mono(index * 100_000_000), &mut scene());
        Ok(if raw.stamp.as_secs_f64() < seconds { Pull::Filled } else { Pull::Ended })
    }))
}

/// Tones one after the other: hertz (0: silence) and seconds.
pub fn tones(parts: &[(f32, f32)]) -> Vec<f32> {
    let tone = |&(hertz, seconds): &(f32, f32)| {
        (0..(seconds * RATE as f32) as usize)
            .map(move |i| 0.2 * (TAU * hertz * i as f32 / RATE as f32).sin())
    };
    parts.iter().flat_map(tone).collect()
}

pub fn microphone(samples: Vec<f32>) -> Box<SimulatedAudio> {
    Box::new(SimulatedAudio::from_samples(MICROPHONE, samples, Mono(0)))
}

/// A source that gives its blocks in real time.
pub fn punctual(samples: Vec<f32>, start: Mono) -> Box<SimulatedAudio> {
    let mut at = 0;
    Box::new(SimulatedAudio::new(MICROPHONE, move |_, block| {
        let count = (samples.len() - at).min(512);
        if count == 0 {
            return Ok(Pull::Ended);
        }
        block.values[..count].copy_from_slice(&samples[at..at + count]);
        block.filled = count;
        block.stamp = start + Duration::from_secs_f64(at as f64 / f64::from(RATE));
        at += count;
        SystemClock.sleep_until(start + Duration::from_secs_f64(at as f64 / f64::from(RATE)));
        Ok(Pull::Filled)
    }))
}

pub fn steady_camera(start: Mono, seconds: f64) -> Box<SimulatedVideo> {
    let format = VideoFormat { width: SIDE as u32, height: SIDE as u32, rate: 20.0 };
    Box::new(SimulatedVideo::new(format, move |index, raw| {
        let after = Duration::from_millis(50 * index);
        SystemClock.sleep_until(start + after);
        raw.exchange(start + after, &mut scene());
        Ok(if after.as_secs_f64() < seconds { Pull::Filled } else { Pull::Ended })
    }))
}
