//! Hands events and status to the event socket.

use std::sync::Arc;

use tyto::clock::{Clock, Mono};
use tyto::error::Result;
use tyto::event::{Devices, Sound, State, Status, rfc3339};
use tyto::pipeline::{Condition, Herald, Observer, Progress};
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

    /// Publishes how a run is doing.
    pub fn condition(&self, condition: &Condition, progress: &Progress) {
        let Condition { state, reason, camera, microphone } = condition.clone();
        let status = Status {
            devices: Some(Devices { camera, microphone: Some(microphone) }),
            ..self.status(state, reason, progress)
        };
        self.publisher.status(status);
    }

    /// Publishes a state before or after the run, and the reason for it.
    pub fn state(&self, state: State, reason: &str, progress: &Progress) {
        self.publisher.status(self.status(state, Some(reason.to_owned()), progress));
    }

    /// Times the service thread has gone round.
    pub fn turns(&self) -> u64 {
        self.publisher.turns()
    }

    fn status(&self, state: State, reason: Option<String>, progress: &Progress) -> Status {
        let now = self.clock.now();
        Status {
            state,
            reason,
            time: rfc3339(self.clock.wall(now)),
            uptime_s: now.since(self.started).as_secs_f64(),
            counters: progress.counters(),
            stages: progress.stages(),
            queues: Some(progress.queues()),
            ..Status::default()
        }
    }
}

/// For the observers of one run, while the caller keeps the link for the last words.
impl Observer for &Socket {
    fn sound(&mut self, sound: &Sound) -> Result<()> {
        self.publisher.sound(sound.clone());
        Ok(())
    }
}

/// For the supervisor of a run.
impl Herald for &Socket {
    fn condition(&mut self, condition: &Condition, progress: &Progress) {
        Socket::condition(self, condition, progress);
    }
}
