//! What `replay` and `run` share: everything that is built from the configuration around the
//! pipeline, and the observers that hang on to it.

pub mod film;
pub mod lines;
pub mod socket;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use tyto::align::Aligner;
use tyto::capture::{AudioFormat, VideoFormat};
use tyto::config::{Board, Config, EngineChoice};
use tyto::encode::{self, Pack};
use tyto::error::{Error, Kind, Result};
use tyto::event::{self, CameraInfo, Hello, MicrophoneInfo, rfc3339};
use tyto::geometry::{Camera, Optics};
use tyto::pipeline::{Parts, Perception, Settings, Wishes};
use tyto::serve;
use tyto::track::Tracker;

use super::view::{camera, optics};

/// Configuration, board and model pack, all read and checked.
pub struct Stage {
    config: Config,
    board: Board,
    pack: Pack,
}

impl Stage {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// The board profile or the model pack is missing or faulty.
    pub fn new(config: Config) -> Result<Stage> {
        let (board, _) = config.board()?;
        let pack = Pack::load(&config.pack()?)?;
        Ok(Stage { config, board, pack })
    }

    /// The geometry of pictures of this format; `hfov_deg` goes before the board's.
    ///
    /// # Errors
    /// The field of view is not possible.
    pub fn camera(&self, format: &VideoFormat, hfov_deg: Option<f64>) -> Result<Camera> {
        camera(&self.board, format.width, format.height, hfov_deg)
    }

    /// What the board says of the camera; `hfov_deg` goes before its own field of view.
    pub fn optics(&self, hfov_deg: Option<f64>) -> Optics {
        optics(&self.board, hfov_deg)
    }

    /// Perception with the pack's encoders.
    ///
    /// # Errors
    /// The encoders do not load, or a setting is out of its range.
    pub fn perception(&self, optics: Optics) -> Result<Perception> {
        self.perception_on(&self.board.engine, optics)
    }

    /// The same on another engine than the board's.
    ///
    /// # Errors
    /// As [`perception`](Self::perception).
    pub fn perception_on(&self, engine: &EngineChoice, optics: Optics) -> Result<Perception> {
        let parts = Parts {
            encoders: encode::open(&self.pack, engine)?,
            aligner: Aligner::new(&self.pack),
            front_end: self.pack.manifest.audio.front_end(),
            pooling: self.pack.manifest.audio.pooling,
            tracker: Tracker::new(self.config.track.clone())?,
            optics,
        };
        Perception::new(parts, looks(&self.config))
    }

    /// The model pack.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// What was read.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The board profile with what the configuration overrules.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// What is asked of the system.
    pub fn wishes(&self) -> Wishes {
        let wanted = &self.config.process;
        Wishes {
            realtime: wanted.realtime,
            lock_memory: wanted.lock_memory,
            cores: self.board.engine.cores.clone(),
        }
    }

    /// The time from one look to the next, seconds.
    pub fn hop_s(&self) -> f64 {
        self.config.perception.hop_s
    }

    /// What subscribers are greeted with.
    pub fn hello(&self, video: &VideoFormat, camera: &Camera, audio: AudioFormat) -> Hello {
        Hello {
            schema: event::SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            board: self.board.name.clone(),
            model: self.pack.title(),
            started: rfc3339(SystemTime::now()),
            camera: Some(CameraInfo {
                width: video.width,
                height: video.height,
                hfov_deg: camera.hfov_deg(),
            }),
            microphone: Some(MicrophoneInfo { rate: audio.rate, channels: audio.channels }),
        }
    }

    /// How the socket is to be, at `path` if one is given.
    pub fn socket(&self, path: Option<PathBuf>) -> serve::Options {
        let mut options = serve::Options::from(&self.config.socket);
        if let Some(path) = path {
            options.path = path;
        }
        options
    }
}

/// How often and how far back is looked.
pub fn looks(config: &Config) -> Settings {
    let wanted = &config.perception;
    Settings {
        hop: Duration::from_secs_f64(wanted.hop_s),
        window: wanted.window,
        floor_dbfs: wanted.floor_dbfs,
    }
}

/// A flag that SIGTERM and SIGINT set. A second one ends the program at once.
///
/// # Errors
/// The system refuses the handlers.
pub fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal must not find its own flag set.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| {
                Error::new(Kind::System, format!("signal {signal}"), "cannot be handled")
                    .because(error)
            })?;
    }
    Ok(stop)
}
