//! The paper's own pair, two ResNet-18, as a pack: seeded random weights at a sixteenth of its
//! width in the authors' layout, converted by `models/recipe/paper.py`, against PyTorch's map
//! (`models/recipe/paper_proof.py --small` writes both; `make paper-pair` does it at full width).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tyto::capture::{Picture, Recording};

const PACK: &str = "tests/packs/paper";
const RATE: u32 = 16_000;

/// Runs `tyto` with the pack; what it prints.
fn tyto(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tyto"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .args(["--model", PACK])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// One of 256 values from each index, as `paper_proof.py` draws them.
fn noise(index: u32) -> i64 {
    let mixed = index.wrapping_mul(2_654_435_761);
    let mixed = mixed ^ (mixed >> 15);
    i64::from(mixed.wrapping_mul(2_246_822_519) >> 24)
}

/// The picture of `paper_proof.py`.
fn picture() -> Picture {
    let (width, height) = (320, 240);
    let value = |x: i64, y: i64, c: i64| {
        let rings = (x - 160).pow(2) + (y - 190).pow(2);
        if rings < 2000 {
            (rings / 4 * (c + 1)) & 255
        } else if x / 80 == 3 && y < 120 {
            if (x / 5 + c) % 2 == 0 { 225 } else { 20 }
        } else if x / 40 == 1 && y / 60 == 1 {
            40 + 80 * c
        } else {
            let index = ((y * width + x) * 3 + c) as u32;
            (x * 120 / width + y * 80 / height + noise(index) / 6) & 255
        }
    };
    let at = |i: i64| value(i / 3 % width, i / 3 / width, i % 3) as u8;
    let rgb = (0..width * height * 3).map(at).collect();
    Picture { width: width as u32, height: height as u32, rgb }
}

/// The sound of `paper_proof.py`, 3 s.
fn sound() -> impl Iterator<Item = i16> {
    (0..48_000_i64).map(|n| {
        let low = (n * 7 % 512 - 256).abs() - 128;
        let high = (n * 61 % 512 - 256).abs() - 128;
        let beat = (n / 2000) % 3;
        (low * 60 + high * 40 * beat + (noise(n as u32) - 128) * 12) as i16
    })
}

fn files(dir: &Path) -> (PathBuf, PathBuf) {
    let (image, audio) = (dir.join("picture.png"), dir.join("sound.wav"));
    picture().write_png(&image).unwrap();
    wav(&audio, sound());
    (image, audio)
}

fn wav(path: &Path, samples: impl Iterator<Item = i16>) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.for_each(|sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
}

fn rows(map: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(map.clone()).unwrap()
}

/// At most 1e-3 of cosine, through the whole program: files, front ends, nets, similarity.
#[test]
fn the_map_is_pytorch_s() {
    let dir = tempfile::tempdir().unwrap();
    let (image, audio) = files(dir.path());
    let (image, audio) = (image.to_str().unwrap(), audio.to_str().unwrap());
    let found: Value = serde_json::from_str(&tyto(&["locate", image, audio, "--map"])).unwrap();
    let ours = rows(&found["sources"][0]["map"]);
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/paper_map.json");
    let theirs = rows(&serde_json::from_slice(&std::fs::read(reference).unwrap()).unwrap());
    assert_eq!((ours.len(), theirs.len()), (14, 14));
    let pairs = || ours.iter().flatten().zip(theirs.iter().flatten());
    assert_eq!(pairs().count(), 14 * 14);
    let error = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let (least, most) =
        pairs().fold((1.0, -1.0_f64), |(l, m), (_, b)| (f64::min(l, *b), m.max(*b)));
    println!("cosines {least:.3} to {most:.3}, largest difference {error:.1e}");
    assert!(most - least > 0.2, "a map without relief proves nothing");
    assert!(error <= 1e-3, "{error}");

    let source = &found["sources"][0];
    assert_eq!(found["sources"].as_array().unwrap().len(), 1);
    assert_eq!((&source["label"], &source["on_screen"]), (&"sound".into(), &true.into()));
    assert!(source["azimuth_deg"].is_number());
}

/// A look needs 3 s of sound, so that the centre of the first lies 1.5 s from the beginning.
#[test]
fn a_replay_follows_sounds_that_have_no_name() {
    let dir = tempfile::tempdir().unwrap();
    let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips");
    std::fs::copy(clips.join("dog.jpg"), dir.path().join("dog.jpg")).unwrap();
    let dog = Recording::read(&clips.join("dog.wav")).unwrap();
    let barks = dog.samples.repeat(2);
    wav(&dir.path().join("dog.wav"), barks.iter().map(|sample| (sample * 32767.0) as i16));
    let lines = tyto(&["replay", dir.path().to_str().unwrap(), "--fast", "--json"]);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sounds: Vec<Value> = lines.filter(|line| line["type"] == "sound").collect();
    let count = |phase: &str| sounds.iter().filter(|sound| sound["phase"] == phase).count();
    assert!(count("start") >= 1 && count("start") == count("end"), "{sounds:?}");
    assert!(sounds.iter().all(|sound| sound["label"] == "sound"));
    assert!(sounds.iter().all(|sound| sound["label_score"] == 1.0));
    assert!(sounds[0]["mono_ns"].as_u64().unwrap() >= 1_500_000_000, "{}", sounds[0]);
    for sound in &sounds {
        assert_eq!(sound["azimuth_deg"].is_number(), sound["on_screen"] == true, "{sound}");
    }
}

#[test]
fn check_says_what_the_pair_listens_to_and_that_it_knows_no_names() {
    let said = tyto(&["check"]);
    for part in ["none, every source is a \"sound\"", "3 s of spectrogram (257×299)", "14×14"] {
        assert!(said.contains(part), "{said}");
    }
}
