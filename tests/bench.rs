//! `tyto bench` on the tiny pack: what it tells, and what it makes of another run.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// `tyto bench` at the repository's root on the tiny pack.
fn bench(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_tyto"));
    command.current_dir(root).args(["-q", "bench", "--model", "tests/packs/tiny", "--looks", "10"]);
    command.args(args).env_remove("RUST_LOG").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_part_of_a_look_is_measured_and_a_run_compares_with_itself() {
    let first = bench(&["--json", "tests/clips/farm.mp4"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(report["model"], "tiny 0.1.0");
    let tract = report["engines"].as_array().unwrap().iter().find(|e| e["engine"] == "tract");
    let parts = tract.unwrap()["parts"].as_array().unwrap();
    let part = |name: &str| {
        let found = parts.iter().find(|part| part["part"] == name);
        found.unwrap_or_else(|| panic!("no {name:?} in {report}"))
    };
    for name in [
        "decode (MJPEG)",
        "colour (YUYV)",
        "resample",
        "front end",
        "resize",
        "picture encoder",
        "sound encoder",
        "align",
        "track",
        "publish",
        "whole look",
        "silent look",
    ] {
        assert!(part(name)["ms"]["p50"].as_f64() > Some(0.0), "{name}");
        assert!(part(name)["ms"]["p99"].as_f64() >= part(name)["ms"]["p50"].as_f64(), "{name}");
    }
    // tract makes its tensors anew for each run, and the counter must see that.
    assert!(part("picture encoder")["calls"].as_f64() > Some(1.0));
    assert!(part("whole look")["ms"]["p50"].as_f64() > part("both encoders")["ms"]["p50"].as_f64());

    let folder = tempfile::tempdir().unwrap();
    let earlier = folder.path().join("earlier.json");
    std::fs::write(&earlier, &first.stdout).unwrap();
    let second = bench(&["--compare", earlier.to_str().unwrap()]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    let table = text(&second.stdout);
    assert!(table.contains("p50 ms") && table.contains("against ") && table.contains(" to "));
    assert!(table.contains("another material: "), "{table}");
}

#[test]
fn what_is_no_report_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.json");
    std::fs::write(&wrong, "{}").unwrap();
    let output = bench(&["--compare", wrong.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    let error = text(&output.stderr);
    assert!(error.contains("wrong.json") && error.contains("tyto bench --json"), "{error}");
    assert_eq!(output.stdout, b"");
}
