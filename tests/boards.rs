//! The board profiles that ship, and what a user meets who names one.

use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Name and text of every profile in `board/`.
fn profiles() -> Vec<(String, String)> {
    let mut profiles = Vec::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join("board")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            profiles.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(profiles.len() >= 8, "only {} profiles", profiles.len());
    profiles
}

fn tyto(args: &[&str]) -> Output {
    // The tiny pack: its engine is the same, and it is quick to load.
    let command = [&["check", "--model", "tests/packs/tiny"], args].concat();
    Command::new(env!("CARGO_BIN_EXE_tyto")).current_dir(ROOT).args(command).output().unwrap()
}

/// The parser refuses a key that no code reads, and `check` opens the engine that is named.
#[test]
fn every_profile_can_be_checked_on_any_machine() {
    for (name, _) in profiles() {
        let output = tyto(&["--board", &name, "--json"]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {complaint}");
        // The tiny pack has nets for tract alone.
        let fell_back = |line: &str| line.contains("tract computes instead of tflite");
        assert!(complaint.lines().all(fell_back), "{name}: {complaint}");
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["board"], name.as_str());
    }
}

#[test]
fn a_value_that_no_code_knows_is_refused_with_file_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    let shipped = std::fs::read_to_string(Path::new(ROOT).join("board/rpi5.toml")).unwrap();
    for (old, new, key) in [
        ("name = \"auto\"", "name = \"abacus\"", "engine.name"),
        ("hfov_deg = 60.0", "hfov_deg = 60.0\nformat = \"bayer\"", "camera.format"),
        ("channels = 1", "channels = 1\nchanels = 2", "microphone.chanels"),
        ("[engine]", "[array]\nspacing_m = 0.05\n[engine]", "array"),
    ] {
        let text = shipped.replacen(old, new, 1);
        assert_ne!(text, shipped, "the profile has no {old}");
        std::fs::write(&file, text).unwrap();
        let output = tyto(&["--board", file.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("mine.toml:") && said.contains(key), "{key}: {said}");
    }
}

/// The lines with a value that no comment stands above, with no blank line between.
fn unreasoned(text: &str) -> Vec<&str> {
    let mut reason = false;
    let mut bare = Vec::new();
    for line in text.lines().map(str::trim) {
        match line.chars().next() {
            Some('#') => reason = line.trim_start_matches(['#', ' ']).len() > 10,
            None | Some('[') => reason = false,
            Some(_) if !reason => bare.push(line),
            Some(_) => {}
        }
    }
    bare
}

#[test]
fn every_line_of_a_profile_has_its_reason() {
    for (name, text) in profiles() {
        assert_eq!(unreasoned(&text), Vec::<&str>::new(), "{name}");
        // Nor does a reason that is taken away go unnoticed.
        let bare: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(unreasoned(&bare.join("\n")).len() > 5);
    }
}

#[test]
fn every_profile_but_the_generic_one_knows_its_machine_and_its_page() {
    let guide = std::fs::read_to_string(Path::new(ROOT).join("docs/devices.md")).unwrap();
    for (name, text) in profiles() {
        assert_eq!(text.contains("\nmachines = ["), name != "generic", "{name}");
        assert!(guide.contains(&format!("`{name}`")), "docs/devices.md does not tell of {name}");
    }
}

#[test]
fn an_unknown_board_is_refused_with_those_there_are_and_the_one_that_always_will_do() {
    for command in ["check", "run"] {
        let output = Command::new(env!("CARGO_BIN_EXE_tyto"))
            .current_dir(ROOT)
            .args([command, "--board", "rpi6"])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        for part in ["rpi6: no such board profile", "did you mean `rpi", "starts with `generic`"] {
            assert!(said.contains(part), "{command}: {said:?} lacks {part:?}");
        }
    }
}

#[test]
fn generic_is_there_where_no_profile_is() {
    let empty = tempfile::tempdir().unwrap();
    let pack = Path::new(ROOT).join("tests/packs/tiny");
    let output = Command::new(env!("CARGO_BIN_EXE_tyto"))
        .current_dir(empty.path())
        .args(["check", "--board", "generic", "--model", pack.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(said.contains("board profile    generic ("), "{said}");
}
