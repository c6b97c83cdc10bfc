//! `tyto run`: the daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tyto::capture::clip::{Clip, ClipOptions, Pace};
use tyto::clock::{Clock, Mono, SystemClock};
use tyto::config::Input;
use tyto::error::{Error, Kind};
use tyto::event::{Counters, State};
use tyto::pipeline::{Progress, live};
use tyto::serve::Server;

use super::Setup;
use super::play::socket::Socket;
use super::play::{Stage, stop_flag};

/// Options of `tyto run`.
#[derive(clap::Args)]
pub struct Args {
    /// Where pictures and sound come from: clip:PATH (a file for ffmpeg, or a folder with
    /// pictures and one WAV)
    #[arg(long, value_name = "KIND:PATH")]
    source: Option<Input>,
    /// Begin the clip again at its end
    #[arg(long)]
    repeat: bool,
    /// Serve subscribers at this socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    setup: Setup,
}

/// Runs until SIGTERM or SIGINT, or until the clip has ended. Every track is ended and the
/// socket removed before it returns.
///
/// # Errors
/// Configuration, pack or source are faulty; the socket cannot be had; a source failed.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.setup.load()?;
    let repeat = args.repeat || config.source.repeat;
    let Some(Input::Clip(path)) = args.source.or_else(|| config.source.input.clone()) else {
        return Err(Error::new(Kind::Config, "source.input", "no source is given")
            .hint("give --source clip:PATH, or set it in tyto.toml; clips are the only source yet")
            .into());
    };
    let stage = Stage::new(config)?;
    let stop = stop_flag()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let pace = Pace::RealTime(Arc::clone(&clock));
    let clip = Clip::open(&path, &ClipOptions { pace, repeat, start: Mono(0) })?;
    let (video, audio) = (clip.video_format(), clip.audio_format());
    let camera = stage.camera(&video, None)?;
    let options = stage.socket(args.socket);
    let at = options.path.display().to_string();
    let hello = stage.hello(&video, &camera, audio);
    let server = Server::start(options, hello, Arc::clone(&clock))?;
    let socket = Socket::new(server.publisher(), Arc::clone(&clock));
    socket.state(State::Starting, Some("loading the model pack"), Counters::default());
    let mut perception = stage.perception(camera, audio)?;
    socket.state(State::Running, None, Counters::default());
    log::info!("listening to clip:{}; subscribers connect to {at}", path.display());

    let progress = Progress::new();
    let (video, audio) = clip.starting(clock.now()).split();
    let result = live(Some(video), audio, &mut perception, &*clock, &progress, &stop, &mut &socket);
    let counters = progress.counters();
    match &result {
        Ok(()) => {
            let asked = stop.load(Ordering::Relaxed);
            let reason = if asked { "asked to stop" } else { "the clip has ended" };
            log::info!("{reason}: {} looks, {} events", counters.looks, counters.events);
            socket.state(State::Stopped, Some(reason), counters);
        }
        Err(error) => socket.state(State::Failed, Some(&error.to_string()), counters),
    }
    server.stop();
    Ok(result?)
}
