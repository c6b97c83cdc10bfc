//! Microphones through the real libasound. There is no sound card in most places where tests
//! run, but libasound's own plugins make PCMs that need none.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with an ALSA configuration of its own, and a sound of four channels.
struct Bench(TempDir);

const CHANNELS: usize = 4;
/// What each channel of the sound peaks at.
const PEAKS: [f64; CHANNELS] = [0.01, 0.02, 0.5, 0.0];

impl Bench {
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        let sample = |n: usize, channel: usize| {
            let sign = if n % 100 < 50 { 1.0 } else { -1.0 };
            ((sign * PEAKS[channel] * 32_768.0) as i16).to_ne_bytes()
        };
        let sound: Vec<u8> = (0..48_000)
            .flat_map(|n| (0..CHANNELS).flat_map(move |channel| sample(n, channel)))
            .collect();
        std::fs::write(bench.path("sound.raw"), sound).unwrap();
        let configuration = format!(
            r#"
            <confdir:alsa.conf>
            pcm.array {{
                type file
                slave.pcm null
                file /dev/null
                infile "{}"
                format raw
            }}
            pcm.pair {{
                type multi
                slaves.a {{ pcm null channels 2 }}
                bindings {{ 0 {{ slave a channel 0 }} 1 {{ slave a channel 1 }} }}
            }}
            pcm.telephone {{
                type mulaw
                slave {{ pcm null format S16_LE }}
            }}
            "#,
            bench.path("sound.raw")
        );
        std::fs::write(bench.path("asound.conf"), configuration).unwrap();
        bench
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// `tyto` with this `[microphone]` section.
    fn tyto(&self, section: &str, args: &[&str]) -> Output {
        std::fs::write(self.path("tyto.toml"), format!("[microphone]\n{section}\n")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_tyto"))
            .args(args)
            .args(["--config", &self.path("tyto.toml")])
            .current_dir(self.0.path())
            .env("ALSA_CONFIG_PATH", self.path("asound.conf"))
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .output()
            .unwrap()
    }

    fn tap(&self, section: &str) -> Output {
        self.tyto(section, &["check", "--tap", "--seconds", "0.5", "--json"])
    }
}

#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, parts: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{said:?} lacks one of {parts:?}");
}

fn there_are_cards() -> bool {
    Path::new("/proc/asound/card0").exists()
}

#[test]
fn tapping_shows_the_level_of_every_channel_and_which_is_the_loudest() {
    let output = Bench::new().tap("device = \"array\"\nchannels = 4\nrate = 48000");
    let lines = lines(&output);
    let (sum, readings) = lines.split_last().unwrap();
    assert_eq!(readings.len(), 5);
    for reading in readings {
        for (channel, peak) in PEAKS.iter().enumerate() {
            // A square wave is as loud as its peak.
            let expected = (20.0 * peak.log10()).max(-144.0);
            for key in ["levels_dbfs", "peaks_dbfs"] {
                let level = reading[key][channel].as_f64().unwrap();
                assert!((level - expected).abs() < 0.11, "{key} {channel}: {level} {expected}");
            }
        }
        assert_eq!(reading["loudest"], 2);
    }
    assert_eq!(sum["loudest"], 2);
    assert!((sum["seconds"].as_f64().unwrap() - 0.5).abs() < 0.03);
}

#[test]
fn without_a_terminal_the_levels_are_lines_for_people() {
    let bench = Bench::new();
    let section = "device = \"array\"\nchannels = 4";
    let output = bench.tyto(section, &["check", "--tap", "--seconds", "0.5"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("microphone array: S16_LE, 48000/s, 4 channels"), "{text}");
    assert!(text.contains("2: -6.0") && text.contains("  loudest 2\n"), "{text}");
    assert!(text.ends_with("channel 2 was the loudest: -6.0 dBFS\n"), "{text}");
}

#[test]
fn a_device_with_fewer_channels_than_wanted_is_taken_with_those_it_has() {
    let output = Bench::new().tap("device = \"pair\"\nchannels = 4");
    assert_eq!(lines(&output)[0]["levels_dbfs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_device_that_does_not_exist_is_refused_in_one_line() {
    let bench = Bench::new();
    for device in ["nothing", "hw:CARD=Nothing", "CARD=Nothing,DEV=1"] {
        let output = bench.tap(&format!("device = {device:?}"));
        refused(&output, &[&format!("microphone {device}: "), "there"]);
    }
    if !there_are_cards() {
        let output = bench.tap("");
        refused(&output, &["microphone default: is not there", "arecord -l"]);
    }
}

#[test]
fn a_device_without_a_format_of_ours_says_what_it_offers() {
    let output = Bench::new().tap("device = \"telephone\"");
    refused(
        &output,
        &[
            "microphone telephone: refuses S16_LE, S24_3LE, S24_LE, S32_LE, FLOAT_LE",
            "it offers MU_LAW",
            "plughw:",
        ],
    );
}

#[test]
fn calibration_without_a_clip_opens_the_devices() {
    let bench = Bench::new();
    if !Path::new("/dev/video0").exists() {
        let output = bench.tyto("device = \"array\"", &["calibrate", "--clap"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(said.contains("camera"), "{said}");
    }
}
