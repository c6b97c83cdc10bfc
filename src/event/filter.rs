//! What a subscriber wants to hear of.

use serde::{Deserialize, Serialize};

use super::Sound;

/// The highest rate that can be asked for, in updates a second and track.
const MAX_RATE_HZ: f64 = 1000.0;

/// Narrows what a subscriber gets. An absent key narrows nothing; the default lets every
/// event pass, without maps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only sounds with one of these labels; ASCII upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Only sounds of at least this confidence, 0..1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// Only sounds whose azimuth lies between these two, degrees, the lower one (further to
    /// the right) first, each within ±360 and at most 360 apart: `[150, 210]` is behind.
    /// A sound without an azimuth (off-screen) lies nowhere and does not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azimuth_deg: Option<[f64; 2]>,
    /// At most so many `update` events a second and track, above 0 and up to 1000; `start`
    /// and `end` always pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate_hz: Option<f64>,
    /// Whether sound events carry the similarity map.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub map: bool,
}

impl Filter {
    /// Whether all values are within their ranges.
    ///
    /// # Errors
    /// The key and what it may be, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        if let Some(labels) = &self.labels {
            if labels.is_empty() {
                return Err("labels: an empty list lets nothing pass; leave the key out".into());
            }
            if labels.iter().any(|label| label.trim().is_empty()) {
                return Err("labels: an empty label".into());
            }
        }
        if let Some(least) = self.min_confidence
            && !(0.0..=1.0).contains(&least)
        {
            return Err(format!("min_confidence: {least} is not within 0..1"));
        }
        if let Some([low, high]) = self.azimuth_deg {
            let range = -360.0..=360.0;
            if !range.contains(&low) || !range.contains(&high) {
                return Err(format!("azimuth_deg: [{low},{high}] is not within -360..360"));
            }
            if low > high {
                return Err(format!(
                    "azimuth_deg: {low} is more than {high}; the lower one, further right, is first"
                ));
            }
            if high - low > 360.0 {
                return Err(format!("azimuth_deg: [{low},{high}] is more than a full circle"));
            }
        }
        if let Some(rate) = self.max_rate_hz
            && !(rate > 0.0 && rate <= MAX_RATE_HZ)
        {
            return Err(format!("max_rate_hz: {rate} is not above 0 and up to {MAX_RATE_HZ}"));
        }
        Ok(())
    }

    /// Whether this sound is wanted, leaving rate and phase aside.
    pub fn matches(&self, sound: &Sound) -> bool {
        let label = self.labels.as_ref().is_none_or(|labels| {
            labels.iter().any(|label| label.eq_ignore_ascii_case(&sound.label))
        });
        label
            && self.min_confidence.is_none_or(|least| sound.confidence >= least)
            && self
                .azimuth_deg
                .is_none_or(|range| sound.azimuth_deg.is_some_and(|azimuth| within(azimuth, range)))
    }
}

/// Whether an angle lies in a range on the circle.
fn within(azimuth: f64, [low, high]: [f64; 2]) -> bool {
    (azimuth - low).rem_euclid(360.0) <= high - low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    fn sound(label: &str, confidence: f64, azimuth_deg: Option<f64>) -> Sound {
        Sound {
            phase: Phase::Start,
            track: 1,
            seq: 1,
            time: String::new(),
            mono_ns: 0,
            latency_ms: 0.0,
            label: label.into(),
            label_score: confidence,
            confidence,
            on_screen: azimuth_deg.is_some(),
            azimuth_deg,
            elevation_deg: None,
            direction: None,
            spread_deg: None,
            peak: None,
            extent: None,
            level_dbfs: -20.0,
            map: None,
        }
    }

    #[test]
    fn the_default_lets_everything_pass() {
        assert!(Filter::default().matches(&sound("Dog", 0.0, None)));
    }

    #[test]
    fn labels_are_compared_whole_and_without_case() {
        let filter = Filter { labels: Some(vec!["dog".into(), "Cat".into()]), ..Filter::default() };
        assert!(filter.matches(&sound("Dog", 0.5, None)));
        assert!(filter.matches(&sound("CAT", 0.5, None)));
        assert!(!filter.matches(&sound("Hot dog", 0.5, None)));
    }

    #[test]
    fn the_least_confidence_itself_passes() {
        let filter = Filter { min_confidence: Some(0.5), ..Filter::default() };
        assert!(filter.matches(&sound("Dog", 0.5, None)));
        assert!(!filter.matches(&sound("Dog", 0.499, None)));
    }

    #[test]
    fn an_azimuth_range_holds_its_bounds_and_nothing_off_screen() {
        let filter = Filter { azimuth_deg: Some([-30.0, 30.0]), ..Filter::default() };
        for (azimuth, passes) in [
            (0.0, true),
            (-30.0, true),
            (30.0, true),
            (30.1, false),
            (-30.1, false),
            (180.0, false),
        ] {
            assert_eq!(filter.matches(&sound("Dog", 0.5, Some(azimuth))), passes, "{azimuth}");
        }
        assert!(!filter.matches(&sound("Dog", 0.5, None)));
    }

    #[test]
    fn an_azimuth_range_may_lie_across_the_back() {
        let filter = Filter { azimuth_deg: Some([150.0, 210.0]), ..Filter::default() };
        for (azimuth, passes) in [(180.0, true), (-180.0, true), (-150.0, true), (-149.0, false)] {
            assert_eq!(filter.matches(&sound("Dog", 0.5, Some(azimuth))), passes, "{azimuth}");
        }
        let circle = Filter { azimuth_deg: Some([-180.0, 180.0]), ..Filter::default() };
        assert_eq!(circle.check(), Ok(()));
        assert!(circle.matches(&sound("Dog", 0.5, Some(77.0))));
    }
}
