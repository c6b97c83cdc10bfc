//! `tyto replay` as a user runs it, with the shipped pack and clip folders made here.

use std::path::Path;
use std::process::{Command, Output};

/// A clip of one shipped picture and the sound that belongs to it.
fn clip(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips");
    for ending in ["jpg", "wav"] {
        let file = format!("{name}.{ending}");
        std::fs::copy(clips.join(&file), dir.path().join(&file)).unwrap();
    }
    dir
}

fn tyto(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tyto"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_LOG").args(args);
    command.output().unwrap()
}

fn replay(clip: &Path, options: &[&str]) -> Output {
    let mut args = vec!["replay", clip.to_str().unwrap()];
    args.extend(options);
    tyto(&args)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn fast_replay_gives_the_same_bytes_each_time_and_each_start_its_end() {
    let clip = clip("dog");
    let first = replay(clip.path(), &["--fast", "--json"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let again = replay(clip.path(), &["--fast", "--json"]);
    assert_eq!(text(&first.stdout), text(&again.stdout));

    let events: Vec<serde_json::Value> =
        text(&first.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tracks = |phase: &str| -> Vec<u64> {
        let of_phase = events.iter().filter(|event| event["phase"] == phase);
        let mut tracks: Vec<u64> = of_phase.map(|e| e["track"].as_u64().unwrap()).collect();
        tracks.sort_unstable();
        tracks
    };
    assert!(!tracks("start").is_empty(), "a dog that barks was not heard");
    assert_eq!(tracks("start"), tracks("end"));
    for event in &events {
        assert_eq!(event["type"], "sound");
        assert_eq!(event["latency_ms"], 0.0);
        assert!(event["time"].as_str().unwrap().starts_with("1970-01-01T00:00:"));
        assert!(event.get("map").is_none());
    }
}

#[test]
fn without_json_the_lines_are_for_people() {
    let output = replay(clip("dog").path(), &["--fast", "--hfov", "90"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(line.contains(" s  ") && line.contains("  #"), "{line}");
        assert!(line.contains('°') || line.ends_with("out of view"), "{line}");
    }
}

#[test]
fn the_overlay_has_a_picture_for_each_of_the_clip_s() {
    let clip = clip("dog");
    let out = tempfile::tempdir().unwrap();
    let drawn = out.path().join("drawn");
    let output = replay(clip.path(), &["--fast", "--overlay", drawn.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The one picture stands for the whole sound and is given five times a second at least.
    let recording = tyto::capture::Recording::read(&clip.path().join("dog.wav")).unwrap();
    let least = (recording.duration().as_secs_f64() * 5.0) as usize;
    assert!(std::fs::read_dir(drawn).unwrap().count() >= least);
}

#[test]
fn what_cannot_be_replayed_ends_with_its_exit_code_and_name() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.mp4");
    std::fs::write(&empty, b"").unwrap();
    for (path, code) in [(empty.as_path(), 4), (dir.path(), 4), (Path::new("nowhere.mp4"), 4)] {
        let output = replay(path, &["--fast"]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(path.to_str().unwrap()), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
    let output = replay(clip("dog").path(), &["--fast", "--hfov", "180"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let output = replay(clip("dog").path(), &["--fast", "--model", "/nowhere"]);
    assert!([3, 5].contains(&output.status.code().unwrap()), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("/nowhere"), "{}", text(&output.stderr));
}
