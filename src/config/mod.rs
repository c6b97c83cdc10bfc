//! The configuration: `tyto.toml` over a board profile, both refused at the first unknown key.
//!
//! The profile says what the machine is (`board/NAME.toml`, [`Board`]); `tyto.toml` says what
//! it is used for, and may overrule single values of the profile. `docs/configuration.md` has
//! every key.

mod board;
mod camera;
mod change;
mod check;
mod document;
mod engine;
mod overrule;
mod search;
mod sections;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use board::{Board, Microphone, Mount};
pub use camera::{Camera, CameraFormat, Setting};
pub use change::{Changes, merge};
pub use engine::{DelegateChoice, EngineChoice, EngineName, OnnxRuntimeChoice, ProviderName};
pub use overrule::{CameraOverride, EngineOverride, MicrophoneOverride, MountOverride};
pub use search::{board_dirs, find_pack, known_packs, pack_dirs};
pub use sections::{
    BoardChoice, Input, Level, Log, Mode, ModelChoice, Perception, Process, Socket, Source,
};

use crate::error::Result;
use document::Document;
pub(crate) use document::suggest;

/// Where the configuration is read from when no file is named, if it is there.
pub const DEFAULT_PATH: &str = "/etc/tyto/tyto.toml";

/// Everything `tyto.toml` can say. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which board profile.
    pub board: BoardChoice,
    /// Which model pack.
    pub model: ModelChoice,
    /// What is listened to and looked at.
    pub source: Source,
    /// Where subscribers connect.
    pub socket: Socket,
    /// How often and how long is listened.
    pub perception: Perception,
    /// When tracks start, change and end.
    pub track: crate::track::Settings,
    /// What is asked of the system.
    pub process: Process,
    /// What is logged.
    pub log: Log,
    /// Overrules the profile's camera.
    pub camera: CameraOverride,
    /// Overrules the profile's mounting pose.
    pub mount: MountOverride,
    /// Overrules the profile's microphone.
    pub microphone: MicrophoneOverride,
    /// Overrules the profile's engine.
    pub engine: EngineOverride,
    /// The file this was read from; `None` for the built-in defaults.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Config {
    /// Reads `path`; without one, [`DEFAULT_PATH`] if it exists and else the built-in defaults.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config): the file cannot be read, is not TOML, has
    /// an unknown key, a wrong type or a value out of range. The text names file, line and key.
    pub fn load(path: Option<&Path>) -> Result<Config> {
        let usual = Path::new(DEFAULT_PATH);
        let Some(path) = path.or_else(|| usual.exists().then_some(usual)) else {
            return Ok(Config::default());
        };
        let text = document::read(path)?;
        let mut config = Config::parse(&text, &path.display().to_string())?;
        config.file = Some(path.to_owned());
        Ok(config)
    }

    /// Reads a configuration from its text; `name` begins each message.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, name: &str) -> Result<Config> {
        let document = Document::new(text, name);
        let config: Config = document.parse()?;
        config.board.check(&document)?;
        config.model.check(&document)?;
        config.socket.check(&document)?;
        config.perception.check(&document)?;
        config.track.check().map_err(|error| document.found(error))?;
        // What the file overrules is checked where it is written, so that the message has
        // its line; the rest of the profile is checked when the profile is read.
        if let Ok(generic) = Board::generic() {
            config.overrule(generic).check(&document)?;
        }
        Ok(config)
    }

    /// The board profile with everything this configuration overrules, and the file the
    /// profile was read from (`None`: built in).
    ///
    /// # Errors
    /// As [`Board::load`].
    pub fn board(&self) -> Result<(Board, Option<PathBuf>)> {
        let (board, place) = Board::load(&self.board.name, &board_dirs(&self.board.dirs))?;
        Ok((self.overrule(board), place))
    }

    /// The folder of the model pack.
    ///
    /// # Errors
    /// As [`find_pack`].
    pub fn pack(&self) -> Result<PathBuf> {
        find_pack(&self.model.pack, &pack_dirs(&self.model.dirs))
    }

    /// This configuration with every value of its board written out: what `tyto config`
    /// prints, and a valid `tyto.toml` that means the same.
    #[must_use]
    pub fn effective(&self, board: &Board) -> Config {
        let mut whole = self.clone();
        whole.camera = CameraOverride::of(&board.camera);
        whole.mount = MountOverride::of(&board.mount);
        whole.microphone = MicrophoneOverride::of(&board.microphone);
        whole.engine = EngineOverride::of(&board.engine);
        whole
    }

    fn overrule(&self, mut board: Board) -> Board {
        self.camera.overrule(&mut board.camera);
        self.mount.overrule(&mut board.mount);
        self.microphone.overrule(&mut board.microphone);
        self.engine.overrule(&mut board.engine);
        board
    }
}

#[cfg(test)]
mod tests;
