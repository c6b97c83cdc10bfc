//! Whether an accelerator computes what the CPU does.

/// Runs of each in a trial; the fastest counts, as the first fetches weights and warms the device
/// up.
pub const RUNS: usize = 3;

/// How far outputs may differ, as a part of their length: integer kernels round apart by a step
/// here and there, which after a hundred layers is a few hundredths; wrong ones are off by their
/// whole length.
const TOLERANCE: f64 = 0.15;

/// How far `found` is from `wanted`, in words, if that is more than rounding.
pub fn differs(found: &[f32], wanted: &[f32]) -> Option<String> {
    if found.len() != wanted.len() {
        return Some(format!("has {} values instead of {}", found.len(), wanted.len()));
    }
    let apart = found.iter().zip(wanted).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let length = wanted.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    let error = (apart / length.max(f64::MIN_POSITIVE)).sqrt();
    // What is no number is no agreement either.
    let agrees = error.is_finite() && error <= TOLERANCE;
    (!agrees).then(|| format!("differs by {:.0} % of its length", 100.0 * error))
}

/// The same values each time, no two alike, −1..1.
pub fn noise() -> impl FnMut() -> f32 {
    // Numerical Recipes' generator.
    let mut state = 1_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_no_difference_and_other_numbers_are() {
        let mut next = noise();
        let wanted: Vec<f32> = (0..1000).map(|_| next()).collect();
        let rounded: Vec<f32> = wanted.iter().map(|value| (value * 32.0).round() / 32.0).collect();
        assert_eq!(differs(&rounded, &wanted), None);
        let off: Vec<f32> = wanted.iter().map(|value| value * 0.8).collect();
        assert_eq!(differs(&off, &wanted).unwrap(), "differs by 20 % of its length");
        assert!(differs(&[f32::NAN; 1000], &wanted).is_some());
        assert!(differs(&wanted[..10], &wanted).unwrap().contains("10 values instead of 1000"));
    }
}
