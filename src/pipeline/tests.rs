//! The whole path with simulated sources and encoders small enough to be understood: red is
//! what sounds low, green is what sounds high.

use std::f32::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::align::Aligner;
use crate::capture::simulated::{SimulatedAudio, SimulatedVideo};
use crate::capture::{AudioFormat, Frame, Picture, Pull, VideoFormat};
use crate::clock::{Clock, Mono, SystemClock};
use crate::encode::{AudioEncoder, Encoders, ImageEncoder, ImageMap, Labels, Pack, SoundVector};
use crate::error::{Error, Kind};
use crate::event::Phase;
use crate::geometry::{Camera, Pose};
use crate::track::Tracker;

const SIDE: usize = 8;
const RATE: u32 = 16_000;
const MICROPHONE: AudioFormat = AudioFormat { rate: RATE, channels: 1 };

const MANIFEST: &str = r#"
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

const LABELS: &str = r#"{"labels": [
    {"name": "Low", "visible": true, "prototype": [1.0, 0.0]},
    {"name": "High", "visible": true, "prototype": [0.0, 1.0]}
]}"#;

/// Red and green of each pixel as the vector of its place.
struct Colours(Arc<AtomicUsize>);

impl ImageEncoder for Colours {
    fn encode(&mut self, picture: &Picture, map: &mut ImageMap) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        (map.dim, map.width, map.height) = (2, SIDE, SIDE);
        let channel = |c: usize| picture.rgb.chunks(3).map(move |pixel| f32::from(pixel[c]));
        map.values = channel(0).chain(channel(1)).collect();
        Ok(())
    }
}

/// The lower bands' share against the upper bands'.
struct Pitch(Arc<AtomicUsize>);

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
        sound.embedding = if low > high { vec![1.0, 0.0] } else { vec![0.0, 1.0] };
        Ok(())
    }
}

struct Toy {
    perception: Perception,
    pictures: Arc<AtomicUsize>,
    patches: Arc<AtomicUsize>,
}

fn toy() -> Toy {
    let (pictures, patches) = (Arc::default(), Arc::default());
    let labels: Labels = serde_json::from_str(LABELS).unwrap();
    let manifest = toml::from_str(MANIFEST).unwrap();
    let pack = Pack { manifest, labels, dir: PathBuf::new() };
    let parts = Parts {
        encoders: Encoders {
            image: Box::new(Colours(Arc::clone(&pictures))),
            audio: Box::new(Pitch(Arc::clone(&patches))),
        },
        aligner: Aligner::new(&pack),
        front_end: pack.manifest.audio.front_end(),
        pooling: pack.manifest.audio.pooling,
        tracker: Tracker::new(crate::track::Settings::default()).unwrap(),
        camera: Some(Camera::new(80, 80, 60.0, Pose::default()).unwrap()),
        microphone: MICROPHONE,
    };
    Toy { perception: Perception::new(parts, Settings::default()).unwrap(), pictures, patches }
}

/// Red on the left, green on the right.
fn scene() -> Picture {
    let mut rgb = vec![0; SIDE * SIDE * 3];
    for y in 3..5 {
        rgb[(y * SIDE + 1) * 3] = 255;
        rgb[(y * SIDE + 6) * 3 + 1] = 255;
    }
    Picture { width: SIDE as u32, height: SIDE as u32, rgb }
}

fn camera(seconds: f64) -> Box<SimulatedVideo> {
    let format = VideoFormat { width: SIDE as u32, height: SIDE as u32, rate: 10.0 };
    Box::new(SimulatedVideo::new(format, move |index, raw| {
        raw.exchange(Mono(index * 100_000_000), &mut scene());
        Ok(if raw.stamp.as_secs_f64() < seconds { Pull::Filled } else { Pull::Ended })
    }))
}

/// Tones one after the other: hertz (0: silence) and seconds.
fn tones(parts: &[(f32, f32)]) -> Vec<f32> {
    let tone = |&(hertz, seconds): &(f32, f32)| {
        (0..(seconds * RATE as f32) as usize)
            .map(move |i| 0.2 * (TAU * hertz * i as f32 / RATE as f32).sin())
    };
    parts.iter().flat_map(tone).collect()
}

fn microphone(samples: Vec<f32>) -> Box<SimulatedAudio> {
    Box::new(SimulatedAudio::from_samples(MICROPHONE, samples, Mono(0)))
}

/// Keeps what it is told.
#[derive(Default)]
struct Notes {
    sounds: Vec<Sound>,
    frames: usize,
    looks: usize,
    counters: Option<Counters>,
}

impl Observer for Notes {
    fn frame(&mut self, _: &Frame) -> Result<()> {
        self.frames += 1;
        Ok(())
    }

    fn look(&mut self, look: &Look<'_>) -> Result<()> {
        assert!(look.frame.is_some());
        self.looks += 1;
        Ok(())
    }

    fn sound(&mut self, sound: &Sound) -> Result<()> {
        self.sounds.push(sound.clone());
        Ok(())
    }

    fn counters(&mut self, counters: &Counters) -> Result<()> {
        self.counters = Some(counters.clone());
        Ok(())
    }
}

fn play(toy: &mut Toy, samples: Vec<f32>) -> Notes {
    let seconds = samples.len() as f64 / f64::from(RATE);
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    let (video, audio) = (camera(seconds), microphone(samples));
    lockstep(Some(video), audio, &mut toy.perception, &progress, &stop, &mut notes).unwrap();
    notes
}

fn told(notes: &Notes) -> Vec<(Phase, u64, &str)> {
    notes.sounds.iter().map(|s| (s.phase, s.track, s.label.as_str())).collect()
}

#[test]
fn what_sounds_is_found_where_it_is_and_followed_from_start_to_end() {
    let notes = play(&mut toy(), tones(&[(200.0, 5.0), (0.0, 4.0), (5000.0, 4.0)]));
    assert_eq!(
        told(&notes),
        [
            (Phase::Start, 1, "Low"),
            (Phase::End, 1, "Low"),
            (Phase::Start, 2, "High"),
            (Phase::End, 2, "High"),
        ]
    );
    let (low, high) = (&notes.sounds[0], &notes.sounds[2]);
    assert!(low.azimuth_deg.unwrap() > 10.0 && high.azimuth_deg.unwrap() < -10.0);
    assert!(low.direction.unwrap()[1] > 0.2);
    assert!(low.on_screen && low.confidence > 0.9);
    // A sine of amplitude 0.2 has 20·log10(0.2/√2) dB.
    assert!((low.level_dbfs + 17.0).abs() < 0.2, "{}", low.level_dbfs);
    assert_eq!(low.map.as_ref().map(|rows| (rows.len(), rows[0].len())), Some((SIDE, SIDE)));
    // The second look that has a whole patch starts the track.
    assert!((0.6..0.9).contains(&(low.mono_ns as f64 * 1e-9)), "{}", low.mono_ns);
    assert!(low.time.starts_with("1970-01-01T00:00:00."), "{}", low.time);
    assert_eq!(low.latency_ms, 0.0);
    let seqs: Vec<u64> = notes.sounds.iter().map(|s| s.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert!(notes.sounds.windows(2).all(|pair| pair[0].mono_ns <= pair[1].mono_ns));
}

#[test]
fn the_same_clip_gives_the_same_bytes() {
    let samples = tones(&[(200.0, 3.0), (5000.0, 3.0)]);
    let bytes = |notes: Notes| serde_json::to_string(&notes.sounds).unwrap();
    let first = bytes(play(&mut toy(), samples.clone()));
    assert_eq!(first, bytes(play(&mut toy(), samples)));
    assert!(first.contains("\"Low\"") && first.contains("\"High\""));
}

#[test]
fn silence_runs_no_encoder_and_says_nothing() {
    let mut toy = toy();
    let notes = play(&mut toy, tones(&[(0.0, 6.0)]));
    assert_eq!(notes.sounds, vec![]);
    let counters = notes.counters.unwrap();
    assert!(counters.looks > 15);
    assert_eq!((counters.looks_silent, counters.looks_skipped), (counters.looks, 0));
    assert_eq!(toy.pictures.load(Ordering::Relaxed) + toy.patches.load(Ordering::Relaxed), 0);
}

#[test]
fn every_look_encodes_one_patch_and_only_a_new_picture() {
    let mut toy = toy();
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    // The camera gives pictures for 2 s, the microphone sound for 6 s.
    let (video, audio) = (camera(2.0), microphone(tones(&[(200.0, 6.0)])));
    lockstep(Some(video), audio, &mut toy.perception, &progress, &stop, &mut notes).unwrap();
    let looks = progress.counters().looks as usize;
    assert!((20..=22).contains(&looks), "{looks}");
    assert_eq!(toy.patches.load(Ordering::Relaxed), looks);
    assert!((4..=7).contains(&toy.pictures.load(Ordering::Relaxed)));
    assert_eq!((notes.frames, notes.looks), (20, looks));
    // The last picture goes on to be looked at.
    assert!(notes.sounds.iter().all(|sound| sound.on_screen), "{:?}", told(&notes));
}

#[test]
fn without_a_camera_sounds_are_heard_but_out_of_view() {
    let mut toy = toy();
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    struct Deaf;
    let audio = microphone(tones(&[(200.0, 4.0)]));
    impl Observer for Deaf {}
    let mut observers: Vec<Box<dyn Observer + '_>> = vec![Box::new(Deaf)];
    lockstep(None, audio, &mut toy.perception, &progress, &stop, &mut observers).unwrap();
    assert_eq!(progress.counters().events, 2);
    let audio = microphone(tones(&[(200.0, 4.0)]));
    struct Ears<'a>(&'a mut Notes);
    impl Observer for Ears<'_> {
        fn sound(&mut self, sound: &Sound) -> Result<()> {
            self.0.sound(sound)
        }
    }
    let mut ears = Ears(&mut notes);
    let mut fresh = self::toy();
    lockstep(None, audio, &mut fresh.perception, &progress, &stop, &mut ears).unwrap();
    let start = notes.sounds.first().unwrap();
    assert!(!start.on_screen && start.azimuth_deg.is_none() && start.map.is_none());
}

/// A source that gives its blocks in real time.
fn punctual(samples: Vec<f32>, start: Mono) -> Box<SimulatedAudio> {
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

fn steady_camera(start: Mono, seconds: f64) -> Box<SimulatedVideo> {
    let format = VideoFormat { width: SIDE as u32, height: SIDE as u32, rate: 20.0 };
    Box::new(SimulatedVideo::new(format, move |index, raw| {
        let after = Duration::from_millis(50 * index);
        SystemClock.sleep_until(start + after);
        raw.exchange(start + after, &mut scene());
        Ok(if after.as_secs_f64() < seconds { Pull::Filled } else { Pull::Ended })
    }))
}

#[test]
fn live_finds_the_same_and_ends_when_the_sources_end() {
    let mut toy = toy();
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    let start = SystemClock.now();
    let audio = punctual(tones(&[(200.0, 3.0)]), start);
    let video = steady_camera(start, 3.0);
    live(Some(video), audio, &mut toy.perception, &SystemClock, &progress, &stop, &mut notes)
        .unwrap();
    assert_eq!(told(&notes), [(Phase::Start, 1, "Low"), (Phase::End, 1, "Low")]);
    assert!(notes.sounds[0].azimuth_deg.unwrap() > 10.0);
    let counters = notes.counters.unwrap();
    assert_eq!((counters.samples, counters.samples_lost), (48_000, 0));
    assert_eq!(counters.frames, 60);
    assert!(counters.looks + counters.looks_skipped >= 8, "{counters:?}");
}

#[test]
fn live_stops_when_asked_and_ends_its_tracks() {
    let mut toy = toy();
    let (progress, stop) = (Progress::new(), AtomicBool::new(false));
    /// Asks for a stop as soon as something starts.
    struct Impatient<'a>(&'a AtomicBool, Vec<Phase>);
    impl Observer for Impatient<'_> {
        fn sound(&mut self, sound: &Sound) -> Result<()> {
            self.0.store(true, Ordering::Relaxed);
            self.1.push(sound.phase);
            Ok(())
        }
    }
    let start = SystemClock.now();
    let audio = punctual(tones(&[(200.0, 600.0)]), start);
    let video = steady_camera(start, 600.0);
    let mut observer = Impatient(&stop, Vec::new());
    live(Some(video), audio, &mut toy.perception, &SystemClock, &progress, &stop, &mut observer)
        .unwrap();
    assert_eq!(observer.1, [Phase::Start, Phase::End]);
}

#[test]
fn a_source_that_fails_ends_the_run_with_its_own_words() {
    let mut toy = toy();
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    let start = SystemClock.now();
    let format = VideoFormat { width: 8, height: 8, rate: 10.0 };
    let broken = SimulatedVideo::new(format, |_, _| {
        Err(Error::new(Kind::Device, "/dev/video7", "was unplugged"))
    });
    let audio = punctual(tones(&[(200.0, 600.0)]), start);
    let error = live(
        Some(Box::new(broken)),
        audio,
        &mut toy.perception,
        &SystemClock,
        &progress,
        &stop,
        &mut notes,
    )
    .unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (Kind::Device, "/dev/video7: was unplugged")
    );
}

#[test]
fn perception_that_is_behind_looks_at_now_and_counts_what_it_left_out() {
    let mut toy = toy();
    let (progress, stop) = (Progress::new(), AtomicBool::new(false));
    /// Takes half a second over each look.
    struct Slow;
    impl Observer for Slow {
        fn look(&mut self, _: &Look<'_>) -> Result<()> {
            std::thread::sleep(Duration::from_millis(600));
            Ok(())
        }
    }
    let start = SystemClock.now();
    let audio = punctual(tones(&[(200.0, 3.5)]), start);
    let video = steady_camera(start, 3.5);
    live(Some(video), audio, &mut toy.perception, &SystemClock, &progress, &stop, &mut Slow)
        .unwrap();
    let counters = progress.counters();
    assert!(counters.looks_skipped >= 3, "{counters:?}");
    assert!(counters.frames_replaced >= 10, "{counters:?}");
    assert_eq!(counters.samples_lost, 0);
}
