//! `tyto locate` as a user runs it, with a pack whose answers are known: low tones are red,
//! middle ones green, high ones blue.

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use tyto::capture::Picture;

const GREY: [u8; 3] = [127; 3];
const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

fn tyto(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tyto"))
        .arg("locate")
        .args(args)
        .arg("--model")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/tiny"))
        .output()
        .unwrap()
}

#[track_caller]
fn found(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn fails(output: &Output, code: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{said:?} lacks one of {parts:?}");
    assert!(!said.contains("panicked"), "{said}");
}

/// Pictures of 320 × 240 and sounds of 2 s in a folder of their own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Grey, with squares of 80 pixels of the given colours, their corners in units of 80.
    fn picture(&self, name: &str, squares: &[([u8; 3], usize, usize)]) -> String {
        let pixel = |i: usize| {
            let (x, y) = (i % 320 / 80, i / 320 / 80);
            squares.iter().find(|(_, left, top)| (*left, *top) == (x, y)).map_or(GREY, |s| s.0)
        };
        let rgb = (0..320 * 240).flat_map(pixel).collect();
        let path = self.path(name);
        Picture { width: 320, height: 240, rgb }.write_png(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Tones of the given frequencies (Hz) and amplitudes, 44.1 kHz, 16 bits, two channels.
    fn sound(&self, name: &str, tones: &[(f32, f32)]) -> String {
        let path = self.path(name);
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..88_200u32 {
            let value: f32 = tones
                .iter()
                .map(|(hz, amplitude)| amplitude * (TAU * hz * n as f32 / 44_100.0).sin())
                .sum();
            for _ in 0..2 {
                wav.write_sample((value * 32_000.0) as i16).unwrap();
            }
        }
        wav.finalize().unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn a_tone_is_found_where_its_colour_is() {
    let folder = Folder::new();
    let picture = folder.picture("p.png", &[(RED, 0, 1), (BLUE, 3, 1)]);
    let low = found(&tyto(&[&picture, &folder.sound("low.wav", &[(400.0, 0.5)])]));
    let high = found(&tyto(&[&picture, &folder.sound("high.wav", &[(5000.0, 0.5)])]));

    assert_eq!(low["model"], "tiny 0.1.0");
    let (low, high) = (&low["sources"][0], &high["sources"][0]);
    assert_eq!((&low["label"], &low["on_screen"]), (&"Red".into(), &true.into()));
    assert_eq!((&high["label"], &high["on_screen"]), (&"Blue".into(), &true.into()));
    // Left is positive. The squares begin 0.25 from the middle, which is 16.1° (tan rule), and
    // end at the edge, 30°.
    let azimuth = |source: &Value| source["azimuth_deg"].as_f64().unwrap();
    assert!((16.1..30.0).contains(&azimuth(low)), "{low}");
    assert!((-30.0..-16.1).contains(&azimuth(high)), "{high}");
    // The box holds the square, and is at most one place of the 8 × 6 larger on each side.
    let inner = [0.0, 1.0 / 3.0, 0.25, 2.0 / 3.0];
    let extent: [f64; 4] = serde_json::from_value(low["box"].clone()).unwrap();
    for (side, reach) in [(0, -0.125), (1, -1.0 / 6.0), (2, 0.125), (3, 1.0 / 6.0)] {
        let beyond = (extent[side] - inner[side]) / reach;
        assert!((-1e-3..=1.001).contains(&beyond), "side {side} of {low}");
    }
    assert!(low.get("map").is_none());
}

#[test]
fn two_tones_at_once_are_two_sources() {
    let folder = Folder::new();
    let picture = folder.picture("p.png", &[(RED, 0, 0), (BLUE, 3, 2)]);
    let sound = folder.sound("both.wav", &[(400.0, 0.4), (5000.0, 0.4)]);
    let found = found(&tyto(&[&picture, &sound, "--map"]));
    let mut labels: Vec<&str> =
        found["sources"].as_array().unwrap().iter().map(|s| s["label"].as_str().unwrap()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["Blue", "Red"]);
    for source in found["sources"].as_array().unwrap() {
        let map: Vec<Vec<f64>> = serde_json::from_value(source["map"].clone()).unwrap();
        assert_eq!((map.len(), map[0].len()), (6, 8));
    }
}

#[test]
fn what_is_out_of_view_has_no_direction_and_silence_no_source() {
    let folder = Folder::new();
    let picture = folder.picture("p.png", &[(RED, 1, 1)]);
    let high = found(&tyto(&[&picture, &folder.sound("high.wav", &[(5000.0, 0.5)])]));
    let source = &high["sources"][0];
    assert_eq!((&source["label"], &source["on_screen"]), (&"Blue".into(), &false.into()));
    for key in ["azimuth_deg", "elevation_deg", "spread_deg", "peak", "box"] {
        assert!(source.get(key).is_none(), "{key} in {source}");
    }
    let silence = found(&tyto(&[&picture, &folder.sound("silence.wav", &[])]));
    assert_eq!(silence["sources"], Value::Array(Vec::new()));
    assert_eq!(silence["level_dbfs"], -120.0);
}

#[test]
fn the_overlay_is_a_picture_of_the_same_size_with_something_drawn_on_it() {
    let folder = Folder::new();
    let picture = folder.picture("p.png", &[(RED, 0, 1)]);
    let drawn = folder.path("o.png");
    let sound = folder.sound("low.wav", &[(400.0, 0.5)]);
    found(&tyto(&[&picture, &sound, "--overlay", drawn.to_str().unwrap()]));
    let (before, after) =
        (Picture::read(Path::new(&picture)).unwrap(), Picture::read(&drawn).unwrap());
    assert_eq!((after.width, after.height), (320, 240));
    assert_ne!(before.rgb, after.rgb);

    let nowhere = folder.path("no/such/folder/o.png");
    let output = tyto(&[&picture, &sound, "--overlay", nowhere.to_str().unwrap()]);
    fails(&output, 1, &["no/such/folder/o.png"]);
}

#[test]
fn a_wider_lens_turns_the_bearing_further() {
    let folder = Folder::new();
    let picture = folder.picture("p.png", &[(RED, 0, 1)]);
    let sound = folder.sound("low.wav", &[(400.0, 0.5)]);
    let azimuth = |hfov: &str| {
        found(&tyto(&[&picture, &sound, "--hfov", hfov]))["sources"][0]["azimuth_deg"]
            .as_f64()
            .unwrap()
    };
    assert!(azimuth("120") > 1.5 * azimuth("60"));
    fails(&tyto(&[&picture, &sound, "--hfov", "400"]), 3, &["400"]);
}

#[test]
fn a_manifest_is_answered_row_by_row_and_its_bad_rows_are_told() {
    let folder = Folder::new();
    folder.picture("p.png", &[(RED, 0, 1), (BLUE, 3, 1)]);
    folder.sound("low.wav", &[(400.0, 0.5)]);
    folder.sound("high.wav", &[(5000.0, 0.5)]);
    folder.sound("silence.wav", &[]);
    folder.file("text.wav", "this is no sound");
    let manifest = folder.file(
        "m.jsonl",
        r#"{"id":"a","image":"p.png","audio":"high.wav","class":"blue","boxes":[]}
{"id":"b","image":"p.png","audio":"gone.wav"}
{"image":"p.png","audio":"low.wav"}

{"id":"c","image":"p.png","audio":"low.wav"}
{"id":"d","image":"p.png","audio":"text.wav"}
{"id":"e","image":"p.png","audio":"silence.wav"}
{"id":"f","image":"p.png","audio":"high.wav"}
"#,
    );
    let out = folder.path("pred.jsonl");
    let output = tyto(&["--manifest", &manifest, "--out", out.to_str().unwrap()]);
    fails(
        &output,
        4,
        &[
            "m.jsonl:2: ",
            "gone.wav",
            "m.jsonl:3: ",
            "`id`",
            "m.jsonl:6: ",
            "text.wav",
            "3 of 7 rows",
        ],
    );

    let text = std::fs::read_to_string(&out).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "c", "e", "f"]);
    assert_eq!((&rows[0]["label"], &rows[1]["label"]), (&"Blue".into(), &"Red".into()));
    assert_eq!((&rows[0]["on_screen"], &rows[2]["on_screen"]), (&true.into(), &false.into()));
    assert_eq!((&rows[2]["confidence"], &rows[2]["label"]), (&0.0.into(), &Value::Null));
    assert_eq!(rows[0]["map"], rows[3]["map"]);
    for row in &rows {
        let map: Vec<Vec<f64>> = serde_json::from_value(row["map"].clone()).unwrap();
        assert_eq!((map.len(), map[0].len()), (6, 8));
        assert!(row["peak"][0].is_f64() && row["box"][3].is_f64());
    }
}

#[test]
fn a_manifest_can_be_answered_on_standard_output() {
    let folder = Folder::new();
    folder.picture("p.png", &[(RED, 0, 1)]);
    folder.sound("low.wav", &[(400.0, 0.5)]);
    let manifest = folder.file("m.jsonl", r#"{"id":"a","image":"p.png","audio":"low.wav"}"#);
    assert_eq!(found(&tyto(&["--manifest", &manifest, "--out", "-"]))["id"], "a");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    let picture = folder.picture("p.png", &[]);
    let sound = folder.sound("s.wav", &[(400.0, 0.5)]);
    let (text, empty) = (folder.file("text.txt", "hello"), folder.file("empty", ""));
    fails(&tyto(&["gone.png", &sound]), 4, &["gone.png"]);
    fails(&tyto(&[&picture, "gone.wav"]), 4, &["gone.wav"]);
    for bad in [&text, &empty] {
        fails(&tyto(&[bad, &sound]), 4, &[bad]);
        fails(&tyto(&[&picture, bad]), 4, &[bad]);
    }
    fails(&tyto(&["--manifest", "gone.jsonl"]), 4, &["gone.jsonl"]);
    let manifest = folder.file("m.jsonl", "");
    fails(
        &tyto(&["--manifest", &manifest, "--out", "/no/such/folder/x"]),
        1,
        &["/no/such/folder/x"],
    );
    fails(&tyto(&[&picture]), 2, &["AUDIO"]);
    fails(&tyto(&[]), 2, &["IMAGE"]);
}

#[test]
fn a_picture_of_one_pixel_is_looked_at_like_any_other() {
    let folder = Folder::new();
    let path = folder.path("one.png");
    Picture { width: 1, height: 1, rgb: RED.to_vec() }.write_png(&path).unwrap();
    let sound = folder.sound("low.wav", &[(400.0, 0.5)]);
    let found = found(&tyto(&[path.to_str().unwrap(), &sound]));
    assert_eq!(found["sources"][0]["label"], "Red");
}
