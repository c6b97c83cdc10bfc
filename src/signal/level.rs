//! How loud a sound is.

/// What silence measures.
pub const SILENCE_DBFS: f32 = -120.0;

/// The root mean square of `samples` in decibels below full scale: a constant ±1 measures 0, a
/// full-scale sine −3.01; silence, and no samples at all, [`SILENCE_DBFS`].
pub fn level_dbfs(samples: &[f32]) -> f32 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let mean = energy / samples.len().max(1) as f64;
    ((10.0 * mean.log10()) as f32).max(SILENCE_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_wave_of_full_scale_measures_zero_and_a_tenth_of_it_minus_twenty() {
        assert_eq!(level_dbfs(&[1.0, -1.0, 1.0, -1.0]), 0.0);
        assert!((level_dbfs(&[0.1, -0.1]) + 20.0).abs() < 1e-5);
    }

    #[test]
    fn a_full_scale_sine_measures_three_decibels_less() {
        let sine: Vec<f32> =
            (0..16_000).map(|n| (n as f32 * std::f32::consts::TAU / 160.0).sin()).collect();
        assert!((level_dbfs(&sine) + 3.0103).abs() < 1e-3);
    }

    #[test]
    fn silence_has_a_floor() {
        assert_eq!(level_dbfs(&[0.0; 100]), SILENCE_DBFS);
        assert_eq!(level_dbfs(&[]), SILENCE_DBFS);
        assert_eq!(level_dbfs(&[1e-20; 100]), SILENCE_DBFS);
    }
}
