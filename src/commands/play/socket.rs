//! Hands events and status to the event socket.

use std::sync::Arc;

use tyto::clock::{Clock, Mono};
use tyto::error::Result;
use tyto::event::{Counters, Sound, State, Status, rfc3339};
use tyto::pipeline::Observer;
use tyto::serve::Publisher;

/// The pipeline's link to the socket.
pub struct Socket {
    publisher: Publisher,
    clock: Arc<dyn Clock>,
    started: Mono,
}

impl Socket {
    /// A link, by the clock that the daemon lives by.
    pub fn new(publisher: Publisher, clock: Arc<dyn Clock>) -> Socket {
        let started = clock.now();
        Socket { publisher, clock, started }
    }

    /// Publishes a state and the reason for it.
    pub fn state(&self, state: State, reason: Option<&str>, counters: Counters) {
        let now = self.clock.now();
        self.publisher.status(Status {
            state,
            reason: reason.map(str::to_owned),
            time: rfc3339(self.clock.wall(now)),
            uptime_s: now.since(self.started).as_secs_f64(),
            counters,
            ..Status::default()
        });
    }
}

/// For the observers of one run, while the caller keeps the link for the last words.
impl Observer for &Socket {
    fn sound(&mut self, sound: &Sound) -> Result<()> {
        self.publisher.sound(sound.clone());
        Ok(())
    }

    fn counters(&mut self, counters: &Counters) -> Result<()> {
        self.state(State::Running, None, counters.clone());
        Ok(())
    }
}
