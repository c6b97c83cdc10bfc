//! The board profile: what one make of board sees and hears with, and what it computes on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::check::{named, within};
use super::document::{self, Document, suggest};
use super::engine::EngineChoice;
use crate::error::{Error, Kind, Result};

/// The profile that is always there, in the program itself.
const GENERIC: &str = include_str!("../../board/generic.toml");

/// One board, as `board/NAME.toml` describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Its name: the file's, without `.toml`; sent to subscribers in `hello`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// What the kernel's name of such a machine holds, each enough by itself: see
    /// [`Board::machine`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
    /// The camera and its optics.
    pub camera: Camera,
    /// How the camera is mounted on the machine that carries it.
    #[serde(default)]
    pub mount: Mount,
    /// The microphone.
    pub microphone: Microphone,
    /// What runs the encoders.
    #[serde(default)]
    pub engine: EngineChoice,
}

/// How the camera is turned against the machine that carries it, axes after REP-103.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mount {
    /// Degrees the camera looks to the left of straight ahead, −180..=180.
    pub yaw_deg: f64,
    /// Degrees the camera looks above the horizon, −90..=90.
    pub pitch_deg: f64,
    /// Degrees the camera is turned clockwise about its own line of sight, seen from behind,
    /// −180..=180.
    pub roll_deg: f64,
}

/// The microphone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Microphone {
    /// Stable name of the device; absent: the system's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Samples a second and channel, 8000..=384000.
    pub rate: u32,
    /// Channels to ask the device for, 1..=64.
    pub channels: u16,
    /// The channels that are listened to, counted from 0, each 0..=63; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Vec<u16>>,
    /// Milliseconds from one delivery of the device to the next, 1..=250.
    #[serde(default = "period_ms")]
    pub period_ms: u32,
    /// Milliseconds of sound that the device keeps while nobody fetches it, 10..=10000.
    #[serde(default = "buffer_ms")]
    pub buffer_ms: u32,
    /// Milliseconds by which the device's sound is stamped too late, 0..=2000.
    #[serde(default)]
    pub delay_ms: f64,
}

/// Short against the hop, long against what waking up costs.
fn period_ms() -> u32 {
    20
}

/// Longer than any pause that a busy board makes, and within what every card has memory for.
fn buffer_ms() -> u32 {
    500
}

impl Board {
    /// The profile that is always there: no assumption beyond a webcam and one microphone.
    ///
    /// # Errors
    /// Never for the shipped profile, as a test shows; the type is that of [`Board::parse`].
    pub fn generic() -> Result<Board> {
        Board::parse(GENERIC, "generic.toml (built in)")
    }

    /// Reads a profile from its text; `name` begins each message.
    ///
    /// # Errors
    /// [`Kind::Config`]: not TOML, an unknown or missing key, a wrong type, a value out of range.
    pub fn parse(text: &str, name: &str) -> Result<Board> {
        let document = Document::new(text, name);
        let board: Board = document.parse()?;
        board.check(&document)?;
        Ok(board)
    }

    /// The profile called `wanted` in the first of `dirs` that has it, or the file itself if
    /// `wanted` is a path (holds a `/` or ends in `.toml`), and where it was found. `generic`
    /// is found without a file too, and then without a place.
    ///
    /// # Errors
    /// [`Kind::Config`]: no such profile (the message lists those there are), or a faulty one.
    pub fn load(wanted: &str, dirs: &[PathBuf]) -> Result<(Board, Option<PathBuf>)> {
        let path = if wanted.contains('/') || wanted.ends_with(".toml") {
            PathBuf::from(wanted)
        } else {
            let file = format!("{wanted}.toml");
            match dirs.iter().map(|dir| dir.join(&file)).find(|path| path.is_file()) {
                Some(path) => path,
                None if wanted == "generic" => return Ok((Board::generic()?, None)),
                None => return Err(unknown(wanted, dirs)),
            }
        };
        let text = document::read(&path)?;
        Ok((Board::parse(&text, &path.display().to_string())?, Some(path)))
    }

    /// The names of the profiles in `dirs`, sorted, each once; always with `generic`.
    pub fn known(dirs: &[PathBuf]) -> Vec<String> {
        let files = dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
        let mut names: Vec<String> =
            files.filter_map(|entry| profile_name(&entry.path())).collect();
        names.push("generic".to_owned());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What the kernel calls this machine, "Raspberry Pi 5 Model B Rev 1.0"; `None` where no
    /// device tree tells, as on a PC.
    #[must_use]
    pub fn machine() -> Option<String> {
        let name = std::fs::read_to_string("/proc/device-tree/model").ok()?;
        Some(name.trim_matches(['\0', '\n']).to_owned()).filter(|name| !name.is_empty())
    }

    /// Whether this profile is for the machine of this name.
    #[must_use]
    pub fn suits(&self, machine: &str) -> bool {
        self.machines.iter().any(|part| machine.contains(part))
    }

    /// The name of the first profile in `dirs` that is for the machine of this name. Faulty
    /// profiles are passed over: they are told of when they are asked for.
    #[must_use]
    pub fn made_for(machine: &str, dirs: &[PathBuf]) -> Option<String> {
        let boards =
            Board::known(dirs).into_iter().filter_map(|name| Board::load(&name, dirs).ok());
        boards.map(|(board, _)| board).find(|board| board.suits(machine)).map(|board| board.name)
    }

    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        named(document, &["name"], &self.name)?;
        named(document, &["description"], &self.description)?;
        for machine in &self.machines {
            named(document, &["machines"], machine)?;
        }
        self.camera.check(document)?;
        self.mount.check(document)?;
        self.microphone.check(document)?;
        self.engine.check(document)
    }
}

impl Mount {
    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        within(document, &["mount", "yaw_deg"], self.yaw_deg, -180.0..=180.0)?;
        within(document, &["mount", "pitch_deg"], self.pitch_deg, -90.0..=90.0)?;
        within(document, &["mount", "roll_deg"], self.roll_deg, -180.0..=180.0)
    }
}

impl Microphone {
    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        if let Some(device) = &self.device {
            named(document, &["microphone", "device"], device)?;
        }
        within(document, &["microphone", "rate"], self.rate, 8_000..=384_000)?;
        within(document, &["microphone", "channels"], self.channels, 1..=64)?;
        if let Some(map) = &self.map {
            check_map(document, map)?;
        }
        within(document, &["microphone", "period_ms"], self.period_ms, 1..=250)?;
        within(document, &["microphone", "buffer_ms"], self.buffer_ms, 10..=10_000)?;
        within(document, &["microphone", "delay_ms"], self.delay_ms, 0.0..=2000.0)
    }
}

/// How many channels the device must have is known when it is opened.
fn check_map(document: &Document<'_>, map: &[u16]) -> Result<()> {
    let key = ["microphone", "map"];
    if map.is_empty() {
        return Err(document.wrong(&key, "names no channel; leave it out to use all"));
    }
    for (place, channel) in map.iter().enumerate() {
        within(document, &key, *channel, 0..=63)?;
        if map.iter().take(place).any(|before| before == channel) {
            return Err(document.wrong(&key, &format!("names channel {channel} twice")));
        }
    }
    Ok(())
}

/// The profile that a file of this path would be called by.
fn profile_name(path: &Path) -> Option<String> {
    let toml = path.extension().is_some_and(|ending| ending == "toml");
    toml.then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
}

fn unknown(wanted: &str, dirs: &[PathBuf]) -> Error {
    let places: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    let wrong = format!("no such board profile in {}", places.join(", "));
    let known = suggest(wanted, &Board::known(dirs));
    let hint = format!("{known}; a board without a profile starts with `generic`");
    Error::new(Kind::Config, wanted, wrong).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("board")
    }

    #[test]
    fn every_shipped_profile_is_valid_and_named_like_its_file() {
        let dir = shipped();
        let mut seen = 0;
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if let Some(name) = profile_name(&path) {
                let (board, place) = Board::load(path.to_str().unwrap(), &[]).unwrap();
                assert_eq!(board.name, name);
                assert_eq!(place, Some(path));
                seen += 1;
            }
        }
        assert!(seen >= 8, "only {seen} profiles in {}", dir.display());
    }

    #[test]
    fn the_generic_profile_is_there_without_any_file() {
        let (board, place) = Board::load("generic", &[]).unwrap();
        assert_eq!((board.name.as_str(), place), ("generic", None));
    }

    #[test]
    fn the_first_folder_that_has_a_profile_gives_it() {
        let dir = tempfile::tempdir().unwrap();
        let own = GENERIC.replace("\"generic\"", "\"mine\"");
        std::fs::write(dir.path().join("generic.toml"), own).unwrap();
        let (board, place) = Board::load("generic", &[dir.path().to_owned(), shipped()]).unwrap();
        assert_eq!(board.name, "mine");
        assert_eq!(place, Some(dir.path().join("generic.toml")));
    }

    #[test]
    fn an_unknown_board_is_answered_with_those_that_are_known() {
        let error = Board::load("genric", &[shipped()]).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        let text = error.to_string();
        assert!(text.starts_with("genric: no such board profile in "), "{text}");
        assert!(text.contains("did you mean `generic`?"), "{text}");
        let text = Board::load("beaglebone", &[shipped()]).unwrap_err().to_string();
        assert!(text.contains("rpi5") && text.contains("starts with `generic`"), "{text}");
    }

    #[test]
    fn a_machine_is_told_its_profile_by_what_the_kernel_calls_it() {
        for (machine, profile) in [
            ("Raspberry Pi 5 Model B Rev 1.0", Some("rpi5")),
            ("Raspberry Pi 400 Rev 1.0", Some("rpi4")),
            ("Raspberry Pi Compute Module 4 Rev 1.0", Some("rpi4")),
            ("Raspberry Pi 3 Model B Plus Rev 1.3", Some("rpi3")),
            ("Raspberry Pi Zero 2 W Rev 1.0", Some("rpi-zero2w")),
            ("NVIDIA Jetson Nano Developer Kit", Some("jetson-nano")),
            ("NVIDIA Jetson Orin Nano Developer Kit", Some("jetson-orin")),
            ("NVIDIA Jetson Xavier NX Developer Kit", Some("jetson-xavier")),
            ("Radxa ROCK 5B", None),
        ] {
            assert_eq!(Board::made_for(machine, &[shipped()]).as_deref(), profile, "{machine}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_its_line() {
        let text = GENERIC.replace("hfov_deg = 60.0", "hfov_deg = 400.0");
        assert_ne!(text, GENERIC);
        let error = Board::parse(&text, "x.toml").unwrap_err().to_string();
        let line = 1 + text.lines().position(|line| line.starts_with("hfov_deg")).unwrap();
        assert_eq!(error, format!("x.toml:{line}: `camera.hfov_deg` is 400, outside 1 to 179"));
    }

    #[test]
    fn an_engine_that_does_not_exist_is_refused_with_those_that_do() {
        let text = GENERIC.replace("\"tract\"", "\"abacus\"");
        let error = Board::parse(&text, "x.toml").unwrap_err().to_string();
        assert!(error.contains("`engine.name`") && error.contains("`tract`"), "{error}");
    }
}
