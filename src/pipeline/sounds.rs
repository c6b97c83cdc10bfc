//! From what changed in the tracks to what subscribers are told.

use crate::clock::Clock;
use crate::event::{Sound, rfc3339};
use crate::geometry::Camera;
use crate::track::Change;

use super::window::Span;

/// Writes events: bearings, time, numbers.
pub(super) struct Scribe {
    seq: u64,
}

impl Scribe {
    /// A scribe who has written nothing yet.
    pub fn new() -> Scribe {
        Scribe { seq: 0 }
    }

    /// The event for a change that the sound of `span`, of this level, has caused. Bearings are
    /// by `camera`; without one, or out of view, there are none. Numbers are rounded to what
    /// they can mean, so that a line is short and reads the same everywhere.
    pub fn write(
        &mut self,
        change: Change,
        camera: Option<&Camera>,
        span: Span,
        level_dbfs: f32,
        clock: &dyn Clock,
    ) -> Sound {
        let Change { phase, track, source, .. } = change;
        let heard = span.centre();
        self.seq += 1;
        let mut sound = Sound {
            phase,
            track,
            seq: self.seq,
            time: rfc3339(clock.wall(heard)),
            mono_ns: heard.0,
            latency_ms: round(clock.now().since(span.end).as_secs_f64() * 1e3, 1),
            label: source.label.to_string(),
            label_score: round(source.label_score.into(), 3),
            confidence: round(source.confidence.into(), 3),
            on_screen: source.on_screen,
            azimuth_deg: None,
            elevation_deg: None,
            direction: None,
            spread_deg: None,
            peak: None,
            extent: None,
            level_dbfs: round(level_dbfs.into(), 1),
            map: None,
        };
        if !source.on_screen {
            return sound;
        }
        let peak = source.peak.map(f64::from);
        sound.peak = Some(peak.map(|c| round(c, 4)));
        sound.extent = Some(source.extent.map(|c| round(c.into(), 4)));
        let (map, width) = (&source.map, source.map.width);
        sound.map = Some(map.values.chunks(width.max(1)).map(<[f32]>::to_vec).collect());
        if let Some(camera) = camera {
            let bearing = camera.bearing(peak);
            let spread = camera.spread_deg(&map.values, width, map.height, peak);
            sound.azimuth_deg = Some(round(bearing.azimuth_deg, 1));
            sound.elevation_deg = Some(round(bearing.elevation_deg, 1));
            sound.direction = Some(bearing.direction.map(|c| round(c, 4)));
            sound.spread_deg = Some(round(spread, 1));
        }
        sound
    }
}

/// `value` to so many decimals, without a negative zero.
fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale + 0.0
}
