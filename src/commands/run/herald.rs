//! Tells subscribers and the service manager how the daemon is doing.

use std::time::{Duration, Instant};

use tyto::event::State;
use tyto::pipeline::{Condition, Herald, Progress};
use tyto::serve::Notifier;

use crate::commands::play::socket::Socket;

/// How often a watchdog that is asked to bark after a longer time is fed.
const OFTEN: Duration = Duration::from_secs(1);

/// The daemon's voice.
pub struct Voice<'a> {
    socket: &'a Socket,
    notifier: &'a Notifier,
    /// What the service manager was told last.
    said: String,
    /// The service thread's rounds when the watchdog was fed last, and when that was.
    turns: u64,
    fed: Option<Instant>,
}

impl<'a> Voice<'a> {
    /// A voice that has said nothing yet.
    pub fn new(socket: &'a Socket, notifier: &'a Notifier) -> Voice<'a> {
        Voice { socket, notifier, said: String::new(), turns: 0, fed: None }
    }

    /// Tells both a state outside of the run.
    pub fn state(&mut self, state: State, reason: &str, progress: &Progress) {
        self.socket.state(state, reason, progress);
        self.say(state, Some(reason));
    }

    fn say(&mut self, state: State, reason: Option<&str>) {
        let text = match reason {
            Some(reason) => format!("{}: {reason}", state.name()),
            None => state.name().to_owned(),
        };
        if text != self.said {
            self.notifier.status(&text);
            self.said = text;
        }
    }
}

impl Herald for Voice<'_> {
    fn condition(&mut self, condition: &Condition, progress: &Progress) {
        self.socket.condition(condition, progress);
        self.say(condition.state, condition.reason.as_deref());
    }

    /// Feeds the watchdog if the service thread has come round too.
    fn alive(&mut self) {
        let Some(interval) = self.notifier.watchdog_interval() else { return };
        let turns = self.socket.turns();
        let often = OFTEN.min(interval / 4);
        if turns != self.turns && self.fed.is_none_or(|fed| fed.elapsed() >= often) {
            self.turns = turns;
            self.fed = Some(Instant::now());
            self.notifier.watchdog();
        }
    }

    /// Nothing can make a driver return: to wait for it would be to wait for the service
    /// manager's patience to end.
    fn stuck(&mut self, who: &str) {
        crate::logging::last_words(&format!("{who} does not come to its end; leaving without it"));
        std::process::exit(1);
    }
}
