//! Masks instead of boxes (AVSBench: Zhou et al., ECCV 2022).

use crate::evaluate::grid::Cells;
use crate::evaluate::score_map::ScoreMap;

/// Thresholds of the F curve, from 0 to just below 1.
pub const THRESHOLDS: usize = 255;

/// β² of the F measure: precision counts for more.
const BETA_SQUARED: f64 = 0.3;

/// Intersection over union with a mask, 0..1. Where the mask is empty, the share of cells that are
/// left out: the picture without a source is scored by its silence.
pub fn mask_iou(kept: &Cells, mask: &Cells) -> f64 {
    match mask.is_empty() {
        true => 1.0 - kept.count() as f64 / (kept.grid().cells() as f64).max(1.0),
        false => super::overlap::iou(kept, mask),
    }
}

/// F measure with β² = 0.3, `(1 + β²) P R / (β² P + R)`, at 255 thresholds of the stretched map.
/// `None` where the mask is empty: such pictures are left out.
pub fn f_curve(map: &ScoreMap, mask: &Cells) -> Option<Vec<f64>> {
    let all = mask.count() as f64;
    if all == 0.0 {
        return None;
    }
    let at = |n: usize| {
        let threshold = n as f64 / (THRESHOLDS - 1) as f64 * (1.0 - 1e-10);
        let kept = map.at_least_stretched(threshold);
        let (hits, count) = (kept.shared(mask) as f64, kept.count() as f64);
        let (precision, recall) = (if count > 0.0 { hits / count } else { 0.0 }, hits / all);
        let below = BETA_SQUARED * precision + recall;
        if below > 0.0 { (1.0 + BETA_SQUARED) * precision * recall / below } else { 0.0 }
    };
    Some((0..THRESHOLDS).map(at).collect())
}

/// The highest of the mean curve: curves are averaged over pictures first. `None` of nothing.
pub fn max_of_mean(curves: &[&[f64]]) -> Option<f64> {
    let mean = |n: usize| {
        let sum: f64 = curves.iter().filter_map(|curve| curve.get(n)).sum();
        sum / curves.len() as f64
    };
    (!curves.is_empty()).then(|| (0..THRESHOLDS).map(mean).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::grid::Grid;

    const GRID: Grid = Grid { width: 4, height: 1 };

    #[test]
    fn an_empty_mask_is_scored_by_what_is_left_out() {
        let kept = Cells::boxes(GRID, &[[0, 0, 1, 1]]);
        assert_eq!(mask_iou(&kept, &Cells::none(GRID)), 0.75);
        assert_eq!(mask_iou(&kept, &Cells::boxes(GRID, &[[0, 0, 2, 1]])), 0.5);
    }

    #[test]
    fn a_perfect_map_reaches_one_and_means_are_taken_before_the_maximum() {
        let mask = Cells::boxes(GRID, &[[0, 0, 2, 1]]);
        let right = f_curve(&ScoreMap::exact(GRID, vec![1.0, 1.0, 0.0, 0.0]), &mask).unwrap();
        // Threshold 0 keeps everything: precision 1/2, recall 1.
        assert!((right[0] - 1.3 * 0.5 / (0.15 + 1.0)).abs() < 1e-9);
        assert!((right[100] - 1.0).abs() < 1e-9);
        let half = f_curve(&ScoreMap::exact(GRID, vec![1.0, 0.2, 0.4, 0.0]), &mask).unwrap();
        let best = max_of_mean(&[&right, &half]).unwrap();
        let each = right.iter().zip(&half).map(|(a, b)| (a + b) / 2.0).fold(0.0, f64::max);
        assert!((best - each).abs() < 1e-12 && best < 1.0);
        assert_eq!(
            (max_of_mean(&[]), f_curve(&ScoreMap::everywhere(GRID), &Cells::none(GRID))),
            (None, None)
        );
    }
}
