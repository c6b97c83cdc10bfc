//! Whether a confidence means what it says, and what each threshold would let through.

use serde::Serialize;

/// Bins of equal width of the reliability diagram.
const BINS: usize = 10;

/// A confidence in 0..1 and whether what it promised came true.
pub type Promise = (f64, bool);

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Confidences from here …
    pub from: f64,
    /// … to below here (the last bin has its end).
    pub to: f64,
    /// How many there were.
    pub count: usize,
    /// Their mean; 0 if there were none.
    pub confidence: f64,
    /// The share that came true; 0 if there were none.
    pub came_true: f64,
}

/// The reliability diagram: ten bins of equal width.
pub fn reliability(promises: &[Promise]) -> Vec<Bin> {
    let bin_of = |confidence: f64| ((confidence * BINS as f64) as usize).min(BINS - 1);
    (0..BINS)
        .map(|bin| {
            let inside =
                || promises.iter().filter(move |(confidence, _)| bin_of(*confidence) == bin);
            let count = inside().count();
            let part = |sum: f64| if count > 0 { sum / count as f64 } else { 0.0 };
            Bin {
                from: bin as f64 / BINS as f64,
                to: (bin + 1) as f64 / BINS as f64,
                count,
                confidence: part(inside().map(|(confidence, _)| confidence).sum()),
                came_true: part(inside().filter(|(_, came_true)| *came_true).count() as f64),
            }
        })
        .collect()
}

/// Expected calibration error: `Σ_bins count / n · |mean confidence − share that came true|`
/// (Naeini et al., AAAI 2015; Guo et al., ICML 2017). `None` of nothing.
pub fn expected_calibration_error(promises: &[Promise]) -> Option<f64> {
    let gap = |bin: &Bin| bin.count as f64 * (bin.confidence - bin.came_true).abs();
    let sum: f64 = reliability(promises).iter().map(gap).sum();
    (!promises.is_empty()).then(|| sum / promises.len() as f64)
}

/// What a threshold of the confidence lets through.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Operating {
    /// Confidences of this or more are called on screen.
    pub threshold: f64,
    /// The share of what is in view that is called so.
    pub recall: f64,
    /// The share of what is not in view that is called so.
    pub false_on_screen: f64,
}

/// The curve of false "on screen" against recall: one point for every confidence that occurs, the
/// highest first. `in_view` and `not_in_view` are the confidences of the two kinds of items; empty
/// if either is.
pub fn operating_curve(in_view: &[f64], not_in_view: &[f64]) -> Vec<Operating> {
    if in_view.is_empty() || not_in_view.is_empty() {
        return Vec::new();
    }
    let descending = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        sorted
    };
    let (yes, no) = (descending(in_view), descending(not_in_view));
    let mut thresholds = descending(&[in_view, not_in_view].concat());
    thresholds.dedup();
    let (mut hits, mut alarms) = (0, 0);
    thresholds
        .into_iter()
        .map(|threshold| {
            hits += yes[hits..].iter().take_while(|value| **value >= threshold).count();
            alarms += no[alarms..].iter().take_while(|value| **value >= threshold).count();
            Operating {
                threshold,
                recall: hits as f64 / yes.len() as f64,
                false_on_screen: alarms as f64 / no.len() as f64,
            }
        })
        .collect()
}

/// The first point of a curve (the highest threshold) that reaches this recall.
pub fn at_recall(curve: &[Operating], recall: f64) -> Option<Operating> {
    curve.iter().find(|point| point.recall >= recall).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_confidence_that_comes_true_as_often_as_it_says_has_no_error() {
        let promises: Vec<Promise> = (0..10).map(|i| (0.7, i < 7)).collect();
        assert!(expected_calibration_error(&promises).unwrap() < 1e-12);
        let boast: Vec<Promise> = (0..10).map(|_| (0.95, false)).collect();
        assert!((expected_calibration_error(&boast).unwrap() - 0.95).abs() < 1e-12);
        assert_eq!(expected_calibration_error(&[]), None);
        assert_eq!(reliability(&[(1.0, true)])[9].count, 1);
    }

    #[test]
    fn the_curve_starts_with_the_surest_and_ends_with_everything() {
        let curve = operating_curve(&[0.9, 0.6, 0.6, 0.2], &[0.7, 0.1]);
        let points: Vec<_> =
            curve.iter().map(|p| (p.threshold, p.recall, p.false_on_screen)).collect();
        assert_eq!(
            points,
            [
                (0.9, 0.25, 0.0),
                (0.7, 0.25, 0.5),
                (0.6, 0.75, 0.5),
                (0.2, 1.0, 0.5),
                (0.1, 1.0, 1.0)
            ]
        );
        assert_eq!(at_recall(&curve, 0.5).unwrap().threshold, 0.6);
        assert_eq!(at_recall(&[], 0.5), None);
    }

    proptest! {
        #[test]
        fn every_point_counts_what_its_threshold_lets_through(
            yes in prop::collection::vec((0u8..9).prop_map(|v| f64::from(v) / 8.0), 1..20),
            no in prop::collection::vec((0u8..9).prop_map(|v| f64::from(v) / 8.0), 1..20),
        ) {
            for point in operating_curve(&yes, &no) {
                let share = |of: &[f64]| {
                    of.iter().filter(|v| **v >= point.threshold).count() as f64 / of.len() as f64
                };
                prop_assert_eq!(point.recall, share(&yes));
                prop_assert_eq!(point.false_on_screen, share(&no));
            }
        }
    }
}
