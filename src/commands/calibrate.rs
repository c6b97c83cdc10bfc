//! `tyto calibrate`: what has to be measured once on a board.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tyto::calibrate::{Change, Delay, Heard, Seen, measure};
use tyto::capture::clip::{Clip, ClipOptions, Pace};
use tyto::capture::{
    AudioSource, Block, Developer, Pull, RawFrame, VideoSource, camera, microphone,
};
use tyto::clock::Mono;
use tyto::config::{Config, Input};
use tyto::error::{Error, Kind, Result};

use super::Setup;
use super::play::stop_flag;

/// A device that gives nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(2);

/// Options of `tyto calibrate`.
#[derive(clap::Args)]
pub struct Args {
    /// Measure by how much the camera's pictures are stamped too late, from claps or flashes
    /// with a click that are both seen and heard
    #[arg(long, required = true)]
    clap: bool,
    /// Where pictures and sound come from: devices, or clip:PATH [default: the configuration's]
    #[arg(long, value_name = "SOURCE")]
    source: Option<Input>,
    /// How long to look and listen
    #[arg(long, value_name = "N", default_value_t = 20.0, value_parser = super::check::seconds)]
    seconds: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    setup: Setup,
}

/// What was found, as `--json` prints it.
#[derive(Serialize)]
struct Findings {
    /// Sudden sounds and sudden changes of the picture.
    heard: usize,
    seen: usize,
    /// Those that are one and the same, and agree.
    matched: usize,
    /// The pictures are stamped so much later than the sound; negative: earlier.
    delay_ms: f64,
    /// The largest distance of one of them from that.
    spread_ms: f64,
    /// The key of `tyto.toml` and its value.
    key: &'static str,
    value: f64,
}

/// Looks and listens, and says what to write into `tyto.toml`.
///
/// # Errors
/// A source failed, fewer than three claps were both seen and heard, or they do not agree.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.setup.load()?;
    let (video, audio) = sources(args.source, &config)?;
    let stop = stop_flag()?;
    log::info!("clap near the camera, a second apart and still in between, at least five times");
    let reach = Duration::from_secs_f64(args.seconds);
    let (seen, heard) = std::thread::scope(|scope| {
        let looking = scope.spawn(|| look(video, reach, &stop));
        let heard = listen(audio, reach, &stop);
        (looking.join().unwrap_or_else(|_| Err(crashed())), heard)
    });
    let (seen, heard) = (seen?, heard?);

    let onsets = heard.onsets();
    let changes: Vec<Mono> = seen.changes().iter().map(|Change { stamp }| *stamp).collect();
    let delay = measure(&onsets, &changes, seen.interval()).map_err(|refusal| {
        let counts = format!("{} sudden sounds, {} changes seen", onsets.len(), changes.len());
        Error::new(Kind::Media, "claps", format!("nothing was measured ({counts}): {refusal}"))
            .hint(
                "clap a second apart in full view, still in between, or flash a lamp with a click",
            )
    })?;
    tell(&findings(onsets.len(), changes.len(), delay), args.json)?;
    Ok(())
}

fn sources(
    source: Option<Input>,
    config: &Config,
) -> Result<(Box<dyn VideoSource>, Box<dyn AudioSource>)> {
    match source.unwrap_or_else(|| config.source.input.clone()) {
        Input::Clip(path) => {
            let options = ClipOptions { pace: Pace::Free, repeat: false, start: Mono(0) };
            Ok(Clip::open(&path, &options)?.split())
        }
        Input::Devices => {
            let (board, _) = config.board()?;
            // Measured is the whole delay, whatever is configured already.
            let delay = Duration::ZERO;
            let camera = camera::Wanted { delay, ..(&board.camera).into() };
            let microphone = microphone::Wanted { delay, ..(&board.microphone).into() };
            Ok((camera::open(&camera)?, microphone::open(&microphone)?))
        }
    }
}

/// When to stop pulling.
struct Span<'a> {
    reach: Duration,
    stop: &'a AtomicBool,
    first: Option<Mono>,
    alive: Instant,
}

impl<'a> Span<'a> {
    fn new(reach: Duration, stop: &'a AtomicBool) -> Self {
        Span { reach, stop, first: None, alive: Instant::now() }
    }

    /// Whether to go on after something came with this stamp.
    fn came(&mut self, stamp: Mono) -> bool {
        self.alive = Instant::now();
        stamp.since(*self.first.get_or_insert(stamp)) < self.reach
    }

    /// An error if nothing has come for long.
    fn idle(&self, described: String) -> Result<()> {
        if self.alive.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(Error::new(Kind::Device, described, "gives nothing, although it is open")
            .hint("plug it in again, or look into `dmesg`"))
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn look(mut video: Box<dyn VideoSource>, reach: Duration, stop: &AtomicBool) -> Result<Seen> {
    let (mut seen, mut span) = (Seen::new(), Span::new(reach, stop));
    let (mut raw, mut developer) = (RawFrame::default(), Developer::new());
    let mut picture = tyto::capture::Picture::default();
    while !span.stopped() {
        match video.pull(&mut raw)? {
            Pull::Ended => break,
            Pull::Idle => span.idle(video.describe())?,
            Pull::Filled => {
                // One faulty picture among many is no reason to begin anew.
                match developer.develop(&mut raw, &mut picture) {
                    Ok(()) => seen.take(raw.stamp, &picture),
                    Err(error) => log::debug!("{error}"),
                }
                if !span.came(raw.stamp) {
                    break;
                }
            }
        }
    }
    Ok(seen)
}

fn listen(mut audio: Box<dyn AudioSource>, reach: Duration, stop: &AtomicBool) -> Result<Heard> {
    let (mut heard, mut span) = (Heard::new(), Span::new(reach, stop));
    let mut block = Block::empty();
    while !span.stopped() {
        match audio.pull(&mut block)? {
            Pull::Ended => break,
            Pull::Idle => span.idle(audio.describe())?,
            Pull::Filled => {
                heard.take(&block);
                if !span.came(block.stamp) {
                    break;
                }
            }
        }
    }
    Ok(heard)
}

fn findings(heard: usize, seen: usize, delay: Delay) -> Findings {
    let milliseconds = |seconds: f64| (seconds * 1e4).round() / 10.0 + 0.0;
    let delay_ms = milliseconds(delay.delay);
    // Whichever comes later is the one whose stamps are set back.
    let key = if delay_ms < 0.0 { "microphone.delay_ms" } else { "camera.delay_ms" };
    Findings {
        heard,
        seen,
        matched: delay.matched,
        delay_ms,
        spread_ms: milliseconds(delay.spread),
        key,
        value: delay_ms.abs().round(),
    }
}

fn tell(found: &Findings, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, found).map_err(io::Error::from)?;
        return writeln!(out);
    }
    let Findings { heard, seen, matched, delay_ms, spread_ms, key, value } = found;
    writeln!(out, "claps      {heard} heard, {seen} seen, {matched} of them agree")?;
    writeln!(out, "pictures   {delay_ms:.1} ms after the sound, give or take {spread_ms:.1} ms")?;
    writeln!(out, "tyto.toml  {key} = {value:.1}")?;
    out.flush()
}

fn crashed() -> Error {
    Error::new(Kind::System, "the thread that looks", "has crashed")
}
