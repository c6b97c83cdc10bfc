//! Average precision over the cells of a map.

use crate::evaluate::grid::Cells;
use crate::evaluate::score_map::ScoreMap;

/// Pixel average precision, 0..1: `Σ (R_n − R_{n−1}) P_n` over every distinct score, the highest
/// first (`sklearn.metrics.average_precision_score` of truth and score); 0 if the truth is empty.
/// The mean over sources is the field's PIAP, over the sources of a frame its CAP.
pub fn average_precision(map: &ScoreMap, truth: &Cells) -> f64 {
    let (all, values) = (truth.count() as f64, map.values());
    let (mut hits, mut kept, mut counted, mut sum) = (0f64, 0f64, 0f64, 0f64);
    let mut order = map.order().peekable();
    while counted < all
        && let Some(index) = order.next()
    {
        kept += 1.0;
        hits += f64::from(u8::from(truth.contains(index)));
        // Cells of one score are let in together.
        let tied = order.peek().is_some_and(|next| values.get(*next) == values.get(index));
        if !tied && hits > counted {
            sum += (hits - counted) / all * (hits / kept);
            counted = hits;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::grid::Grid;
    use proptest::prelude::*;

    const GRID: Grid = Grid { width: 5, height: 4 };

    proptest! {
        /// Precision and recall counted anew at every distinct threshold.
        #[test]
        fn it_is_precision_weighed_by_what_recall_gains(
            values in prop::collection::vec((0u8..6).prop_map(f32::from), 20),
            truth in prop::collection::vec(any::<bool>(), 20),
        ) {
            let all = truth.iter().filter(|t| **t).count() as f64;
            let (mut before, mut wanted) = (0.0, 0.0);
            for threshold in (0u8..6).rev().map(f32::from) {
                let kept: Vec<usize> = (0..20).filter(|i| values[*i] >= threshold).collect();
                let hits = kept.iter().filter(|i| truth[**i]).count() as f64;
                if all > 0.0 && !kept.is_empty() {
                    wanted += (hits / all - before) * hits / kept.len() as f64;
                    before = hits / all;
                }
            }
            let map = ScoreMap::exact(GRID, values);
            let found = average_precision(&map, &Cells::chosen(GRID, |i| truth[i]));
            prop_assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
    }
}
