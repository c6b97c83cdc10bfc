//! What the tracker can be told.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// When tracks start, hold, change and end. Distances are fractions of the picture's sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Looks that must see a source before it is a track …
    pub start_hits: u32,
    /// … out of this many looks in a row, 1..=32.
    pub start_looks: u32,
    /// Confidence that a source needs to become a track, 0..=1.
    pub start_confidence: f32,
    /// Confidence that keeps a track alive, at most `start_confidence`.
    pub hold_confidence: f32,
    /// Seconds without a sighting after which a track ends. A look still hears what sounded
    /// within its window (one to two seconds), so that pauses of a barking dog up to this plus
    /// about one second stay inside one track.
    pub end_after_s: f64,
    /// Sightings in a row that must disagree before a track changes between in view and out
    /// of view.
    pub screen_looks: u32,
    /// Confidence that a sighting in view needs to count against a track that is out of view,
    /// 0..=1. Lower ones are right in two of three cases only (docs/model.md): enough to say
    /// where something is, and not to take back that it is nowhere.
    pub view_confidence: f32,
    /// How far a source of the same name may lie from a track and still be it.
    pub reach: f64,
    /// Within this distance two names that waver mean one thing.
    pub same_place: f64,
    /// Sightings in a row under new names only, after which they are another thing at the same
    /// place.
    pub takeover_looks: u32,
    /// Time constant of the smoothing of place and confidence, seconds.
    pub smoothing_s: f64,
    /// How far a track must move to be worth an update.
    pub update_move: f64,
    /// How much a track's confidence must change to be worth an update.
    pub update_confidence: f32,
    /// Shortest time between two events of one track, seconds; its end does not wait.
    pub update_interval_s: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            start_hits: 2,
            start_looks: 3,
            start_confidence: 0.5,
            hold_confidence: 0.3,
            end_after_s: 1.5,
            screen_looks: 4,
            view_confidence: 0.8,
            reach: 0.25,
            same_place: 0.12,
            takeover_looks: 5,
            smoothing_s: 0.6,
            update_move: 0.08,
            update_confidence: 0.2,
            update_interval_s: 0.5,
        }
    }
}

impl Settings {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first key that is not, with its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, value: &dyn std::fmt::Display, allowed: &str| {
            Err(Error::new(
                Kind::Config,
                format!("track.{key}"),
                format!("{value} is not possible"),
            )
            .hint(format!("give {allowed}")))
        };
        if !(1..=32).contains(&self.start_looks) {
            return refuse("start_looks", &self.start_looks, "1 to 32");
        }
        if !(1..=self.start_looks).contains(&self.start_hits) {
            return refuse("start_hits", &self.start_hits, "1 up to track.start_looks");
        }
        if self.screen_looks == 0 {
            return refuse("screen_looks", &self.screen_looks, "1 or more");
        }
        if self.takeover_looks == 0 {
            return refuse("takeover_looks", &self.takeover_looks, "1 or more");
        }
        if !(0.0..=1.0).contains(&self.start_confidence) {
            return refuse("start_confidence", &self.start_confidence, "0 to 1");
        }
        if !(0.0..=self.start_confidence).contains(&self.hold_confidence) {
            let allowed = "0 up to track.start_confidence";
            return refuse("hold_confidence", &self.hold_confidence, allowed);
        }
        for (key, value) in [
            ("view_confidence", self.view_confidence),
            ("update_confidence", self.update_confidence),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return refuse(key, &value, "0 to 1");
            }
        }
        let lengths = [
            ("end_after_s", self.end_after_s, 3600.0),
            ("reach", self.reach, 1.5),
            ("same_place", self.same_place, 1.5),
            ("smoothing_s", self.smoothing_s, 60.0),
            ("update_move", self.update_move, 1.5),
            ("update_interval_s", self.update_interval_s, 3600.0),
        ];
        for (key, value, most) in lengths {
            if !(0.0..=most).contains(&value) {
                return refuse(key, &value, &format!("0 to {most}"));
            }
        }
        Ok(())
    }
}
