//! `tyto calibrate` on clips whose pictures and sound are apart by a known time.

use std::path::Path;
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;

const RATE: u32 = 16_000;

/// A folder of pictures and one sound: flashes at these times (seconds), shown by the first
/// picture at or after them, and clicks `delay` seconds before.
fn clip(dir: &Path, fps: f64, seconds: f64, flashes: &[f64], delay: f64) {
    std::fs::write(dir.join("clip.toml"), format!("rate = {fps:?}\n")).unwrap();
    let count = (seconds * fps) as usize;
    for index in 0..count {
        let at = index as f64 / fps;
        let lit = flashes.iter().any(|flash| (0.0..2.0 / fps).contains(&(at - flash)));
        let grey = if lit { 230 } else { 60 };
        let picture = RgbImage::from_pixel(64, 48, Rgb([grey; 3]));
        picture.save(dir.join(format!("{index:05}.png"))).unwrap();
    }
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(dir.join("sound.wav"), spec).unwrap();
    let mut seed = 1_u32;
    for n in 0..(seconds * f64::from(RATE)) as usize {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 8) / f64::from(1 << 23) - 1.0;
        let at = n as f64 / f64::from(RATE);
        let since =
            flashes.iter().map(|flash| at - (flash - delay)).find(|t| (0.0..0.2).contains(t));
        let loud = since.map_or(0.0, |since| 0.7 * (-since / 0.01).exp());
        wav.write_sample(((0.003 + loud) * noise * 32_767.0) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

fn calibrate(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tyto"))
        .args(["calibrate", "--clap", "--source", &format!("clip:{}", dir.display())])
        .args(args)
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM")
        .output()
        .unwrap()
}

/// Flashes about a second apart, at any phase of the pictures.
const FLASHES: [f64; 6] = [1.013, 2.031, 2.977, 4.02, 5.008, 6.041];

#[test]
fn a_known_offset_is_measured_to_half_a_picture() {
    let fps = 25.0;
    for offset_ms in [-80.0, 0.0, 120.0] {
        let dir = tempfile::tempdir().unwrap();
        clip(dir.path(), fps, 7.5, &FLASHES, offset_ms * 1e-3);
        let output = calibrate(dir.path(), &["--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let delay = found["delay_ms"].as_f64().unwrap();
        assert!((delay - offset_ms).abs() <= 500.0 / fps, "{offset_ms}: {found}");
        assert_eq!(found["matched"], 6, "{found}");
        let key = if delay < 0.0 { "microphone.delay_ms" } else { "camera.delay_ms" };
        assert_eq!(found["key"], key);
    }
}

#[test]
fn flashes_in_step_with_the_pictures_are_measured_exactly_and_the_line_for_the_file_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 20.0, 5.5, &[1.0, 2.0, 3.0, 4.0, 5.0], 0.12);
    let output = calibrate(dir.path(), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("tyto.toml  "));
    let (key, value) = line.unwrap().split_once(" = ").unwrap();
    assert_eq!(key, "camera.delay_ms");
    assert!((value.parse::<f64>().unwrap() - 120.0).abs() <= 2.0, "{text}");
    assert!(text.starts_with("claps      5 heard, 5 seen, 5 of them agree\n"), "{text}");
}

#[test]
fn too_few_claps_are_refused_with_what_was_heard_and_seen() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 20.0, 3.0, &[1.0, 2.0], 0.1);
    let output = calibrate(dir.path(), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("2 sudden sounds, 2 changes seen"), "{said}");
    assert!(said.contains("3 are needed") && said.contains("a second apart"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn claps_that_do_not_agree_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 20.0, 7.5, &FLASHES, 0.0);
    // The sound of other claps.
    let other = tempfile::tempdir().unwrap();
    clip(other.path(), 20.0, 7.5, &[0.9, 2.15, 2.8, 4.2, 5.4, 5.8], 0.0);
    std::fs::copy(other.path().join("sound.wav"), dir.path().join("sound.wav")).unwrap();
    let output = calibrate(dir.path(), &["--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("nothing was measured (6 sudden sounds, 6 changes seen)"), "{said}");
    assert!(output.stdout.is_empty());
}
