//! The whole path with simulated sources and encoders.

#[path = "../../tests/toy/mod.rs"]
pub mod toy;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::capture::simulated::{SimulatedAudio, SimulatedVideo};
use crate::capture::{Frame, Picture, Pull, VideoFormat};
use crate::clock::{Clock, Mono, SystemClock};
use crate::error::{Error, Kind};
use crate::event::{Counters, Phase};
use toy::{RATE, SIDE, Toy, camera, microphone, punctual, scene, steady_camera, tones, toy};

/// Keeps what it is told.
#[derive(Default)]
struct Notes {
    sounds: Vec<Sound>,
    frames: usize,
    looks: usize,
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
}

/// Plays the sound before the scene.
fn play(toy: &mut Toy, samples: Vec<f32>) -> Notes {
    counted(toy, samples).0
}

fn counted(toy: &mut Toy, samples: Vec<f32>) -> (Notes, Counters) {
    let seconds = samples.len() as f64 / f64::from(RATE);
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    let (video, audio) = (camera(seconds), microphone(samples));
    lockstep(Some(video), audio, &mut toy.perception, &progress, &stop, &mut notes).unwrap();
    (notes, progress.counters())
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
    let (notes, counters) = counted(&mut toy, tones(&[(0.0, 6.0)]));
    assert_eq!(notes.sounds, vec![]);
    assert!(counters.looks > 15);
    assert_eq!((counters.looks_silent, counters.looks_skipped), (counters.looks, 0));
    assert_eq!(toy.pictures.load(Ordering::Relaxed) + toy.patches.load(Ordering::Relaxed), 0);
}

#[test]
fn a_picture_that_does_not_change_is_encoded_once_in_two_seconds() {
    let mut toy = toy();
    let (notes, counters) = counted(&mut toy, tones(&[(200.0, 7.0)]));
    assert!(counters.looks > 20, "{counters:?}");
    // Looks begin when a patch is full, after a second.
    assert_eq!(toy.pictures.load(Ordering::Relaxed), 3);
    assert!(notes.sounds.iter().all(|sound| sound.on_screen), "{:?}", told(&notes));
}

#[test]
fn every_look_encodes_one_patch_and_its_newer_half_and_only_a_new_picture() {
    let mut toy = toy();
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    let (video, audio) = (flickering_camera(20), microphone(tones(&[(200.0, 6.0)])));
    lockstep(Some(video), audio, &mut toy.perception, &progress, &stop, &mut notes).unwrap();
    let looks = progress.counters().looks as usize;
    assert!((20..=22).contains(&looks), "{looks}");
    assert_eq!(toy.patches.load(Ordering::Relaxed), 2 * looks);
    assert!((4..=7).contains(&toy.pictures.load(Ordering::Relaxed)));
    assert_eq!((notes.frames, notes.looks), (20, looks));
    // The last picture goes on to be looked at.
    assert!(notes.sounds.iter().all(|sound| sound.on_screen), "{:?}", told(&notes));
}

/// So many pictures, ten a second, a corner of which changes each time.
fn flickering_camera(count: u64) -> Box<SimulatedVideo> {
    let format = VideoFormat { width: SIDE as u32, height: SIDE as u32, rate: 10.0 };
    Box::new(SimulatedVideo::new(format, move |index, raw| {
        let mut picture = scene();
        picture.rgb[2] = 40 * (index % 5) as u8;
        raw.exchange(Mono(index * 100_000_000), &mut picture);
        Ok(if index < count { Pull::Filled } else { Pull::Ended })
    }))
}

#[test]
fn a_look_waits_for_the_newest_picture_only_if_it_has_no_other_or_its_sound_has_turned() {
    /// When each look's sound ends, and whether it waited.
    struct Waits(Vec<(f64, bool)>);
    impl Observer for Waits {
        fn look(&mut self, look: &Look<'_>) -> Result<()> {
            self.0.push((look.span.end.as_secs_f64(), look.stages.has_seen()));
            Ok(())
        }
    }
    let (mut toy, mut waits) = (toy(), Waits(Vec::new()));
    let (progress, stop) = (Progress::new(), AtomicBool::new(false));
    let audio = microphone(tones(&[(200.0, 4.0), (5000.0, 4.0)]));
    let video = Some(flickering_camera(80) as Box<_>);
    lockstep(video, audio, &mut toy.perception, &progress, &stop, &mut waits).unwrap();
    let (first, others) = waits.0.split_first().unwrap();
    assert!(first.1, "nothing was seen before");
    let waited = |from: f64, to: f64| {
        others.iter().filter(|(end, waited)| *waited && (from..to).contains(end)).count()
    };
    assert_eq!((waited(0.0, 4.0), waited(5.5, 8.0)), (0, 0), "{:?}", waits.0);
    assert!(waited(4.0, 5.5) > 0, "{:?}", waits.0);
    // Each look's picture is encoded all the same, after what it says was told.
    assert_eq!(toy.pictures.load(Ordering::Relaxed), waits.0.len());
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

/// Runs live by the system's clock.
fn go(
    feeds: Feeds,
    perception: &mut Perception,
    progress: &Progress,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<()> {
    let (wishes, clock) = (Wishes::default(), &SystemClock);
    let run = Live { feeds, wishes, clock, progress, stop, herald: &mut () };
    live(run, perception, observer)
}

#[test]
fn live_finds_the_same_and_ends_when_the_sources_end() {
    let mut toy = toy();
    let (progress, stop, mut notes) = (Progress::new(), AtomicBool::new(false), Notes::default());
    let start = SystemClock.now();
    let audio = punctual(tones(&[(200.0, 3.0)]), start);
    let video = steady_camera(start, 3.0);
    let feeds = Feeds::given(Some(video), audio);
    go(feeds, &mut toy.perception, &progress, &stop, &mut notes).unwrap();
    assert_eq!(told(&notes), [(Phase::Start, 1, "Low"), (Phase::End, 1, "Low")]);
    assert!(notes.sounds[0].azimuth_deg.unwrap() > 10.0);
    let counters = progress.counters();
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
    let feeds = Feeds::given(Some(video), audio);
    go(feeds, &mut toy.perception, &progress, &stop, &mut observer).unwrap();
    assert_eq!(observer.1, [Phase::Start, Phase::End]);
}

#[test]
fn a_source_that_fails_ends_the_run_with_its_own_words() {
    let mut toy = toy();
    let (progress, stop) = (Progress::new(), AtomicBool::new(false));
    // Whether a look is taken before the camera fails is chance: nobody watches the looks.
    let mut nobody: Vec<Box<dyn Observer>> = Vec::new();
    let start = SystemClock.now();
    let format = VideoFormat { width: 8, height: 8, rate: 10.0 };
    let broken = SimulatedVideo::new(format, |_, _| {
        Err(Error::new(Kind::Device, "/dev/video7", "was unplugged"))
    });
    let audio = punctual(tones(&[(200.0, 600.0)]), start);
    let feeds = Feeds::given(Some(Box::new(broken)), audio);
    let error = go(feeds, &mut toy.perception, &progress, &stop, &mut nobody).unwrap_err();
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
    let feeds = Feeds::given(Some(video), audio);
    go(feeds, &mut toy.perception, &progress, &stop, &mut Slow).unwrap();
    let counters = progress.counters();
    assert!(counters.looks_skipped >= 3, "{counters:?}");
    assert!(counters.frames_replaced >= 10, "{counters:?}");
    assert_eq!(counters.samples_lost, 0);
}

/// The place of the red dot: it jumps every 0.6 s, one column a jump, and back.
fn column_at(stamp: Mono) -> usize {
    (stamp.as_secs_f64() / 0.6) as usize % SIDE
}

#[test]
fn an_hour_with_a_sound_card_half_a_percent_off_shows_each_sound_its_own_picture() {
    for (drift, minutes) in [(1.005, 60_u32), (0.995, 10)] {
        let format = VideoFormat { width: SIDE as u32, height: SIDE as u32, rate: 10.0 };
        let end = f64::from(minutes) * 60.0;
        let camera = SimulatedVideo::new(format, move |index, raw| {
            let stamp = Mono(index * 100_000_000);
            let mut rgb = vec![0; SIDE * SIDE * 3];
            for y in 3..5 {
                rgb[(y * SIDE + column_at(stamp)) * 3] = 255;
            }
            raw.exchange(stamp, &mut Picture { width: 8, height: 8, rgb });
            Ok(if stamp.as_secs_f64() < end { Pull::Filled } else { Pull::Ended })
        });
        // The card gives 16 000 samples a second by its own count, and not by the clock's. It
        // sounds for five seconds of every minute of the clock.
        let rate = f64::from(RATE) * drift;
        let microphone = SimulatedAudio::new(toy::MICROPHONE, move |index, block| {
            let first = index * 800;
            block.stamp = Mono((first as f64 / rate * 1e9) as u64);
            block.filled = 800;
            for (n, value) in block.values[..800].iter_mut().enumerate() {
                let at = (first + n as u64) as f64 / rate;
                let sounds = at % 60.0 >= 50.0 && at % 60.0 < 55.0;
                *value = if sounds {
                    0.2 * (at * 200.0 * std::f64::consts::TAU).sin() as f32
                } else {
                    0.0
                };
            }
            Ok(if block.stamp.as_secs_f64() < end { Pull::Filled } else { Pull::Ended })
        });
        /// Compares what each look saw with what was to be seen at the sound's centre.
        struct Matches {
            looks: u64,
            wrong: Vec<(f64, usize)>,
            onsets: Vec<f64>,
            silent: bool,
        }
        impl Observer for Matches {
            fn look(&mut self, look: &Look<'_>) -> Result<()> {
                if self.silent && !look.silent {
                    self.onsets.push(look.span.end.as_secs_f64() % 60.0);
                }
                self.silent = look.silent;
                let Some(source) = look.sources.first().filter(|source| source.on_screen) else {
                    return Ok(());
                };
                self.looks += 1;
                let column = (source.peak[0] * SIDE as f32) as usize;
                // A picture is taken every 0.1 s, looked at every 0.24 s: the nearest may be
                // half of that away.
                let about = [-0.2, 0.0, 0.2].map(|off: f64| {
                    let at = look.span.centre().as_secs_f64() + off;
                    column_at(Mono((at * 1e9) as u64))
                });
                if !about.contains(&column) {
                    self.wrong.push((look.span.end.as_secs_f64(), column));
                }
                Ok(())
            }
        }
        let mut matches = Matches { looks: 0, wrong: vec![], onsets: vec![], silent: true };
        let (progress, stop) = (Progress::new(), AtomicBool::new(false));
        let (video, audio) = (Box::new(camera), Box::new(microphone));
        let perception = &mut toy().perception;
        lockstep(Some(video), audio, perception, &progress, &stop, &mut matches).unwrap();
        assert!(matches.looks > 15 * u64::from(minutes), "{}", matches.looks);
        // The first looks at a sound pool less and so have another centre than later ones, but
        // all have theirs.
        let share = matches.wrong.len() as f64 / matches.looks as f64;
        assert!(share < 0.01, "drift {drift}: {} of {} wrong", matches.wrong.len(), matches.looks);
        assert_eq!(matches.onsets.len(), minutes as usize);
        // A sound is heard within a hop of its first sample, in the last minute as in the first.
        let late = |onset: &f64| (50.0..50.5).contains(onset);
        assert!(matches.onsets.iter().all(late), "drift {drift}: {:?}", matches.onsets);
        let counters = progress.counters();
        assert_eq!((counters.looks_skipped, counters.samples_lost), (0, 0));
    }
}
