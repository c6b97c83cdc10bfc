//! The shipped clip through the whole pipeline, as `make demo` plays it: real photographs,
//! real sounds, the real encoders. `tests/clips/README.md` says what sounds when and where.

use std::process::Command;
use std::sync::OnceLock;

use tyto::event::{Message, Phase, Sound};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/farm.mp4");

/// The bytes of one replay, played once for all tests.
fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(replay)
}

fn replay() -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_tyto"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["replay", CLIP, "--fast", "--json"])
        .output()
        .expect("tyto starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn sounds() -> Vec<Sound> {
    let text = std::str::from_utf8(bytes()).expect("events are UTF-8");
    text.lines()
        .filter_map(|line| match serde_json::from_str(line).expect("every line is a message") {
            Message::Sound(sound) => Some(sound),
            _ => None,
        })
        .collect()
}

/// The events of `label` whose sound's centre lies within these seconds of the clip.
fn heard(label: &str, seconds: std::ops::Range<f64>) -> Vec<Sound> {
    let inside = |s: &Sound| seconds.contains(&(s.mono_ns as f64 * 1e-9));
    sounds().into_iter().filter(|s| s.label == label && inside(s)).collect()
}

#[test]
fn the_cow_is_found_on_the_left_and_the_sheep_on_the_right() {
    let cow = heard("Cattle", 0.5..4.8);
    assert!(cow.iter().any(|s| s.on_screen), "{cow:?}");
    for event in cow.iter().filter(|s| s.on_screen) {
        assert!(event.azimuth_deg.unwrap() > 3.0, "{event:?}");
        assert!(event.peak.unwrap()[0] < 0.58, "{event:?}");
    }
    let sheep = heard("Sheep", 5.9..8.8);
    assert!(sheep.iter().any(|s| s.on_screen), "{sheep:?}");
    for event in sheep.iter().filter(|s| s.on_screen) {
        assert!(event.azimuth_deg.unwrap() < -3.0, "{event:?}");
        assert!(event.peak.unwrap()[0] > 0.55, "{event:?}");
    }
}

#[test]
fn the_dog_is_off_screen_until_the_camera_has_turned_to_it() {
    let before = heard("Dog", 9.0..11.0);
    assert!(!before.is_empty());
    for event in &before {
        assert!(
            !event.on_screen && event.azimuth_deg.is_none() && event.extent.is_none(),
            "{event:?}"
        );
    }
    let after = heard("Dog", 13.5..16.0);
    let seen: Vec<_> = after.iter().filter(|s| s.on_screen).collect();
    assert!(!seen.is_empty(), "{after:?}");
    assert!(seen.iter().all(|s| s.peak.unwrap()[0] > 0.4), "{seen:?}");
}

#[test]
fn the_rooster_that_is_nowhere_in_view_is_never_pointed_at() {
    let between: Vec<_> = sounds()
        .into_iter()
        .filter(|s| (18.5..21.8).contains(&(s.mono_ns as f64 * 1e-9)) && s.phase != Phase::End)
        .collect();
    assert!(!between.is_empty());
    assert!(between.iter().all(|s| !s.on_screen), "{between:?}");
}

#[test]
fn silence_between_the_sounds_says_nothing() {
    let starts = sounds().into_iter().filter(|s| s.phase == Phase::Start);
    for start in starts {
        let at = start.mono_ns as f64 * 1e-9;
        // A window of sound is 1.7 s long, so its centre may lie a little before the sound.
        let sounding = [0.5..5.0, 5.5..8.6, 9.0..16.0, 18.5..21.9, 22.5..27.2];
        assert!(sounding.iter().any(|span| span.contains(&at)), "{start:?}");
    }
}

#[test]
fn every_track_starts_once_and_ends_once_and_numbers_have_no_gap() {
    let sounds = sounds();
    for (k, sound) in sounds.iter().enumerate() {
        assert_eq!(sound.seq, sounds[0].seq + k as u64);
    }
    let mut tracks: Vec<u64> = sounds.iter().map(|s| s.track).collect();
    tracks.sort_unstable();
    tracks.dedup();
    for track in tracks {
        let phases: Vec<Phase> =
            sounds.iter().filter(|s| s.track == track).map(|s| s.phase).collect();
        assert_eq!(phases.iter().filter(|p| **p == Phase::Start).count(), 1);
        assert_eq!(phases.first(), Some(&Phase::Start));
        assert_eq!(phases.iter().filter(|p| **p == Phase::End).count(), 1);
        assert_eq!(phases.last(), Some(&Phase::End));
    }
}
