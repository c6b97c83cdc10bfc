//! `tyto status`: how a running daemon is doing, for people, programs and Prometheus.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use tyto::error::{Error, Kind, Result};
use tyto::event::request::{Query, Request};
use tyto::event::{Hello, Message, Reader, Status};

use super::link::{self, Link, Read};

mod exposition;
mod metrics;
mod table;
mod textfile;

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a wait is cut into, so that a signal is noticed.
const TICK: Duration = Duration::from_millis(200);

/// Options of `tyto status`.
#[derive(clap::Args)]
pub struct Args {
    /// Socket of the daemon
    #[arg(long, value_name = "PATH", default_value_os_t = tyto::serve::Options::default().path)]
    socket: PathBuf,
    /// Print the status as the JSON line that the daemon sent
    #[arg(long, conflicts_with_all = ["prometheus", "textfile"])]
    json: bool,
    /// Print metrics in Prometheus's exposition format
    #[arg(long, conflicts_with = "textfile")]
    prometheus: bool,
    /// Write these metrics to a file for node_exporter's textfile collector, all at once;
    /// without an answer they say `tyto_up 0`
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    /// Write the file every so many seconds until stopped, whether there is an answer or not
    #[arg(long, value_name = "SECONDS", requires = "textfile", value_parser = seconds)]
    every: Option<Duration>,
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err("not within 0.1 to 86400".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// What the daemon answered.
struct Answer {
    hello: Hello,
    status: Status,
    /// The status as it came, with its newline.
    line: Vec<u8>,
}

/// The subscribers without the connection that asked: it came last, and no event was for it.
fn others(status: &Status) -> &[Reader] {
    match status.readers.split_last() {
        Some((last, others)) if (last.events, last.lost) == (0, 0) => others,
        _ => &status.readers,
    }
}

/// Asks once, or again and again with `--every`, and says what was answered.
///
/// # Errors
/// `Kind::Socket` if the daemon cannot be reached or does not answer; the text file is written
/// all the same.
pub fn run(args: Args) -> anyhow::Result<()> {
    let Some(file) = &args.textfile else {
        let answer = ask(&args.socket)?;
        let mut out = io::stdout().lock();
        if args.json {
            out.write_all(&answer.line)?;
        } else if args.prometheus {
            out.write_all(metrics::text(Some(&answer)).as_bytes())?;
        } else {
            out.write_all(table::text(&answer).as_bytes())?;
        }
        return Ok(out.flush()?);
    };
    match args.every {
        None => Ok(write(&args.socket, file)?),
        Some(interval) => repeat(&args.socket, file, interval),
    }
}

/// Asks and writes the file.
fn write(socket: &Path, file: &Path) -> Result<()> {
    let answer = ask(socket);
    textfile::replace(file, &metrics::text(answer.as_ref().ok()))?;
    answer.map(|_| ())
}

/// Writes the file until a signal comes. What is wrong is said when it begins and when it is
/// over; in between the file says it.
fn repeat(socket: &Path, file: &Path, interval: Duration) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(|error| {
            Error::new(Kind::System, "signals", "cannot be caught").because(error)
        })?;
    }
    let (mut first, mut trouble) = (true, None);
    while !stop.load(Ordering::Relaxed) {
        let next = Instant::now() + interval;
        match write(socket, file) {
            Ok(()) if trouble.is_some() => {
                trouble = None;
                log::info!("{}: the daemon answers again", socket.display());
            }
            Ok(()) => {}
            // A file that never could be written never will be.
            Err(error) if first && error.kind() != Kind::Socket => return Err(error.into()),
            Err(error) => {
                if trouble.replace(error.kind()) != Some(error.kind()) {
                    log::warn!("{error}");
                }
            }
        }
        first = false;
        while !stop.load(Ordering::Relaxed) && Instant::now() < next {
            std::thread::sleep(next.saturating_duration_since(Instant::now()).min(TICK));
        }
    }
    Ok(())
}

/// Asks the daemon how it is doing.
fn ask(path: &Path) -> Result<Answer> {
    let request = Request::Query(Query::Status).to_line();
    let mut link = Link::open(path, &request).map_err(|refused| refused.error)?;
    let end = Instant::now() + PATIENCE;
    let mut hello = None;
    while Instant::now() < end {
        let line = match link.read() {
            Read::Line(line) => line,
            Read::Nothing => continue,
            Read::Ended => return Err(link::closed(path)),
        };
        match (serde_json::from_slice(&line), hello.take()) {
            (Ok(Message::Hello(said)), _) => hello = Some(said),
            (Ok(Message::Status(status)), Some(hello)) => {
                return Ok(Answer { hello, status, line });
            }
            (Ok(Message::Error(refusal)), _) => {
                let wrong = format!("the daemon answers: {}", refusal.message);
                return Err(Error::new(Kind::Socket, path.display(), wrong));
            }
            // Events, and whatever a later daemon may say.
            (_, before) => hello = before,
        }
    }
    Err(link::hangs(path))
}
