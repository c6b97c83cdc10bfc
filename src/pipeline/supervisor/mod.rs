//! Decides what becomes of a failure: which source is lost, when it is opened again, and how
//! the whole is doing. Workers report to it; only it decides.
//!
//! [`Policy`] is a state machine that is told the time; [`Supervisor`] carries out what it
//! says, tells the [`Herald`], and feeds the watchdog while every stage moves.

mod arrivals;
mod backoff;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use crate::clock::{Clock, Mono};
use crate::error::{Error, Kind, Result};
use crate::event::{Device, DeviceState, State};

use super::Progress;
use super::worker::Post;
use arrivals::Arrivals;
use watch::Watch;

/// How often the supervisor looks after everything.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// How long the others have to come to their end when the run is over.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often the herald is told even if nothing has changed.
const REPORT: Duration = Duration::from_secs(1);

/// How a live run is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Starting, running, degraded or failed.
    pub state: State,
    /// Why, in a sentence; while running only what was asked for and refused.
    pub reason: Option<String>,
    /// The camera, if there is one.
    pub camera: Option<Device>,
    /// The microphone.
    pub microphone: Device,
}

/// Hangs on to the supervisor of a live run. It is called from the supervisor's thread and must
/// not wait for anything.
pub trait Herald: Send {
    /// How the run is doing: at every change, and about once a second.
    fn condition(&mut self, condition: &Condition, progress: &Progress) {
        let _ = (condition, progress);
    }

    /// Every stage has moved since the last call; about once in 100 ms at most.
    fn alive(&mut self) {}

    /// The run is over, and `who` has not come to its end for seconds; the run waits on.
    fn stuck(&mut self, who: &str) {
        log::error!("{who} does not come to its end");
    }
}

/// Nobody needs to know.
impl Herald for () {}

/// Perhaps somebody needs to know.
impl<H: Herald> Herald for Option<H> {
    fn condition(&mut self, condition: &Condition, progress: &Progress) {
        self.iter_mut().for_each(|herald| herald.condition(condition, progress));
    }

    fn alive(&mut self) {
        self.iter_mut().for_each(Herald::alive);
    }

    fn stuck(&mut self, who: &str) {
        self.iter_mut().for_each(|herald| herald.stuck(who));
    }
}

/// Which source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Camera,
    Microphone,
}

impl Role {
    /// What it gives.
    fn gives(self) -> &'static str {
        match self {
            Role::Camera => "frame",
            Role::Microphone => "samples",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Camera => "camera",
            Role::Microphone => "microphone",
        })
    }
}

/// What a worker reports.
#[derive(Debug)]
pub(super) enum Report {
    /// It was opened: its name, and the nominal time between two deliveries.
    Opened(Role, String, Option<Duration>),
    /// It could not be opened.
    Refused(Role, Error),
    /// It failed and is closed, or was closed as told.
    Lost(Role, Option<Error>),
    /// It has come to its end.
    Ended(Role),
    /// Something that was asked of the system was refused.
    Note(String),
    /// Something works by other means than it should.
    Impaired(String),
}

/// What a worker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Open(Role),
    Close(Role),
}

/// What the workers have done so far, as far as counters tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    /// Pictures and blocks given.
    pub given: [u64; 2],
    /// Rounds of the camera's worker, the microphone's worker, and perception.
    pub turns: [u64; 3],
}

/// The rules, without threads and devices.
#[derive(Debug)]
pub(super) struct Policy {
    camera: Option<Watch>,
    microphone: Watch,
    notes: Vec<String>,
    impaired: Vec<String>,
    failed: Option<Error>,
    turns: [u64; 3],
}

impl Policy {
    /// `camera` and `microphone` say whether each is a device that can be opened again; the
    /// same seed gives the same waits.
    pub fn new(camera: Option<bool>, microphone: bool, now: Mono, seed: u64) -> Policy {
        Policy {
            camera: camera.map(|device| Watch::new(Role::Camera, device, now, seed)),
            microphone: Watch::new(Role::Microphone, microphone, now, !seed),
            notes: Vec::new(),
            impaired: Vec::new(),
            failed: None,
            turns: [0; 3],
        }
    }

    /// Takes a worker's report.
    pub fn hear(&mut self, now: Mono, report: Report) {
        match report {
            Report::Opened(role, name, period) => {
                self.with(role, |watch| watch.opened(now, name, period));
            }
            Report::Refused(role, error) => {
                self.with(role, |watch| watch.refused(now, error));
                self.give_up_if_hopeless();
            }
            Report::Lost(role, error) => {
                let device = self.watch(role).is_none_or(Watch::is_device);
                match error {
                    Some(error) if !device => self.failed = self.failed.take().or(Some(error)),
                    error => self.with(role, |watch| watch.lost(now, error.as_ref())),
                }
            }
            Report::Ended(role) => self.with(role, Watch::ended),
            Report::Note(note) => warn_once(&mut self.notes, note),
            Report::Impaired(what) => warn_once(&mut self.impaired, what),
        }
    }

    /// What the workers shall do now.
    pub fn tick(&mut self, now: Mono, signs: &Signs) -> [Option<Order>; 2] {
        if self.failed.is_some() {
            return [None, None];
        }
        let [frames, blocks] = signs.given;
        let camera = self.camera.as_mut().and_then(|watch| watch.tick(now, frames));
        [camera, self.microphone.tick(now, blocks)]
    }

    /// Some device was plugged in: what is lost is tried soon.
    pub fn stir(&mut self, now: Mono) {
        self.camera.iter_mut().chain([&mut self.microphone]).for_each(|watch| watch.stir(now));
    }

    /// Whether every stage has moved since the last time that this was true. A source that has
    /// ended stands still with a right; one that is lost has a worker that comes round.
    pub fn all_alive(&mut self, signs: &Signs) -> bool {
        let still =
            [self.camera.as_ref().is_none_or(Watch::has_ended), self.microphone.has_ended(), false];
        let pairs = signs.turns.iter().zip(&self.turns).zip(still);
        let alive = pairs.into_iter().all(|((now, before), still)| still || now != before);
        if alive {
            self.turns = signs.turns;
        }
        alive
    }

    /// How the whole is doing.
    pub fn condition(&self) -> Condition {
        let watches: Vec<&Watch> = self.camera.iter().chain([&self.microphone]).collect();
        let any = |state| watches.iter().any(|watch| watch.state() == state);
        let (state, reason) = if let Some(error) = &self.failed {
            (State::Failed, Some(error.to_string()))
        } else if any(DeviceState::Lost) {
            let lost = watches.iter().filter_map(|watch| watch.reason());
            let reasons: Vec<&str> = lost.chain(self.impaired.iter().map(String::as_str)).collect();
            (State::Degraded, Some(reasons.join("; ")))
        } else if any(DeviceState::Starting) {
            (State::Starting, Some("opening camera and microphone".to_owned()))
        } else if !self.impaired.is_empty() {
            (State::Degraded, Some(self.impaired.join("; ")))
        } else {
            let notes = (!self.notes.is_empty()).then(|| self.notes.join("; "));
            (State::Running, notes)
        };
        Condition {
            state,
            reason,
            camera: self.camera.as_ref().map(Watch::device),
            microphone: self.microphone.device(),
        }
    }

    /// Why nothing can go on, if that is so.
    pub fn failure(self) -> Option<Error> {
        self.failed
    }

    /// Whether anything can be opened again.
    pub fn has_devices(&self) -> bool {
        self.camera.iter().chain([&self.microphone]).any(Watch::is_device)
    }

    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// What a source is called.
    pub fn describe(&self, role: Role) -> String {
        self.watch(role).map_or_else(|| role.to_string(), |watch| watch.short_name().to_owned())
    }

    fn watch(&self, role: Role) -> Option<&Watch> {
        match role {
            Role::Camera => self.camera.as_ref(),
            Role::Microphone => Some(&self.microphone),
        }
    }

    fn with(&mut self, role: Role, act: impl FnOnce(&mut Watch)) {
        let watch = match role {
            Role::Camera => self.camera.as_mut(),
            Role::Microphone => Some(&mut self.microphone),
        };
        if let Some(watch) = watch {
            act(watch);
        }
    }

    /// One device that cannot be had leaves the other; when neither can be had until the
    /// configuration is another, to wait is of no use.
    fn give_up_if_hopeless(&mut self) {
        let Some(deaf) = self.microphone.hopeless() else { return };
        let blind = match &self.camera {
            Some(camera) => match camera.hopeless() {
                Some(error) => format!("{error}; "),
                None => return,
            },
            None => String::new(),
        };
        let wrong = format!("neither can be opened: {blind}{deaf}");
        self.failed = Some(Error::new(Kind::Config, "camera and microphone", wrong));
    }
}

fn warn_once(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        log::warn!("{text}");
        list.push(text);
    }
}

/// A worker, as the supervisor reaches it.
pub(super) struct Reins<'a> {
    pub post: &'a Post,
    pub leave: Sender<()>,
}

/// Carries out the policy.
pub(super) struct Supervisor<'a> {
    pub policy: Policy,
    pub camera: Option<Reins<'a>>,
    pub microphone: Reins<'a>,
    pub reports: Receiver<Report>,
    pub progress: &'a Progress,
    pub clock: &'a dyn Clock,
    pub herald: &'a mut dyn Herald,
    /// Set when perception has come to its end.
    pub perceived: &'a AtomicBool,
    /// What the herald was told last, and when.
    told: Option<(Condition, Mono)>,
}

impl<'a> Supervisor<'a> {
    pub fn new(
        policy: Policy,
        camera: Option<Reins<'a>>,
        microphone: Reins<'a>,
        reports: Receiver<Report>,
        (clock, progress): (&'a dyn Clock, &'a Progress),
        herald: &'a mut dyn Herald,
        perceived: &'a AtomicBool,
    ) -> Self {
        let told = None;
        Supervisor { policy, camera, microphone, reports, progress, clock, herald, perceived, told }
    }

    /// Supervises until `stopped`, or until nothing can go on.
    ///
    /// # Errors
    /// Why nothing can go on.
    pub fn run(mut self, stopped: &dyn Fn() -> bool, halt: &AtomicBool) -> Result<()> {
        let mut arrivals = self.policy.has_devices().then(Arrivals::of_devices).flatten();
        while !stopped() {
            if let Ok(report) = self.reports.recv_timeout(TICK) {
                self.policy.hear(self.clock.now(), report);
            }
            if arrivals.as_mut().is_some_and(Arrivals::any) {
                self.policy.stir(self.clock.now());
            }
            self.turn();
            if self.policy.has_failed() {
                halt.store(true, Ordering::Relaxed);
            }
        }
        self.see_off();
        self.policy.failure().map_or(Ok(()), Err)
    }

    /// Waits until all the others have come to their end, and tells the herald who does not.
    fn see_off(&mut self) {
        let end = Instant::now() + FAREWELL;
        let mut told = false;
        while let Some(who) = self.slowest() {
            if Instant::now() >= end && !told {
                told = true;
                self.herald.stuck(&who);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// One that has not come to its end.
    fn slowest(&self) -> Option<String> {
        let running = |reins: &&Reins<'_>| !reins.post.over.load(Ordering::Acquire);
        let camera = self.camera.as_ref().filter(running).map(|_| Role::Camera);
        let role = camera.or(Some(&self.microphone).filter(running).map(|_| Role::Microphone));
        let perceives = !self.perceived.load(Ordering::Acquire);
        role.map(|role| self.policy.describe(role))
            .or_else(|| perceives.then(|| "perception".to_owned()))
    }

    /// Looks after everything once.
    pub fn turn(&mut self) {
        let now = self.clock.now();
        while let Ok(report) = self.reports.try_recv() {
            self.policy.hear(now, report);
        }
        let signs = self.signs();
        for order in self.policy.tick(now, &signs).into_iter().flatten() {
            self.carry_out(order);
        }
        let condition = self.policy.condition();
        let news = self
            .told
            .as_ref()
            .is_none_or(|(told, at)| *told != condition || now.since(*at) >= REPORT);
        if news {
            self.herald.condition(&condition, self.progress);
            self.told = Some((condition, now));
        }
        if self.policy.all_alive(&signs) {
            self.herald.alive();
        }
    }

    fn signs(&self) -> Signs {
        let post = |reins: &Reins<'_>| {
            let (given, turns) = (&reins.post.given, &reins.post.turns);
            (given.load(Ordering::Relaxed), turns.load(Ordering::Relaxed))
        };
        let (frames, camera) = self.camera.as_ref().map(post).unwrap_or_default();
        let (blocks, microphone) = post(&self.microphone);
        let perception = self.progress.turns.load(Ordering::Relaxed);
        Signs { given: [frames, blocks], turns: [camera, microphone, perception] }
    }

    fn carry_out(&self, order: Order) {
        let (Order::Open(role) | Order::Close(role)) = order;
        let reins = match role {
            Role::Camera => self.camera.as_ref(),
            Role::Microphone => Some(&self.microphone),
        };
        let Some(reins) = reins else { return };
        match order {
            // A worker that has leave and has not used it yet needs no other.
            Order::Open(_) => drop(reins.leave.try_send(())),
            Order::Close(_) => reins.post.close.store(true, Ordering::Relaxed),
        }
    }
}
