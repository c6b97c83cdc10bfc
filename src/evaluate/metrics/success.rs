//! Shares of items that succeed, and the area under them.

/// Thresholds of the area under success: 0, 0.05 … 1.
const STEPS: u32 = 20;

/// The share of values that reach `threshold`, 0..1; `None` of nothing.
pub fn share_at_least(values: &[f64], threshold: f64) -> Option<f64> {
    share(values.iter().map(|value| *value >= threshold))
}

/// The share of what is true, 0..1; `None` of nothing.
pub fn share(of: impl IntoIterator<Item = bool>) -> Option<f64> {
    mean(of.into_iter().map(|yes| f64::from(u8::from(yes))))
}

/// The mean; `None` of nothing.
pub fn mean(of: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (count, sum) = of.into_iter().fold((0u64, 0.0), |(n, sum), value| (n + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// Area under the share of values ≥ x for x = 0, 0.05 … 1, by trapezoids (the field's AUC).
pub fn auc(values: &[f64]) -> Option<f64> {
    area(|x| share_at_least(values, x))
}

/// Area under the share of values ≤ x for x = 0, 0.05 … 1: the AUC_N of negative sounds
/// (Juanola et al., 2025).
pub fn auc_below(values: &[f64]) -> Option<f64> {
    area(|x| share(values.iter().map(|value| *value <= x)))
}

fn area(curve: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let step = 1.0 / f64::from(STEPS);
    let points: Option<Vec<f64>> = (0..=STEPS).map(|i| curve(step * f64::from(i))).collect();
    points.map(|points| points.windows(2).map(|pair| step * (pair[0] + pair[1]) / 2.0).sum())
}

/// The harmonic mean of two shares; 0 if one of them is 0.
pub fn harmonic(a: f64, b: f64) -> f64 {
    if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
}

/// For each group with several members the least of its values: what must succeed for all of a
/// picture's sources to succeed (IIoU and IAUC of Senocak et al., 2023).
pub fn least_of_groups<'a>(values: impl IntoIterator<Item = (&'a str, f64)>) -> Vec<f64> {
    let mut groups: std::collections::BTreeMap<&str, (usize, f64)> = Default::default();
    for (group, value) in values {
        let entry = groups.entry(group).or_insert((0, f64::INFINITY));
        *entry = (entry.0 + 1, entry.1.min(value));
    }
    groups.into_values().filter(|(count, _)| *count > 1).map(|(_, least)| least).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_score() {
        assert_eq!((auc(&[]), share_at_least(&[], 0.5), mean([])), (None, None, None));
    }

    #[test]
    fn perfect_and_hopeless_items_bound_the_area() {
        assert!((auc(&[1.0, 1.0]).unwrap() - 1.0).abs() < 1e-12);
        // 0 reaches the threshold 0, so half of one step remains.
        assert!((auc(&[0.0]).unwrap() - 0.025).abs() < 1e-12);
        assert!((auc_below(&[0.0]).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_group_is_as_good_as_its_worst_member_and_a_lone_item_is_no_group() {
        let least = least_of_groups([("a", 0.9), ("b", 0.8), ("a", 0.2), ("c", 0.7), ("c", 0.6)]);
        assert_eq!(least, [0.2, 0.6]);
    }

    #[test]
    fn the_harmonic_mean_is_near_the_lesser() {
        assert_eq!((harmonic(0.0, 0.9), harmonic(0.0, 0.0)), (0.0, 0.0));
        assert!((harmonic(0.5, 1.0) - 2.0 / 3.0).abs() < 1e-12);
    }

    proptest! {
        /// The area under a curve of shares is, but for the steps, the mean.
        #[test]
        fn the_area_is_the_mean_within_half_a_step(values in prop::collection::vec(0f64..=1.0, 1..40)) {
            let mean = mean(values.iter().copied()).unwrap();
            prop_assert!((auc(&values).unwrap() - mean).abs() <= 0.0251);
            prop_assert!((auc_below(&values).unwrap() - (1.0 - mean)).abs() <= 0.0251);
        }
    }
}
