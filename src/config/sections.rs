//! The sections of `tyto.toml` that are not the board's.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::{named, within};
use super::document::Document;
use crate::error::Result;

/// `[board]`: which board profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoardChoice {
    /// A profile's name, or the path of its file.
    pub name: String,
    /// Folders that are asked before `./board` and `/usr/share/tyto/board`.
    pub dirs: Vec<PathBuf>,
}

/// `[model]`: which model pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelChoice {
    /// A pack's name, or its folder.
    pub pack: String,
    /// Folders that are asked before `./models` and `/usr/share/tyto/models`.
    pub dirs: Vec<PathBuf>,
}

/// `[source]`: what is listened to and looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// `devices` or `clip:PATH`.
    pub input: Input,
    /// Whether a clip begins again at its end.
    pub repeat: bool,
}

/// Where pictures and sound come from, written `devices` or `clip:PATH`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// The board's camera and microphone.
    #[default]
    Devices,
    /// A file that ffmpeg can decode, or a folder with pictures and one WAV.
    Clip(PathBuf),
}

/// `[socket]`: where subscribers connect, and what a slow one may cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Socket {
    /// Path of the socket.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: Mode,
    /// The group that owns it; absent: the daemon's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Events that wait for one subscriber before its oldest are dropped, 1..=65536.
    pub queue: usize,
    /// Seconds between two status lines when nothing else happens, 0.1..=3600.
    pub heartbeat_s: f64,
}

/// Permission bits of a file, written as the text `"0660"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

/// `[perception]`: how often and how long is listened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Perception {
    /// Seconds from one look to the next, in steps of 0.01 (one log-mel frame), 0.05..=2.
    pub hop_s: f64,
    /// Patches of 0.975 s that one look pools, one hop apart, 1..=32.
    pub window: usize,
    /// Sound weaker than this is silence, dB below full scale (RMS), −120..=0.
    pub floor_dbfs: f32,
}

/// `[process]`: what is asked of the system, and not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Process {
    /// Whether the threads that capture from devices are to come before all that is not
    /// real-time (`SCHED_FIFO`).
    pub realtime: bool,
    /// Whether memory that was used once is to stay in RAM.
    pub lock_memory: bool,
}

/// `[log]`: what goes to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least urgent messages to show, unless the command line or `RUST_LOG` says otherwise.
    pub level: Level,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What ends the program.
    Error,
    /// What the user should look into.
    Warn,
    /// What happened, in few lines.
    #[default]
    Info,
    /// What is decided and why.
    Debug,
    /// Everything.
    Trace,
}

impl Default for BoardChoice {
    fn default() -> Self {
        BoardChoice { name: "generic".to_owned(), dirs: Vec::new() }
    }
}

impl Default for ModelChoice {
    fn default() -> Self {
        ModelChoice { pack: "owlet".to_owned(), dirs: Vec::new() }
    }
}

impl Default for Socket {
    fn default() -> Self {
        Socket {
            path: PathBuf::from("/run/tyto/events.sock"),
            mode: Mode(0o660),
            group: None,
            queue: 256,
            heartbeat_s: 30.0,
        }
    }
}

impl Default for Perception {
    fn default() -> Self {
        Perception { hop_s: 0.24, window: 4, floor_dbfs: -60.0 }
    }
}

impl From<Level> for log::LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Off => log::LevelFilter::Off,
            Level::Error => log::LevelFilter::Error,
            Level::Warn => log::LevelFilter::Warn,
            Level::Info => log::LevelFilter::Info,
            Level::Debug => log::LevelFilter::Debug,
            Level::Trace => log::LevelFilter::Trace,
        }
    }
}

impl BoardChoice {
    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        named(document, &["board", "name"], &self.name)
    }
}

impl ModelChoice {
    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        named(document, &["model", "pack"], &self.pack)
    }
}

impl Socket {
    /// How many bytes of path a socket address holds, without the closing zero
    /// (`sun_path`, unix(7)).
    const PATH_LIMIT: usize = 107;

    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        let length = self.path.as_os_str().len();
        if length == 0 || length > Self::PATH_LIMIT {
            let wrong = format!("is {length} bytes long, outside 1 to {}", Self::PATH_LIMIT);
            return Err(document.wrong(&["socket", "path"], &wrong));
        }
        if let Some(group) = &self.group {
            named(document, &["socket", "group"], group)?;
        }
        within(document, &["socket", "queue"], self.queue, 1..=65_536)?;
        within(document, &["socket", "heartbeat_s"], self.heartbeat_s, 0.1..=3600.0)
    }
}

impl Perception {
    /// The hop in log-mel frames of 10 ms.
    pub fn hop_frames(&self) -> usize {
        (self.hop_s * 100.0).round() as usize
    }

    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        let hop = ["perception", "hop_s"];
        within(document, &hop, self.hop_s, 0.05..=2.0)?;
        if (self.hop_s - self.hop_frames() as f64 / 100.0).abs() > 1e-6 {
            return Err(document.wrong(&hop, &format!("is {}, no multiple of 0.01", self.hop_s)));
        }
        within(document, &["perception", "window"], self.window, 1..=32)?;
        within(document, &["perception", "floor_dbfs"], self.floor_dbfs, -120.0..=0.0)
    }
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once(':') {
            Some(("clip", "")) => Err("`clip:` needs the path of a clip after it".to_owned()),
            Some(("clip", path)) => Ok(Input::Clip(PathBuf::from(path))),
            None if text == "devices" => Ok(Input::Devices),
            _ => Err(format!("`{text}` is no source; known: devices, clip:PATH")),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Devices => f.write_str("devices"),
            Input::Clip(path) => write!(f, "clip:{}", path.display()),
        }
    }
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04o}", self.0))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if bits <= 0o777 && !text.starts_with('+') => Ok(Mode(bits)),
            _ => Err(serde::de::Error::custom(format!(
                "\"{text}\" are no permission bits; write them as \"0660\""
            ))),
        }
    }
}
