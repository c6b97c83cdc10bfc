//! `tyto check` as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

fn tyto(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tyto")).arg("check").args(args).output().unwrap()
}

fn tiny() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/tiny");
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn fails(output: &Output, code: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{said:?} lacks one of {parts:?}");
}

#[test]
fn what_is_in_order_is_said_a_line_each() {
    let output = tyto(&["--board", "generic", "--model", &tiny()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    let begins = |start: &str| lines.iter().any(|line| line.starts_with(start));
    for start in [
        "configuration    ",
        "board profile    generic",
        "model pack       tiny 0.1.0",
        "checksums        all files",
        "labels           5, from 5 tags, in 5 dimensions",
        "engine           ",
        "picture encoder  64×48 pixels to 8×6 places, ",
        "sound encoder    ",
    ] {
        assert!(begins(start), "no line begins with {start:?}:\n{said}");
    }
    assert!(said.trim_end().ends_with("ms, tract"));
}

#[test]
fn the_findings_are_one_json_object_on_request() {
    let output = tyto(&["--board", "generic", "--model", &tiny(), "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["model"], &found["labels"]), (&"tiny 0.1.0".into(), &5.into()));
    assert!(found["picture_ms"].as_f64().unwrap() > 0.0);
    assert!(found["sound_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_fault_ends_the_check_with_the_code_of_its_kind_after_what_was_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(tiny()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    std::fs::write(dir.path().join("audio.onnx"), "damaged").unwrap();
    let output = tyto(&["--board", "generic", "--model", dir.path().to_str().unwrap()]);
    fails(&output, 5, &["audio.onnx", "SHA-256"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("board profile"));

    let config = dir.path().join("tyto.toml");
    std::fs::write(&config, "[perception]\nhopp_s = 1\n").unwrap();
    let output = tyto(&["--config", config.to_str().unwrap(), "--model", &tiny()]);
    fails(&output, 3, &["tyto.toml:2", "hopp_s"]);
    fails(&tyto(&["--board", "no-such-board", "--model", &tiny()]), 3, &["no-such-board"]);
    fails(&tyto(&["--model", "no-such-pack"]), 5, &["no-such-pack"]);
}

#[test]
fn a_camera_that_is_none_is_named_with_what_to_do_and_the_code_of_devices() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tyto.toml");
    for (device, parts) in [
        ("/dev/null", ["camera /dev/null: is not a camera", "tyto check --devices"]),
        ("/dev/no-such-camera", ["camera /dev/no-such-camera: is not there", "plug it in"]),
        ("No Such Camera", ["camera `No Such Camera`: is not there", "there "]),
    ] {
        std::fs::write(&config, format!("[camera]\ndevice = \"{device}\"\n")).unwrap();
        let output = tyto(&["--devices", "--config", config.to_str().unwrap()]);
        fails(&output, 6, &parts);
    }
    let output = tyto(&["--devices", "--json", "--config", config.to_str().unwrap()]);
    fails(&output, 6, &["No Such Camera"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["cameras"].is_array());
    assert!(found["camera"]["error"].as_str().unwrap().contains("No Such Camera"));
}
