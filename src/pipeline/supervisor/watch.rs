//! The supervisor's view of one source: a state machine that is told what happened and what
//! time it is, and says what to do. It knows no thread and no device.

use std::time::Duration;

use crate::clock::Mono;
use crate::error::{Error, Kind};
use crate::event::{Device, DeviceState};

use super::backoff::Backoff;
use super::{Order, Role};

/// A device that gives nothing for this long, or for [`PERIODS`] of its own, is opened again.
const STALL: Duration = Duration::from_secs(2);
const PERIODS: u32 = 4;
/// Some cameras need seconds to their first picture.
const FIRST: Duration = Duration::from_secs(5);
/// What is opened, closed or asked and has not come back for this long hangs in its driver.
const HUNG: Duration = Duration::from_secs(5);
/// A node that has just appeared is given its permissions, and its other names, in this time.
const SETTLES: Duration = Duration::from_millis(300);
/// A device that has run for this long has recovered, and its waits begin anew.
const WELL: Duration = Duration::from_secs(10);

/// Where the worker is, as far as its reports tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Closed, to be opened at this time.
    Closed(Mono),
    /// Told to open.
    Opening(Mono),
    /// Open.
    Open(Mono),
    /// Told to close.
    Closing(Mono),
    /// Has come to its end.
    Ended,
}

/// One source under supervision.
#[derive(Debug)]
pub(super) struct Watch {
    role: Role,
    /// Whether it is opened again when it is lost; of a given source that is the end.
    device: bool,
    stage: Stage,
    name: String,
    state: DeviceState,
    reason: Option<String>,
    reopens: u64,
    stall: Duration,
    /// How much was given, and when that moved last; `None` before the first since the opening.
    given: u64,
    moved: Option<Mono>,
    running_since: Option<Mono>,
    backoff: Backoff,
    /// Why it cannot be had however long one waits.
    hopeless: Option<Error>,
}

impl Watch {
    /// A source that is to be opened at once.
    pub fn new(role: Role, device: bool, now: Mono, seed: u64) -> Watch {
        Watch {
            role,
            device,
            stage: Stage::Closed(now),
            name: role.to_string(),
            state: DeviceState::Starting,
            reason: None,
            reopens: 0,
            stall: STALL,
            given: 0,
            moved: None,
            running_since: None,
            backoff: Backoff::new(seed),
            hopeless: None,
        }
    }

    /// The worker has opened it; `period` is the nominal time between two deliveries.
    pub fn opened(&mut self, now: Mono, name: String, period: Option<Duration>) {
        if self.device {
            log::info!("{name}");
        }
        self.name = name;
        self.stage = Stage::Open(now);
        self.moved = None;
        self.hopeless = None;
        let periods = period.map(|period| period.saturating_mul(PERIODS));
        self.stall = STALL.max(periods.unwrap_or_default());
    }

    /// The worker could not open it.
    pub fn refused(&mut self, now: Mono, error: Error) {
        self.lose(now, format!("{}; trying again", self.words(&error)));
        if error.kind() == Kind::Config && self.running_since.is_none() {
            self.hopeless = Some(error);
        }
    }

    /// The worker has closed it: because it failed, or because it was told to.
    pub fn lost(&mut self, now: Mono, error: Option<&Error>) {
        match error {
            Some(error) => self.lose(now, format!("{}; reopening", self.words(error))),
            None => self.rest(now),
        }
    }

    /// It has come to its end.
    pub fn ended(&mut self) {
        self.stage = Stage::Ended;
    }

    /// Some device was plugged in, perhaps this one: it is tried soon, and at short intervals.
    pub fn stir(&mut self, now: Mono) {
        if let Stage::Closed(due) = self.stage {
            self.stage = Stage::Closed(due.min(now + SETTLES));
            self.backoff.reset();
        }
    }

    /// What to do now. `given` counts what the source gave altogether.
    pub fn tick(&mut self, now: Mono, given: u64) -> Option<Order> {
        match self.stage {
            Stage::Closed(due) if now >= due => {
                self.stage = Stage::Opening(now);
                self.given = given;
                return Some(Order::Open(self.role));
            }
            Stage::Open(since) => {
                if given != self.given {
                    self.given = given;
                    self.gives(now);
                }
                let patience =
                    if self.moved.is_some() { self.stall } else { self.stall.max(FIRST) };
                let quiet = now.since(self.moved.unwrap_or(since));
                if self.device && quiet > patience {
                    let (what, name) = (self.role.gives(), self.short_name());
                    let seconds = quiet.as_secs_f64();
                    self.mourn(format!("{name}: no {what} for {seconds:.1} s, reopening"));
                    self.stage = Stage::Closing(now);
                    return Some(Order::Close(self.role));
                }
            }
            Stage::Opening(since) if now.since(since) > HUNG => self.hangs("opened"),
            Stage::Closing(since) if now.since(since) > HUNG => self.hangs("closed"),
            _ => {}
        }
        None
    }

    /// As subscribers see it.
    pub fn device(&self) -> Device {
        Device {
            name: self.name.clone(),
            state: self.state,
            reason: self.reason.clone(),
            reopens: self.reopens,
        }
    }

    pub fn state(&self) -> DeviceState {
        self.state
    }

    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub fn is_device(&self) -> bool {
        self.device
    }

    /// Whether it has come to its end, and so has a right to stand still.
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Why no waiting will help, if that is so.
    pub fn hopeless(&self) -> Option<&Error> {
        self.hopeless.as_ref()
    }

    /// Something came.
    fn gives(&mut self, now: Mono) {
        self.moved = Some(now);
        if self.state != DeviceState::Running {
            if self.state == DeviceState::Lost {
                log::info!("{}: back", self.short_name());
                self.reopens += u64::from(self.running_since.is_some());
            }
            self.state = DeviceState::Running;
            self.reason = None;
            self.running_since = Some(now);
        } else if self.running_since.is_some_and(|since| now.since(since) >= WELL) {
            self.backoff.reset();
        }
    }

    fn lose(&mut self, now: Mono, reason: String) {
        self.mourn(reason);
        self.rest(now);
    }

    /// Waits for the next try.
    fn rest(&mut self, now: Mono) {
        self.stage = Stage::Closed(now + self.backoff.wait());
    }

    fn mourn(&mut self, reason: String) {
        self.state = DeviceState::Lost;
        if self.reason.as_ref() != Some(&reason) {
            log::warn!("{reason}");
            self.reason = Some(reason);
        }
    }

    fn hangs(&mut self, being: &str) {
        let name = self.short_name();
        self.mourn(format!("{name}: its driver does not return from being {being}"));
    }

    /// An error in words that begin with what kind of device it is about.
    fn words(&self, error: &Error) -> String {
        let (text, role) = (error.to_string(), self.role.to_string());
        if text.starts_with(&role) { text } else { format!("{role} {text}") }
    }

    /// The name without how the device was opened.
    pub fn short_name(&self) -> &str {
        self.name.split_once(": ").map_or(&self.name, |(name, _)| name)
    }
}
