//! Is something there, and where? The measures of the extended sets, which have negatives too
//! (Mo and Morgado, NeurIPS 2022).

use super::success::harmonic;

/// One item as it was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detected {
    /// cIoU of its map; `None` if nothing in view sounds.
    pub ciou: Option<f64>,
    /// How sure the system is that something does; of any scale.
    pub confidence: f64,
}

/// A map's confidence is the mean of this share of its cells, the highest.
pub const CONFIDENT_SHARE: f64 = 0.25;

/// An item is found if its cIoU is this or more.
const FOUND: f64 = 0.5;

/// Precision and recall if items of this confidence or more are called: one in the wrong place is
/// a false alarm and no miss, and what is called nowhere has a precision of 1.
pub fn precision_recall(items: &[Detected], threshold: f64) -> (f64, f64) {
    let (mut right, mut wrong, mut missed) = (0u32, 0u32, 0u32);
    for item in items {
        match (item.ciou, item.confidence >= threshold) {
            (Some(ciou), true) if ciou >= FOUND => right += 1,
            (_, true) => wrong += 1,
            (Some(_), false) => missed += 1,
            (None, false) => {}
        }
    }
    let share = |part: u32, rest: u32| match part + rest {
        0 => 1.0,
        all => f64::from(part) / f64::from(all),
    };
    (share(right, wrong), share(right, missed))
}

/// Average precision: thresholds are every ⌊n / 200⌋-th confidence (every one of fewer than 400), from the
/// second highest down; `Σ max(P_i…) (R_{i+1} − R_i)`. `None` of nothing.
pub fn average_precision(items: &[Detected]) -> Option<f64> {
    let mut confidences = sorted(items);
    confidences.pop()?;
    let step = (items.len() / 200).max(1);
    let curve: Vec<(f64, f64)> = confidences
        .iter()
        .rev()
        .step_by(step)
        .map(|threshold| precision_recall(items, *threshold))
        .collect();
    let mut sum = 0.0;
    for (i, pair) in curve.windows(2).enumerate() {
        let envelope = curve.iter().skip(i).map(|(precision, _)| *precision).fold(0.0, f64::max);
        sum += envelope * (pair[1].1 - pair[0].1);
    }
    Some(sum)
}

/// The highest F1 over every ⌊n / 10⌋-th confidence from the lowest up. `None` of nothing.
pub fn max_f1(items: &[Detected]) -> Option<f64> {
    let step = (items.len() / 10).max(1);
    let f1 = |threshold: &f64| {
        let (precision, recall) = precision_recall(items, *threshold);
        harmonic(precision, recall)
    };
    sorted(items).iter().step_by(step).map(f1).reduce(f64::max)
}

/// Localisation accuracy: the share of items with cIoU above 0.5 among those in view.
pub fn localisation_accuracy(items: &[Detected]) -> Option<f64> {
    super::success::share(items.iter().filter_map(|item| item.ciou).map(|ciou| ciou > FOUND))
}

fn sorted(items: &[Detected]) -> Vec<f64> {
    let mut confidences: Vec<f64> = items.iter().map(|item| item.confidence).collect();
    confidences.sort_by(f64::total_cmp);
    confidences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(ciou: Option<f64>, confidence: f64) -> Detected {
        Detected { ciou, confidence }
    }

    #[test]
    fn the_wrong_place_is_a_false_alarm_and_no_miss() {
        let items = [
            item(Some(0.9), 0.9),
            item(Some(0.1), 0.8),
            item(Some(0.9), 0.2),
            item(None, 0.7),
            item(None, 0.1),
        ];
        // One right; the wrong place and the negative are called; one is missed.
        assert_eq!(precision_recall(&items, 0.5), (1.0 / 3.0, 0.5));
        assert_eq!(precision_recall(&items, 2.0), (1.0, 0.0));
        assert_eq!(localisation_accuracy(&items), Some(2.0 / 3.0));
    }

    #[test]
    fn nothing_has_no_precision() {
        assert_eq!((average_precision(&[]), max_f1(&[])), (None, None));
        assert_eq!(localisation_accuracy(&[item(None, 0.3)]), None);
    }

    #[test]
    fn sure_and_right_items_before_the_negatives_are_perfect_but_for_the_first_step() {
        let mut items: Vec<Detected> =
            (0..10).map(|i| item(Some(1.0), 1.0 + f64::from(i))).collect();
        items.extend((0..5).map(|i| item(None, -f64::from(i))));
        // The curve begins at the second highest confidence, where recall is 0.2 already.
        assert!((average_precision(&items).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(max_f1(&items), Some(1.0));
    }
}
