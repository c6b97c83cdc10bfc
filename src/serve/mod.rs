//! The event socket: accepts subscribers, fans events out, answers questions.
//!
//! One thread does all of it. A [`Publisher`] hands it events and never waits for anyone;
//! a subscriber that reads too slowly loses its own oldest events and is told how many.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use mio::Waker;

use crate::clock::{Clock, Mono};
use crate::config::Socket;
use crate::error::{Error, Kind, Result};
use crate::event::{Hello, Sound, Status};

mod bind;
mod host;
mod interest;
mod lines;
mod notify;
mod queue;
mod service;
mod subscriber;

pub use notify::Notifier;

/// How many events may wait for the service thread: minutes of an ordinary day, so that
/// only a thread that gets no processor time at all falls behind.
const BACKLOG: usize = 4096;

/// Subscribers at a time unless asked otherwise: more than a board has programs.
const SUBSCRIBERS: usize = 64;

/// Where the socket is and how it treats its subscribers.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Path of the socket, at most 107 bytes. Its folder must be there.
    pub path: PathBuf,
    /// Permission bits of the socket; to connect takes the right to write.
    pub mode: u32,
    /// Group that the socket is given to, by name or number; the daemon's own if absent.
    pub group: Option<String>,
    /// Events that wait for a slow subscriber before it loses the oldest, 1 to 65,536.
    pub queue: usize,
    /// Subscribers at a time, 1 to 1,000; one more is told so and turned away.
    pub subscribers: usize,
    /// How long a subscriber hears nothing before it gets a status line, 0.1 s to an hour.
    pub heartbeat: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options::from(&Socket::default())
    }
}

impl From<&Socket> for Options {
    fn from(section: &Socket) -> Self {
        // What is no duration is refused by `check`, as what is no socket is by binding.
        let heartbeat = Duration::try_from_secs_f64(section.heartbeat_s).unwrap_or_default();
        Options {
            path: section.path.clone(),
            mode: section.mode.0,
            group: section.group.clone(),
            queue: section.queue,
            subscribers: SUBSCRIBERS,
            heartbeat,
        }
    }
}

impl Options {
    /// Whether all values are within their ranges.
    ///
    /// # Errors
    /// `Kind::Config`, naming the key and its range.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, wrong: String| {
            Err(Error::new(Kind::Config, format_args!("socket.{key}"), wrong))
        };
        if self.mode > 0o777 {
            return refuse("mode", format!("{:#o} is not within 0 to 0o777", self.mode));
        }
        if !(1..=65_536).contains(&self.queue) {
            return refuse("queue", format!("{} is not within 1 to 65536", self.queue));
        }
        if !(1..=1000).contains(&self.subscribers) {
            return refuse("subscribers", format!("{} is not within 1 to 1000", self.subscribers));
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&self.heartbeat) {
            let wrong = format!("{:?} is not within 100 ms to an hour", self.heartbeat);
            return refuse("heartbeat_s", wrong);
        }
        Ok(())
    }
}

/// What goes from the publishers to the service thread.
enum Note {
    /// An event, when it was published, and how many before it found no room.
    Sound { sound: Box<Sound>, at: Mono, missed: u64 },
    /// The newest status.
    Status(Box<Status>),
}

/// What publishers and the service thread both see.
#[derive(Default)]
struct Shared {
    subscribers: AtomicU64,
    lost: AtomicU64,
    missed: AtomicU64,
    turns: AtomicU64,
    stop: AtomicBool,
}

/// The running service. Dropping it stops it.
pub struct Server {
    publisher: Publisher,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds the socket and starts the service thread.
    ///
    /// `hello` becomes the first line of every connection; `clock` stamps what is sent.
    ///
    /// # Errors
    /// `Kind::Config` for an option out of range, `Kind::Socket` if the socket cannot be had:
    /// the text names the path and says what to do.
    pub fn start(options: Options, hello: Hello, clock: Arc<dyn Clock>) -> Result<Server> {
        options.check()?;
        let bound = bind::Bound::new(&options)?;
        let (sender, receiver): (Sender<Note>, Receiver<Note>) = bounded(BACKLOG);
        let shared = Arc::new(Shared::default());
        let path = options.path.clone();
        let system = |wrong: &'static str| {
            move |error: std::io::Error| {
                Error::new(Kind::System, path.display(), wrong).because(error)
            }
        };
        let (service, waker) = service::Service::new(
            options,
            bound,
            &hello,
            Arc::clone(&clock),
            receiver,
            Arc::clone(&shared),
        )
        .map_err(system.clone()("the event service cannot be set up"))?;
        let thread = std::thread::Builder::new()
            .name("tyto-serve".into())
            .spawn(move || service.run())
            .map_err(system("the event service cannot be started"))?;
        let publisher = Publisher { sender, waker: Arc::new(waker), shared, clock };
        Ok(Server { publisher, thread: Some(thread) })
    }

    /// A handle to publish with; as many as there are threads that want one.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Sends what is still queued to those who read it within half a second, closes every
    /// connection, removes the socket and ends the thread.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.publisher.shared.stop.store(true, Ordering::Release);
        self.publisher.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the event service ended in a panic");
        }
    }
}

/// Hands events to the service thread, and never waits.
#[derive(Clone)]
pub struct Publisher {
    sender: Sender<Note>,
    waker: Arc<Waker>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

impl Publisher {
    /// Sends an event to every subscriber that wants it.
    ///
    /// Its `latency_ms` must hold up to now; the time until it is written is added. Its
    /// `map`, if it has one, goes to those who asked for maps.
    pub fn sound(&self, sound: Sound) {
        if self.subscribers() == 0 {
            return;
        }
        let missed = self.shared.missed.swap(0, Ordering::Relaxed);
        let note = Note::Sound { sound: Box::new(sound), at: self.clock.now(), missed };
        match self.sender.try_send(note) {
            Ok(()) => self.wake(),
            Err(_) => {
                self.shared.missed.fetch_add(missed + 1, Ordering::Relaxed);
            }
        }
    }

    /// Keeps the newest status for those who ask, and sends it to every subscriber if its
    /// state or reason changed.
    ///
    /// When it is sent, `time` and `uptime_s` are brought up to date, and what only the service
    /// knows is filled in: the counters `subscribers` and `events_lost`, `host`, `readers`, and
    /// of `queues` the events that wait for the service.
    pub fn status(&self, status: Status) {
        // If there is no room, events are waiting too, and the next status is not far.
        if self.sender.try_send(Note::Status(Box::new(status))).is_ok() {
            self.wake();
        }
    }

    /// Subscribers connected now.
    pub fn subscribers(&self) -> u64 {
        self.shared.subscribers.load(Ordering::Acquire)
    }

    /// Events lost by slow subscribers since the start, all together.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Times the service thread has gone round: it does so at least once a second, so that a
    /// number that stands still is a thread that hangs.
    pub fn turns(&self) -> u64 {
        self.shared.turns.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("the event service cannot be woken: {error}");
        }
    }
}
