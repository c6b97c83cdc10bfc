//! The subcommands, one file each.
//!
//! A new one is its file with `Args` and `run`, and the two lines that name it here.

mod bench;
mod calibrate;
mod check;
mod config;
mod eval;
mod link;
mod locate;
mod play;
mod replay;
mod run;
mod status;
mod view;
mod watch;

use std::path::PathBuf;

use tyto::config::{Config, EngineName};

/// Declares the subcommands: the doc comment is the line in `tyto --help`.
macro_rules! commands {
    ($($(#[$about:meta])* $variant:ident($module:ident),)+) => {
        /// What to do.
        #[derive(clap::Subcommand)]
        pub enum Command {
            $($(#[$about])* $variant($module::Args),)+
        }

        impl Command {
            /// Does it.
            ///
            /// # Errors
            /// Whatever ended it; a `tyto::error::Error` in the chain decides the exit code.
            pub fn run(self) -> anyhow::Result<()> {
                match self {
                    $(Command::$variant(args) => $module::run(args),)+
                }
            }
        }
    };
}

commands! {
    /// Serve direction-of-sound events until stopped: the daemon
    Run(run),
    /// Play a clip through the daemon's pipeline and print what it hears
    Replay(replay),
    /// Find what sounds in one picture and one sound, or in every row of a manifest
    Locate(locate),
    /// Score a model pack, or any other system's maps, by the field's protocols
    Eval(eval),
    /// Check configuration, board profile and model pack, with a trial run of both encoders
    Check(check),
    /// Measure what each part of a look costs here, on every engine
    Bench(bench),
    /// Measure the camera's delay from claps that are seen and heard
    Calibrate(calibrate),
    /// Print the configuration that is in force, and where it was read from
    Config(config),
    /// Show what a running daemon hears: a table on a terminal, JSON lines elsewhere
    Watch(watch),
    /// Say how a running daemon is doing: for people, as JSON, or for Prometheus
    Status(status),
}

/// The options of every command that reads the configuration; `#[command(flatten)]` it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Setup {
    /// Configuration file [default: /etc/tyto/tyto.toml if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Board profile: its name, or the path of its file
    #[arg(long, value_name = "NAME")]
    pub board: Option<String>,
    /// Model pack: its name, or its folder
    #[arg(long, value_name = "DIR")]
    pub model: Option<String>,
    /// What runs the encoders: tract; or tflite or onnxruntime, which need their libraries
    #[arg(long, value_name = "NAME")]
    pub engine: Option<EngineName>,
}

impl Setup {
    /// The configuration with these options over it; logging follows it from here on.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(&self) -> tyto::error::Result<Config> {
        let config = self.read()?;
        crate::logging::configure(config.log.level.into());
        Ok(config)
    }

    /// The configuration with these options over it; nothing follows it yet.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read(&self) -> tyto::error::Result<Config> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(name) = &self.board {
            config.board.name.clone_from(name);
        }
        if let Some(pack) = &self.model {
            config.model.pack.clone_from(pack);
        }
        if let Some(engine) = self.engine {
            config.engine.name = Some(engine);
        }
        Ok(config)
    }
}
