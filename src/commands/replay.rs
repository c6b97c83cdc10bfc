//! `tyto replay`: a clip through the same pipeline as live capture.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tyto::capture::clip::{Clip, ClipOptions, Pace};
use tyto::clock::{Clock, Mono, SystemClock};
use tyto::event::State;
use tyto::pipeline::{Feeds, Live, Observer, Progress, Wishes, live, lockstep};
use tyto::serve::Server;

use super::Setup;
use super::play::film::Filming;
use super::play::lines::Lines;
use super::play::socket::Socket;
use super::play::{Stage, stop_flag};

/// Options of `tyto replay`.
#[derive(clap::Args)]
pub struct Args {
    /// A file that ffmpeg can decode, or a folder with pictures and one WAV
    clip: PathBuf,
    /// As fast as it goes instead of in real time; the events are the same each time
    #[arg(long)]
    fast: bool,
    /// Serve subscribers at this socket meanwhile
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Draw what was found over the pictures: an mp4 file, or a folder for PNG files
    #[arg(long, value_name = "OUT")]
    overlay: Option<PathBuf>,
    /// Horizontal field of view of the camera that took the clip, degrees
    #[arg(long, value_name = "DEG", conflicts_with = "board")]
    hfov: Option<f64>,
    /// Print the events as JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    setup: Setup,
}

/// Replays the clip, prints its events, and serves and draws them if asked to.
///
/// # Errors
/// Configuration, pack or clip are faulty; the socket cannot be had; the film cannot be made.
pub fn run(args: Args) -> anyhow::Result<()> {
    let stage = Stage::new(args.setup.load()?)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let pace = if args.fast { Pace::Free } else { Pace::RealTime(Arc::clone(&clock)) };
    let clip = Clip::open(&args.clip, &ClipOptions { pace, repeat: false, start: Mono(0) })?;
    let (video, audio) = (clip.video_format(), clip.audio_format());
    let camera = stage.camera(&video, args.hfov)?;
    let mut perception = stage.perception(stage.optics(args.hfov))?;
    let stop = stop_flag()?;

    let server = match &args.socket {
        Some(path) => {
            let hello = stage.hello(&video, &camera, audio);
            let options = stage.socket(Some(path.clone()));
            Some(Server::start(options, hello, Arc::clone(&clock))?)
        }
        None => None,
    };
    let socket = server.as_ref().map(|s| Socket::new(s.publisher(), Arc::clone(&clock)));
    // What came before takes its time; the clip must not begin with a backlog.
    let start = if args.fast { Mono(0) } else { clock.now() };
    let clip = clip.starting(start);
    let mut lines = Lines::new(args.json, start, clip.duration(), Arc::clone(&stop));
    let step = (!args.fast).then(|| stage.hop_s());
    let mut film = match &args.overlay {
        Some(path) => Some(Filming::begin(path, &video, camera, &args.clip, step, start)?),
        None => None,
    };

    let progress = Progress::new();
    let result = {
        let mut observers: Vec<Box<dyn Observer + '_>> = vec![Box::new(&mut lines)];
        if let Some(socket) = &socket {
            observers.push(Box::new(socket));
        }
        if let Some(film) = &mut film {
            observers.push(Box::new(film));
        }
        let (video, audio) = clip.split();
        if args.fast {
            lockstep(Some(video), audio, &mut perception, &progress, &stop, &mut observers)
        } else {
            let run = Live {
                feeds: Feeds::given(Some(video), audio),
                wishes: Wishes::default(),
                clock: &*clock,
                progress: &progress,
                stop: &stop,
                herald: &mut socket.as_ref(),
            };
            live(run, &mut perception, &mut observers)
        }
    };
    let counters = progress.counters();
    if let Some(socket) = &socket {
        let asked = stop.load(Ordering::Relaxed);
        let reason = if asked { "asked to stop" } else { "the clip has ended" };
        socket.state(State::Stopped, reason, &progress);
    }
    if let Some(server) = server {
        server.stop();
    }
    lines.finish()?;
    result?;
    log::info!(
        "{} looks ({} silent, {} skipped), one in {:.1} ms (median; 99 %: {:.1} ms); \
         {} events; {} of {} samples lost",
        counters.looks,
        counters.looks_silent,
        counters.looks_skipped,
        counters.look_ms_p50,
        counters.look_ms_p99,
        counters.events,
        counters.samples_lost,
        counters.samples,
    );
    if let Some(film) = &mut film {
        log::info!("the film is {}", film.finish()?.display());
    }
    Ok(())
}
