//! The event socket: accepts subscribers, fans events out, answers questions.
//!
//! One thread does all of it. A [`Publisher`] hands it events and never waits for anyone;
//! a subscriber that reads too slowly loses its own oldest events and is told how many.

use std::path::{Path, PathBuf};
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
mod handed;
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

/// How long a new configuration may wait for its place among the events.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// Another greeting.
    Hello(Box<Hello>),
    /// Another configuration, and what of it needs a restart.
    Options { options: Box<Options>, hello: Box<Hello>, needs_restart: Vec<String> },
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
    path: PathBuf,
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
        Server::serve(options, bound, &hello, clock)
    }

    /// As [`start`](Self::start), on the socket that the service manager has handed to this
    /// process if it has. Path, group and mode are then the manager's to choose, and the path
    /// stays when the server stops.
    ///
    /// # Errors
    /// As [`start`](Self::start); `Kind::Socket` if what was handed over is no such socket.
    pub fn start_activated(
        mut options: Options,
        hello: Hello,
        clock: Arc<dyn Clock>,
    ) -> Result<Server> {
        let Some((listener, path)) = handed::take()? else {
            return Server::start(options, hello, clock);
        };
        log::info!("{}: handed over by the service manager", path.display());
        options.path = path;
        options.check()?;
        let bound = bind::Bound::handed(listener, &options.path)?;
        Server::serve(options, bound, &hello, clock)
    }

    fn serve(
        options: Options,
        bound: bind::Bound,
        hello: &Hello,
        clock: Arc<dyn Clock>,
    ) -> Result<Server> {
        let (sender, receiver): (Sender<Note>, Receiver<Note>) = bounded(BACKLOG);
        let shared = Arc::new(Shared::default());
        let own = bound.own();
        let path = options.path.clone();
        let system = |wrong: &'static str| {
            let path = path.clone();
            move |error: std::io::Error| {
                Error::new(Kind::System, path.display(), wrong).because(error)
            }
        };
        let (service, waker) = service::Service::new(
            options,
            bound,
            hello,
            Arc::clone(&clock),
            receiver,
            Arc::clone(&shared),
        )
        .map_err(system("the event service cannot be set up"))?;
        let thread = std::thread::Builder::new()
            .name("tyto-serve".into())
            .spawn(move || service.run())
            .map_err(system("the event service cannot be started"))?;
        let publisher = Publisher { sender, waker: Arc::new(waker), shared, clock, own };
        Ok(Server { publisher, thread: Some(thread), path })
    }

    /// Where subscribers connect.
    pub fn path(&self) -> &Path {
        &self.path
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
    own: Option<Arc<bind::Own>>,
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

    /// Greets those who connect from now on in these words, and says whether the service
    /// thread will learn of it: if it is behind, ask again later.
    pub fn greet(&self, hello: Hello) -> bool {
        let taken = self.sender.try_send(Note::Hello(Box::new(hello))).is_ok();
        if taken {
            self.wake();
        }
        taken
    }

    /// Goes on with other options: group and mode of the socket and the heartbeat for everyone,
    /// queue, number and greeting for those who come from now on. The path stays. Whoever asks
    /// for the status is told of the keys that need a restart.
    ///
    /// # Errors
    /// `Kind::Config` for an option out of range, `Kind::Socket` if the socket cannot be given
    /// to the group; then nothing has changed. `Kind::System` if the service thread hangs.
    pub fn reconfigure(
        &self,
        options: Options,
        hello: Hello,
        needs_restart: Vec<String>,
    ) -> Result<()> {
        options.check()?;
        if let Some(own) = &self.own {
            own.admit(&options)?;
        }
        let (options, hello) = (Box::new(options), Box::new(hello));
        let note = Note::Options { options, hello, needs_restart };
        // Unlike an event this has to arrive, and whoever reloads has the time.
        self.sender.send_timeout(note, PATIENCE).map_err(|_| {
            Error::new(Kind::System, "the event service", "does not take its new configuration")
        })?;
        self.wake();
        Ok(())
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
