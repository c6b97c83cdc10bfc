//! `tyto watch`: what the daemon hears, as a table on a terminal and as JSON lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use tyto::error::{Error, Kind};
use tyto::event::filter::Filter;
use tyto::event::request::{Query, Request};
use tyto::event::{Message, SCHEMA};

use table::Screen;

use super::link::{self, Link, Read};

mod table;

/// The first wait before connecting again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Options of `tyto watch`.
#[derive(clap::Args)]
pub struct Args {
    /// Socket of the daemon
    #[arg(long, value_name = "PATH", default_value_os_t = tyto::serve::Options::default().path)]
    socket: PathBuf,
    /// Only sounds with this label, such as Dog; may be given several times
    #[arg(long = "label", value_name = "LABEL", value_parser = label)]
    labels: Vec<String>,
    /// Only sounds of at least this confidence, 0 to 1
    #[arg(long, value_name = "P", value_parser = min_confidence)]
    min_confidence: Option<f64>,
    /// Only sounds between these azimuths, the one further right first: -30,30 is ahead
    #[arg(long, value_name = "DEG,DEG", allow_hyphen_values = true, value_parser = azimuth)]
    azimuth: Option<[f64; 2]>,
    /// At most so many updates a second and track
    #[arg(long, value_name = "HZ", value_parser = max_rate)]
    max_rate: Option<f64>,
    /// Ask for similarity maps; they show in the JSON lines only
    #[arg(long)]
    map: bool,
    /// Print JSON lines, as received, on a terminal too
    #[arg(long)]
    json: bool,
    /// End after so many sound events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after one sound event
    #[arg(long, conflicts_with = "count")]
    once: bool,
    /// End when the daemon is not there or goes away, instead of waiting for it
    #[arg(long)]
    no_reconnect: bool,
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| "not a number".to_owned())
}

fn checked<T>(value: T, filter: Filter) -> Result<T, String> {
    filter.check().map(|()| value)
}

fn label(text: &str) -> Result<String, String> {
    let label = text.to_owned();
    checked(label.clone(), Filter { labels: Some(vec![label]), ..Filter::default() })
}

fn min_confidence(text: &str) -> Result<f64, String> {
    let value = number(text)?;
    checked(value, Filter { min_confidence: Some(value), ..Filter::default() })
}

fn azimuth(text: &str) -> Result<[f64; 2], String> {
    let (low, high) = text.split_once(',').ok_or("not two numbers with a comma between them")?;
    let value = [number(low)?, number(high)?];
    checked(value, Filter { azimuth_deg: Some(value), ..Filter::default() })
}

fn max_rate(text: &str) -> Result<f64, String> {
    let value = number(text)?;
    checked(value, Filter { max_rate_hz: Some(value), ..Filter::default() })
}

impl Args {
    fn filter(&self) -> Filter {
        Filter {
            labels: (!self.labels.is_empty()).then(|| self.labels.clone()),
            min_confidence: self.min_confidence,
            azimuth_deg: self.azimuth,
            max_rate_hz: self.max_rate,
            map: self.map,
        }
    }
}

/// Watches until it is told to stop, the output is closed, or enough events came.
///
/// # Errors
/// `Kind::Socket` if the daemon cannot be reached, and waiting would not help or is not wanted.
pub fn run(args: Args) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(|error| {
            Error::new(Kind::System, "signals", "cannot be caught").because(error)
        })?;
    }
    let table = !args.json && io::stdout().is_terminal();
    let mut watch = Watch {
        stop,
        screen: table.then(Screen::new),
        left: if args.once { Some(1) } else { args.count },
        narrow: false,
    };
    watch.follow(&args)
}

/// Why a connection is no longer followed.
enum End {
    /// What was asked for is done.
    Done,
    /// The daemon closed it.
    Gone,
}

struct Watch {
    stop: Arc<AtomicBool>,
    /// The table; without it lines go out as they came.
    screen: Option<Screen>,
    /// Sound events until the end, if there is an end.
    left: Option<u64>,
    /// Whether there is a filter.
    narrow: bool,
}

impl Watch {
    /// Connects, again and again if wanted.
    fn follow(&mut self, args: &Args) -> anyhow::Result<()> {
        let filter = args.filter();
        self.narrow = filter != Filter::default();
        // The answer gives the table its state, and shows from where on the filter holds.
        let request =
            Request::Subscribe(filter).to_line() + &Request::Query(Query::Status).to_line();
        let (mut wait, mut told) = (FIRST_WAIT, false);
        while !self.stopped() {
            match Link::open(&args.socket, &request) {
                Ok(mut link) => {
                    if told {
                        self.notice(&args.socket, "connected")?;
                    }
                    (wait, told) = (FIRST_WAIT, true);
                    match self.listen(&mut link)? {
                        End::Done => break,
                        End::Gone if args.no_reconnect && self.left.is_none() => break,
                        End::Gone if args.no_reconnect => {
                            return Err(link::closed(&args.socket).into());
                        }
                        End::Gone => {
                            self.notice(
                                &args.socket,
                                "the daemon closed the connection; connecting again",
                            )?;
                        }
                    }
                }
                Err(refused) if args.no_reconnect || !refused.may_pass => {
                    return Err(refused.error.into());
                }
                Err(refused) => {
                    if !told {
                        told = true;
                        self.say(&format!("{}; trying again until it is there", refused.error))?;
                    }
                }
            }
            self.pause(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        // The last state stays on the terminal.
        self.screen.as_mut().map_or(Ok(()), |screen| screen.draw_now(Instant::now()))?;
        Ok(())
    }

    /// Shows what comes, until there is a reason to end.
    fn listen(&mut self, link: &mut Link) -> anyhow::Result<End> {
        let mut early = self.narrow;
        while !self.stopped() {
            let line = match link.read() {
                Read::Line(line) => line,
                Read::Nothing => {
                    self.draw()?;
                    continue;
                }
                Read::Ended => return Ok(End::Gone),
            };
            // A kind of message that a later daemon has and this program does not know is
            // nothing for the table, but goes out with the lines.
            let message = serde_json::from_slice(&line).ok();
            match message {
                // Sent before the daemon had read the filter.
                Some(Message::Sound(_)) if early => continue,
                Some(Message::Status(_)) => early = false,
                _ => {}
            }
            self.show(&line, message.as_ref())?;
            if let Some(Message::Sound(_)) = message
                && let Some(left) = &mut self.left
            {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    return Ok(End::Done);
                }
            }
        }
        Ok(End::Done)
    }

    fn show(&mut self, line: &[u8], message: Option<&Message>) -> anyhow::Result<()> {
        if let Some(Message::Hello(hello)) = message
            && hello.schema > SCHEMA
        {
            let schema = hello.schema;
            self.say(&format!("the daemon speaks schema {schema}, this program {SCHEMA}: it may tell more than is shown"))?;
        }
        let Some(screen) = &mut self.screen else {
            io::stdout().lock().write_all(line)?;
            return Ok(());
        };
        if let Some(message) = message {
            screen.take(message, Instant::now());
        }
        screen.draw(Instant::now())?;
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        self.screen.as_mut().map_or(Ok(()), |screen| screen.draw(Instant::now()))
    }

    /// Tells of the connection; rows of the one before mean nothing any more.
    fn notice(&mut self, socket: &Path, text: &str) -> anyhow::Result<()> {
        if let Some(screen) = &mut self.screen {
            screen.forget();
        }
        self.say(&format!("{}: {text}", socket.display()))
    }

    /// Says something beside the table.
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        if let Some(screen) = &mut self.screen {
            screen.clear()?;
        }
        log::warn!("{text}");
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits, but not longer than it may go on.
    fn pause(&self, wait: Duration) {
        let end = Instant::now() + wait;
        while !self.stopped() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
