//! The contract with subscribers: one JSON object a line, versioned by [`SCHEMA`].
//!
//! Fields are added, never renamed or removed. These types know nothing of the rest of the
//! crate, so that a client can use them alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

pub mod filter;
pub mod request;
mod status;

pub use status::{
    Counters, Device, DeviceState, Devices, Host, Queues, Reader, Stages, State, Status, Times,
};

/// The version of the contract, sent in [`Hello`].
pub const SCHEMA: u32 = 1;

/// Anything the daemon sends: one line each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, and is written and gone")]
pub enum Message {
    /// Always the first line of a connection.
    Hello(Hello),
    /// A sound began, moved or changed, or ended.
    Sound(Sound),
    /// How the daemon is doing: on change, on request, and as a slow heartbeat.
    Status(Status),
    /// This subscriber was too slow and lost its own oldest events.
    Lost(Lost),
    /// The subscriber's line was not understood; nothing was changed.
    Error(Refusal),
}

/// Who is speaking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The daemon's version.
    pub version: String,
    /// Name of the board profile.
    pub board: String,
    /// Name and version of the model pack.
    pub model: String,
    /// When the daemon started, RFC 3339 in UTC.
    pub started: String,
    /// The camera, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraInfo>,
    /// The microphone, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphone: Option<MicrophoneInfo>,
}

/// What the pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraInfo {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Horizontal field of view in degrees.
    pub hfov_deg: f64,
}

/// What the samples are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicrophoneInfo {
    /// Samples a second and channel, as the device gives them.
    pub rate: u32,
    /// Channels, as the device gives them.
    pub channels: u16,
}

/// Where in its life a track is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// First event of the track.
    Start,
    /// It moved or changed.
    Update,
    /// Last event of the track; carries its last known values.
    End,
}

/// One direction-of-sound event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// Start, update or end.
    pub phase: Phase,
    /// The track, unique while the daemon runs.
    pub track: u64,
    /// Counts every sound event of the daemon, so that a gap shows.
    pub seq: u64,
    /// Wall-clock time of `mono_ns`, RFC 3339 in UTC.
    pub time: String,
    /// Centre of the sound that caused the event, `CLOCK_MONOTONIC` in nanoseconds.
    pub mono_ns: u64,
    /// From the last sample used to the moment of publishing, milliseconds.
    pub latency_ms: f64,
    /// What it is, in AudioSet's words.
    pub label: String,
    /// How sure the ear is of the label, 0..1.
    pub label_score: f64,
    /// Calibrated probability that this thing sounds, and sounds there, 0..1.
    pub confidence: f64,
    /// Whether the source is in view. If not, no field below but `level_dbfs` is present.
    pub on_screen: bool,
    /// Degrees to the left of straight ahead (REP-103: positive is left).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azimuth_deg: Option<f64>,
    /// Degrees above the horizon, after the mounting pose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevation_deg: Option<f64>,
    /// Unit vector: x ahead, y left, z up, after the mounting pose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<[f64; 3]>,
    /// Half-angle of the cone round the peak that holds half of the map's mass, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_deg: Option<f64>,
    /// Highest place of the map: x, y in 0..1 of the picture from its top left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<[f64; 2]>,
    /// What stands out: x0, y0, x1, y1 in 0..1 of the picture.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    pub extent: Option<[f64; 4]>,
    /// Level of the sound that caused the event, dB below full scale (RMS).
    pub level_dbfs: f64,
    /// The similarity map, rows from the top; only for subscribers that asked with `map`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<Vec<Vec<f32>>>,
}

/// How many events a slow subscriber lost since the last line of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Events of its own that were dropped, the oldest first.
    pub events: u64,
}

/// Why a subscriber's line was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was wrong and what is understood.
    pub message: String,
}

/// Wall-clock time as the contract writes it: RFC 3339 in UTC with milliseconds.
///
/// Times outside the years 1970 to 9999, which RFC 3339 cannot carry, become the nearer end.
pub fn rfc3339(at: SystemTime) -> String {
    const LAST_SECOND: u64 = 253_402_300_799;
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = since.min(Duration::from_secs(LAST_SECOND));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        let at = UNIX_EPOCH + Duration::from_millis(1_769_904_000_250);
        assert_eq!(rfc3339(at), "2026-02-01T00:00:00.250Z");
    }

    #[test]
    fn times_that_rfc_3339_cannot_carry_become_the_nearer_end() {
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        let far = UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 1000);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59.000Z");
    }
}
