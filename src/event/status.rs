//! How the daemon is doing: state, what was counted, devices, times and queues.
//!
//! Every part that is not always known is optional, and a number that an older daemon does not
//! send reads as zero: readers of this version understand all those before.

use serde::{Deserialize, Serialize};

/// How the daemon is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Opening devices and loading the pack.
    #[default]
    Starting,
    /// Everything works.
    Running,
    /// Something is missing; what works goes on.
    Degraded,
    /// Nothing can go on.
    Failed,
    /// The source came to its end, or the daemon was asked to stop.
    Stopped,
}

impl State {
    /// All there are, in the order of a daemon's life.
    pub const ALL: [State; 5] =
        [State::Starting, State::Running, State::Degraded, State::Failed, State::Stopped];

    /// The word that stands for it on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Running => "running",
            State::Degraded => "degraded",
            State::Failed => "failed",
            State::Stopped => "stopped",
        }
    }
}

/// State, the reason for it, and everything that is measured and counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// See [`State`].
    pub state: State,
    /// Why, in a sentence; while running only if something that was asked for was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// RFC 3339 in UTC.
    pub time: String,
    /// Seconds since the daemon started.
    pub uptime_s: f64,
    /// What was counted.
    pub counters: Counters,
    /// Camera and microphone; absent if the source has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Devices>,
    /// How long each part of a look takes; absent before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Stages>,
    /// What waits between the stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues: Option<Queues>,
    /// What the daemon takes of its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// Every subscriber, in the order they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<Reader>,
    /// Keys of the configuration that were changed since the start and that only a restart
    /// brings into force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_restart: Vec<String>,
}

/// Everything that is counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Pictures captured.
    pub frames: u64,
    /// Pictures replaced by a newer one before perception took them.
    pub frames_replaced: u64,
    /// Pictures that the camera took and never gave.
    pub frames_missed: u64,
    /// Pictures that came damaged and were dropped.
    pub frames_corrupt: u64,
    /// Samples captured, per channel.
    pub samples: u64,
    /// Samples lost because perception was too slow, per channel.
    pub samples_lost: u64,
    /// Samples that the microphone took and never gave, per channel.
    pub samples_missed: u64,
    /// Times the microphone's buffer overflowed.
    pub xruns: u64,
    /// Looks taken.
    pub looks: u64,
    /// Looks left out because perception was behind.
    pub looks_skipped: u64,
    /// Looks that heard nothing above the floor and ran no sound encoder.
    pub looks_silent: u64,
    /// Sound events published.
    pub events: u64,
    /// Subscribers connected now.
    pub subscribers: u64,
    /// Events lost by slow subscribers, all together.
    pub events_lost: u64,
    /// Milliseconds of one look, median of the last minute.
    pub look_ms_p50: f64,
    /// Milliseconds of one look, 99th percentile of the last minute.
    pub look_ms_p99: f64,
}

/// The devices that are looked and listened through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// The camera, if one is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<Device>,
    /// The microphone, if one is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microphone: Option<Device>,
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What it is and how it was opened, for people.
    pub name: String,
    /// See [`DeviceState`].
    pub state: DeviceState,
    /// Why it is not running, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Times it was opened again after it was lost.
    #[serde(default)]
    pub reopens: u64,
}

/// How a device is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// Being opened for the first time.
    #[default]
    Starting,
    /// It gives pictures or samples.
    Running,
    /// It is gone or gives nothing; it is opened again and again until it is back.
    Lost,
}

impl DeviceState {
    /// The word that stands for it on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            DeviceState::Starting => "starting",
            DeviceState::Running => "running",
            DeviceState::Lost => "lost",
        }
    }
}

/// How long each part of a look takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stages {
    /// Log-mel front end and sound encoder.
    pub sound: Times,
    /// Resize and picture encoder, of the looks that had a new picture.
    pub picture: Times,
    /// Pooling, similarity, tracks and events.
    pub align: Times,
    /// The whole look.
    pub look: Times,
}

/// Durations of the last minute, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Median.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

/// What waits between the stages at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Queues {
    /// Blocks of samples that perception has not taken yet.
    pub blocks_waiting: u64,
    /// Pictures that perception has not taken yet.
    pub frames_waiting: u64,
    /// Events that the event service has not taken yet.
    pub events_waiting: u64,
}

/// What the daemon takes of its machine, and how warm that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Memory that the process holds in RAM, bytes.
    pub resident_bytes: u64,
    /// Memory that the program has asked for and not freed, between two looks, bytes: steady
    /// unless something leaks. Absent with a C library that does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap_bytes: Option<u64>,
    /// File descriptors that are open.
    pub descriptors: u64,
    /// The warmest of the machine's sensors, degrees Celsius; absent if it tells of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f64>,
    /// Processor time that the process has used, seconds, all threads together.
    pub cpu_s: f64,
}

/// One subscriber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reader {
    /// Counts the connections of the daemon's life.
    pub id: u64,
    /// Sound events that were written to it.
    pub events: u64,
    /// Events that it lost because it was too slow.
    pub lost: u64,
    /// Lines that wait for it.
    pub waiting: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_s_name_is_its_word_on_the_wire() {
        for state in State::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.name()));
        }
        for state in [DeviceState::Starting, DeviceState::Running, DeviceState::Lost] {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.name()));
        }
    }

    #[test]
    fn the_status_of_the_first_daemons_is_still_understood() {
        let line = r#"{"state":"running","time":"2026-02-01T12:00:09.000Z","uptime_s":9.0,"counters":{"frames":251,"frames_replaced":180,"samples":144000,"samples_lost":0,"looks":37,"looks_skipped":0,"looks_silent":12,"events":42,"subscribers":2,"events_lost":0,"look_ms_p50":151.2,"look_ms_p99":190.8}}"#;
        let status: Status = serde_json::from_str(line).unwrap();
        assert_eq!((status.counters.frames, status.counters.xruns), (251, 0));
        assert_eq!((status.devices, status.host, status.readers), (None, None, vec![]));
    }

    #[test]
    fn what_is_not_known_is_not_sent() {
        let line = serde_json::to_value(Status::default()).unwrap();
        let keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["counters", "state", "time", "uptime_s"]);
    }
}
