//! The service thread.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use mio::net::UnixStream;
use mio::{Events, Interest as Readiness, Poll, Token, Waker};

use super::bind::Bound;
use super::host::Gauge;
use super::queue::{Line, line};
use super::subscriber::Subscriber;
use super::{BACKLOG, Note, Options, Shared};
use crate::clock::{Clock, Mono};
use crate::event::request::{Query, Request};
use crate::event::{Hello, Message, Reader, Refusal, Sound, Status, rfc3339};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// The first subscriber's token; numbers are not used again, so that a late report of the
/// kernel never reaches the wrong one.
const FIRST: usize = 2;

/// Connections accepted, and notes taken, before everyone is served.
const ACCEPTS_PER_TURN: usize = 16;
const NOTES_PER_TURN: usize = 32;

/// How long the kernel is left alone after it had no descriptor for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// The longest wait: whoever watches over this thread sees it go round.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long subscribers have to take what is queued when the daemon stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// Everything the service thread owns.
pub(super) struct Service {
    options: Options,
    bound: Bound,
    poll: Poll,
    clock: Arc<dyn Clock>,
    notes: Receiver<Note>,
    shared: Arc<Shared>,
    hello: Line,
    /// The newest status and when it came.
    status: (Status, Mono),
    gauge: Gauge,
    needs_restart: Vec<String>,
    subscribers: BTreeMap<usize, Subscriber>,
    next: usize,
    /// Connections may be waiting, to be accepted from this instant on.
    accept_from: Option<Instant>,
}

impl Service {
    /// Readies everything; the waker ends the thread's wait.
    pub fn new(
        options: Options,
        mut bound: Bound,
        hello: &Hello,
        clock: Arc<dyn Clock>,
        notes: Receiver<Note>,
        shared: Arc<Shared>,
    ) -> io::Result<(Service, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        poll.registry().register(&mut bound.listener, LISTENER, Readiness::READABLE)?;
        let now = clock.now();
        let starting = Status { time: rfc3339(clock.wall(now)), ..Status::default() };
        let service = Service {
            options,
            bound,
            poll,
            clock,
            notes,
            shared,
            hello: line(&Message::Hello(hello.clone())),
            status: (starting, now),
            gauge: Gauge::new(),
            needs_restart: Vec::new(),
            subscribers: BTreeMap::new(),
            next: FIRST,
            accept_from: None,
        };
        Ok((service, waker))
    }

    /// Serves until told to stop.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(128);
        while !self.shared.stop.load(Ordering::Acquire) {
            if let Err(error) = self.wait(&mut events) {
                log::error!("the event service ends: {error}");
                return;
            }
            self.turn();
        }
        self.say_farewell(&mut events);
    }

    /// Waits until there is something to do.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, Some(self.timeout())) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => events.clear(),
            Err(error) => return Err(error),
        }
        for event in events.iter() {
            match event.token() {
                LISTENER => self.accept_from = self.accept_from.or(Some(Instant::now())),
                WAKER => {}
                Token(number) => {
                    if let Some(subscriber) = self.subscribers.get_mut(&number) {
                        subscriber.notice(event);
                    }
                }
            }
        }
        Ok(())
    }

    /// How long nothing needs doing unless the kernel or a publisher says so.
    fn timeout(&self) -> Duration {
        if !self.notes.is_empty() || self.subscribers.values().any(Subscriber::wants_turn) {
            return Duration::ZERO;
        }
        let now = self.clock.now();
        let accept = self.accept_from.map(|from| from.saturating_duration_since(Instant::now()));
        let subscribers = self.subscribers.values().flat_map(|subscriber| {
            let heartbeat = subscriber.spoken + self.options.heartbeat;
            [Some(heartbeat), subscriber.interest.next_due()]
        });
        let due = subscribers.flatten().map(|due| due.since(now));
        // The kernel counts in milliseconds: rounded down it would be asked in vain.
        let wait = due.chain(accept).min().map(|wait| wait + Duration::from_millis(1));
        wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }

    /// A bounded share of work for everyone.
    fn turn(&mut self) {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        // First what was handed over: who connects after a reload is greeted in its words.
        for _ in 0..NOTES_PER_TURN {
            let Ok(note) = self.notes.try_recv() else { break };
            self.take(note);
        }
        self.accept();
        self.hear();
        self.remind();
        self.flush();
    }

    fn accept(&mut self) {
        if self.accept_from.is_none_or(|from| from > Instant::now()) {
            return;
        }
        for _ in 0..ACCEPTS_PER_TURN {
            match self.bound.listener.accept() {
                Ok((stream, _)) => self.welcome(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accept_from = None;
                    return;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                    ) => {}
                // It was handed over, and is not what it was taken for.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    log::error!("{}: is not listening: {error}", self.options.path.display());
                    self.accept_from = None;
                    return;
                }
                Err(error) => {
                    log::warn!("{}: no connection: {error}", self.options.path.display());
                    self.accept_from = Some(Instant::now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, mut stream: UnixStream) {
        if self.subscribers.len() >= self.options.subscribers {
            let message = format!("there are {} subscribers already", self.subscribers.len());
            log::warn!("{}: one turned away: {message}", self.options.path.display());
            let refusal = line(&Message::Error(Refusal { message }));
            // It is gone whether it hears this or not.
            let _ = stream.write_all(&self.hello).and_then(|()| stream.write_all(&refusal));
            return;
        }
        let token = Token(self.next);
        let both = Readiness::READABLE | Readiness::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, token, both) {
            log::warn!("{}: no connection: {error}", self.options.path.display());
            return;
        }
        self.next += 1;
        let mut subscriber = Subscriber::new(stream, self.options.queue, self.clock.now());
        subscriber.queue.push_answer(Arc::clone(&self.hello));
        self.subscribers.insert(token.0, subscriber);
        self.count_subscribers();
    }

    fn count_subscribers(&self) {
        self.shared.subscribers.store(self.subscribers.len() as u64, Ordering::Release);
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Sound { sound, at, missed } => self.fan_out(*sound, at, missed),
            Note::Hello(hello) => self.hello = line(&Message::Hello(*hello)),
            Note::Options { options, hello, needs_restart } => {
                let path = std::mem::take(&mut self.options.path);
                self.options = Options { path, ..*options };
                self.hello = line(&Message::Hello(*hello));
                self.needs_restart = needs_restart;
            }
            Note::Status(status) => {
                let before = &self.status.0;
                let changed = before.state != status.state || before.reason != status.reason;
                self.status = (*status, self.clock.now());
                if changed {
                    let line = self.status_line();
                    let now = self.clock.now();
                    for subscriber in self.subscribers.values_mut() {
                        let lost = subscriber.queue.push_status(Arc::clone(&line));
                        subscriber.spoken = now;
                        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    fn fan_out(&mut self, mut sound: Sound, at: Mono, missed: u64) {
        let now = self.clock.now();
        sound.latency_ms += now.since(at).as_secs_f64() * 1e3;
        let mut forms = Forms::of(&mut sound);
        let mut lost = 0;
        for subscriber in self.subscribers.values_mut() {
            if missed > 0 {
                lost += missed + subscriber.queue.push_gap(missed);
            }
            let line = subscriber.interest.offer(&sound, now, |map| forms.line(&sound, map));
            if let Some(line) = line {
                lost += subscriber.queue.push_sound(line);
                subscriber.spoken = now;
            }
        }
        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
    }

    fn hear(&mut self) {
        let now = self.clock.now();
        let mut status = None;
        let numbers: Vec<usize> = self.subscribers.keys().copied().collect();
        for number in numbers {
            let heard = self.subscribers.get_mut(&number).map(Subscriber::hear).unwrap_or_default();
            for request in heard {
                let answer = match request {
                    Ok(Request::Subscribe(filter)) => {
                        if let Some(subscriber) = self.subscribers.get_mut(&number) {
                            subscriber.interest.replace(filter, now);
                        }
                        continue;
                    }
                    Ok(Request::Query(Query::Status)) => {
                        Arc::clone(status.get_or_insert_with(|| self.status_line()))
                    }
                    Err(refusal) => line(&Message::Error(refusal)),
                };
                if let Some(subscriber) = self.subscribers.get_mut(&number) {
                    subscriber.queue.push_answer(answer);
                    subscriber.spoken = now;
                }
            }
        }
    }

    /// Updates held back by a rate cap, and heartbeats.
    fn remind(&mut self) {
        let now = self.clock.now();
        let mut status = None;
        let numbers: Vec<usize> = self.subscribers.keys().copied().collect();
        for number in numbers {
            let Some(subscriber) = self.subscribers.get_mut(&number) else { continue };
            let mut lost = 0;
            subscriber.interest.due(now, |line| {
                lost += subscriber.queue.push_sound(line);
                subscriber.spoken = now;
            });
            if now.since(subscriber.spoken) >= self.options.heartbeat {
                subscriber.spoken = now;
                let line = Arc::clone(status.get_or_insert_with(|| self.status_line()));
                if let Some(subscriber) = self.subscribers.get_mut(&number) {
                    lost += subscriber.queue.push_status(line);
                }
            }
            self.shared.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }

    fn flush(&mut self) {
        let before = self.subscribers.len();
        self.subscribers.retain(|_, subscriber| {
            subscriber.flush();
            !subscriber.gone()
        });
        if self.subscribers.len() != before {
            self.count_subscribers();
        }
    }

    /// The newest status as of now.
    fn status_line(&mut self) -> Line {
        let now = self.clock.now();
        let (mut status, since) = self.status.clone();
        status.time = rfc3339(self.clock.wall(now));
        status.uptime_s += now.since(since).as_secs_f64();
        status.counters.subscribers = self.subscribers.len() as u64;
        status.counters.events_lost = self.shared.lost.load(Ordering::Relaxed);
        status.queues.get_or_insert_default().events_waiting = self.notes.len() as u64;
        status.host = Some(self.gauge.read(now));
        status.readers = self.readers();
        status.needs_restart.clone_from(&self.needs_restart);
        line(&Message::Status(status))
    }

    fn readers(&self) -> Vec<Reader> {
        let reader = |(number, subscriber): (&usize, &Subscriber)| Reader {
            id: (number - FIRST) as u64 + 1,
            events: subscriber.queue.sent(),
            lost: subscriber.queue.dropped(),
            waiting: subscriber.queue.waiting(),
        };
        self.subscribers.iter().map(reader).collect()
    }

    /// Gives those who read a moment to take what is queued for them.
    fn say_farewell(&mut self, events: &mut Events) {
        // No more than can be there now: a publisher may still be at it.
        for note in self.notes.clone().try_iter().take(BACKLOG) {
            self.take(note);
            self.flush();
        }
        let end = Instant::now() + FAREWELL;
        loop {
            self.flush();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.subscribers.values().all(|s| s.queue.is_empty()) {
                return;
            }
            match self.poll.poll(events, Some(left)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            for event in events.iter() {
                if let Some(subscriber) = self.subscribers.get_mut(&event.token().0) {
                    subscriber.notice(event);
                }
            }
        }
    }
}

/// One event in the forms that subscribers want, each made once.
struct Forms {
    map: Option<Vec<Vec<f32>>>,
    plain: Option<Line>,
    mapped: Option<Line>,
}

impl Forms {
    /// Takes the map out of the event.
    fn of(sound: &mut Sound) -> Forms {
        Forms { map: sound.map.take(), plain: None, mapped: None }
    }

    fn line(&mut self, sound: &Sound, with_map: bool) -> Line {
        let form = if with_map { &mut self.mapped } else { &mut self.plain };
        Arc::clone(form.get_or_insert_with(|| {
            let map = if with_map { self.map.take() } else { None };
            line(&Message::Sound(Sound { map, ..sound.clone() }))
        }))
    }
}
