//! Sounds that have nothing to do with the picture: silence, noise, another clip's sound
//! (Juanola et al., 2025, `vssl_eval`).

use crate::evaluate::grid::Cells;

/// pIA: the share of the picture that was kept, 0..1; a negative sound should keep nothing.
pub fn highlighted(kept: &Cells) -> f64 {
    kept.count() as f64 / (kept.grid().cells() as f64).max(1.0)
}

/// The universal threshold: the third quartile of the highest scores of maps of negative sounds
/// (linear interpolation, `numpy.percentile(maxima, 75)`). `None` of nothing.
pub fn universal_threshold(maxima: &[f64]) -> Option<f64> {
    let mut sorted = maxima.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = 0.75 * (sorted.len().checked_sub(1)?) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let value = sorted.get(low)?;
    let next = sorted.get(low + 1).unwrap_or(value);
    Some(value + part * (next - value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::grid::Grid;

    #[test]
    fn the_third_quartile_lies_between_its_neighbours() {
        assert_eq!(universal_threshold(&[3.0, 0.0, 1.0, 2.0]), Some(2.25));
        assert_eq!(universal_threshold(&[5.0]), Some(5.0));
        assert_eq!(universal_threshold(&[]), None);
    }

    #[test]
    fn the_highlighted_part_is_a_share_of_the_picture() {
        let grid = Grid { width: 4, height: 2 };
        assert_eq!(highlighted(&Cells::boxes(grid, &[[0, 0, 1, 2]])), 0.25);
        assert_eq!(highlighted(&Cells::none(grid)), 0.0);
    }
}
