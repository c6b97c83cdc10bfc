//! `tyto run`: the daemon.

mod greeting;
mod herald;
mod reload;
mod sources;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tyto::clock::{Clock, SystemClock};
use tyto::config::{Config, Input};
use tyto::error::Result;
use tyto::event::State;
use tyto::pipeline::{Live, Observer, Progress, live};
use tyto::serve::{Notifier, Server};

use super::Setup;
use super::play::socket::Socket;
use super::play::{Stage, stop_flag};
use greeting::Greeting;
use herald::Voice;
use reload::{Hangup, Mailbox, Reload, Reloader};
use sources::Sources;

/// Options of `tyto run`.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// Where pictures and sound come from: devices (camera and microphone), or clip:PATH (a
    /// file for ffmpeg, or a folder with pictures and one WAV) [default: devices]
    #[arg(long, value_name = "SOURCE")]
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

impl Args {
    /// The configuration with the command line over it.
    ///
    /// # Errors
    /// As [`Config::load`].
    fn read(&self) -> Result<Config> {
        let mut config = self.setup.read()?;
        if let Some(input) = &self.source {
            config.source.input = input.clone();
        }
        config.source.repeat |= self.repeat;
        if let Some(path) = &self.socket {
            config.socket.path.clone_from(path);
        }
        Ok(config)
    }
}

/// Runs until SIGTERM or SIGINT, or until the clip has ended. Every track is ended and the
/// socket removed before it returns. A device that is missing or lost is waited for.
///
/// # Errors
/// Configuration, pack or clip are faulty; the socket cannot be had; the clip failed; neither
/// device can be opened with this configuration.
pub fn run(args: Args) -> anyhow::Result<()> {
    let hangup = Hangup::catch()?;
    let config = args.read()?;
    crate::logging::configure(config.log.level.into());
    let (input, repeat) = (config.source.input.clone(), config.source.repeat);
    let stage = Stage::new(config)?;
    let stop = stop_flag()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sources = Sources::new(input, repeat, stage.board(), &clock)?;
    let (video, audio) = (sources.video(), sources.audio());
    let camera = stage.camera(&video, None)?;
    let options = stage.socket(None);
    let hello = stage.hello(&video, &camera, audio);
    let server = Server::start_activated(options, hello.clone(), Arc::clone(&clock))?;
    let at = server.path().display().to_string();
    let socket = Socket::new(server.publisher(), Arc::clone(&clock));
    let notifier = Arc::new(Notifier::from_env());
    let mut voice = Voice::new(&socket, &notifier);
    let progress = Progress::new();
    voice.state(State::Starting, "loading the model pack", &progress);
    let wishes = stage.wishes();
    // The threads of an engine start here. Why they may not keep to their processors is told when
    // the run asks for the same.
    let mut perception = wishes.on_cores(|_| (), || stage.perception(stage.optics(None)))?;
    let mailbox = Mailbox::default();
    let greeting = Greeting::new(hello, server.publisher(), mailbox.clone());
    let reload = Reload {
        read: Box::new(move || args.read()),
        config: stage.config().clone(),
        board: stage.board().clone(),
        greeting: greeting.clone(),
        publisher: server.publisher(),
        notifier: Arc::clone(&notifier),
        mailbox: mailbox.clone(),
    };
    notifier.ready();
    let reloader = Reloader::start(hangup, reload)?;
    log::info!("listening to {sources}; subscribers connect to {at}");

    let run = Live {
        feeds: sources.feeds(clock.now()),
        wishes,
        clock: &*clock,
        progress: &progress,
        stop: &stop,
        herald: &mut voice,
    };
    let mut observers: Vec<Box<dyn Observer + '_>> =
        vec![Box::new(mailbox), Box::new(greeting), Box::new(&socket)];
    let result = live(run, &mut perception, &mut observers);
    drop(reloader);
    notifier.stopping();
    match &result {
        Ok(()) => {
            let asked = stop.load(Ordering::Relaxed);
            let reason = if asked { "asked to stop" } else { "the clip has ended" };
            let counters = progress.counters();
            log::info!("{reason}: {} looks, {} events", counters.looks, counters.events);
            voice.state(State::Stopped, reason, &progress);
        }
        Err(error) => voice.state(State::Failed, &error.to_string(), &progress),
    }
    server.stop();
    Ok(result?)
}
