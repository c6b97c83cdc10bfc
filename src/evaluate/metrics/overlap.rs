//! How well a cut map covers a region.

use crate::evaluate::grid::{Cells, Region};
use crate::evaluate::score_map::ScoreMap;

/// Consensus intersection over union of the cells that were kept, 0..1:
/// `Σ keep·g / (Σ g + Σ keep·[g = 0])` (Senocak et al., CVPR 2018). `g` is what each cell of the
/// region counts; with plain boxes it is intersection over union. Nothing against nothing is 0.
pub fn ciou(kept: &Cells, region: &Region) -> f64 {
    let outside = kept.count() - kept.shared(&region.cells);
    ratio(region.weight_within(kept), region.weight() + outside as f64)
}

/// [`ciou`] of the upper half of the map: cells above `sort(map)[N / 2]`. The field's cIoU, which
/// is blind to how much of the picture the map covers.
pub fn half_area_ciou(map: &ScoreMap, region: &Region) -> f64 {
    ciou(map.upper_half(), region)
}

/// [`ciou`] of as many of the highest cells as the region has (Senocak et al., 2023: *adaptive*);
/// of the upper half where the region is empty.
pub fn adaptive_ciou(map: &ScoreMap, region: &Region) -> f64 {
    match region.cells.count() {
        0 => ciou(map.upper_half(), region),
        count => ciou(&map.top(count), region),
    }
}

/// Intersection over union of two sets of cells, 0..1; nothing against nothing is 0.
pub fn iou(a: &Cells, b: &Cells) -> f64 {
    let shared = a.shared(b);
    ratio(shared as f64, (a.count() + b.count() - shared) as f64)
}

/// [`ciou`] of what scores `threshold` or more on the map stretched to 0..1: the reading of
/// "IoU@t" in which t is a threshold of the score, and the mean over items is reported.
pub fn ciou_at_score(map: &ScoreMap, region: &Region, threshold: f64) -> f64 {
    ciou(&map.at_least_stretched(threshold), region)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::grid::Grid;
    use proptest::prelude::*;

    const GRID: Grid = Grid { width: 8, height: 6 };
    const N: usize = 48;

    /// The formula as kaistmm/SSLalignment and the scorers after it write it, over plain arrays.
    fn naive(values: &[f32], gt: &[f32], cut: f32) -> f64 {
        let (mut hit, mut all, mut extra) = (0.0, 0.0, 0.0);
        for (value, g) in values.iter().zip(gt) {
            let keep = if *value > cut { 1.0 } else { 0.0 };
            hit += keep * f64::from(*g);
            all += f64::from(*g);
            extra += if *g == 0.0 { keep } else { 0.0 };
        }
        if all + extra > 0.0 { hit / (all + extra) } else { 0.0 }
    }

    proptest! {
        #[test]
        fn the_cuts_score_as_the_plain_formula_does(
            values in prop::collection::vec((0u8..30).prop_map(f32::from), N),
            annotators in prop::collection::vec(prop::array::uniform4(-2i64..10), 1..4),
            soft in any::<bool>(),
        ) {
            let region = match soft {
                true => Region::consensus(GRID, &annotators),
                false => Region::hard(Cells::boxes(GRID, &annotators)),
            };
            let gt: Vec<f32> = (0..N).map(|i| match &region.weights {
                Some(weights) => weights[i],
                None => f32::from(u8::from(region.cells.contains(i))),
            }).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f32::total_cmp);
            let map = ScoreMap::exact(GRID, values.clone());
            let half = naive(&values, &gt, sorted[N / 2]);
            prop_assert!((half_area_ciou(&map, &region) - half).abs() < 1e-12);
            let area = gt.iter().filter(|g| **g != 0.0).count();
            let cut = match area { 0 => sorted[N / 2], _ => sorted[(N - 1).saturating_sub(area)] };
            prop_assert!((adaptive_ciou(&map, &region) - naive(&values, &gt, cut)).abs() < 1e-12);
        }

        #[test]
        fn overlap_of_two_sets_is_symmetric_and_counts_cells(
            a in prop::collection::vec(any::<bool>(), N),
            b in prop::collection::vec(any::<bool>(), N),
        ) {
            let set = |bits: &[bool]| Cells::chosen(GRID, |index| bits[index]);
            let both = (0..N).filter(|i| a[*i] && b[*i]).count() as f64;
            let either = (0..N).filter(|i| a[*i] || b[*i]).count() as f64;
            let wanted = if either > 0.0 { both / either } else { 0.0 };
            prop_assert_eq!(iou(&set(&a), &set(&b)), wanted);
            prop_assert_eq!(iou(&set(&b), &set(&a)), wanted);
        }
    }

    #[test]
    fn a_score_threshold_works_on_the_stretched_map() {
        let mut values = vec![-4.0; N];
        values[..4].copy_from_slice(&[4.0, 0.0, -0.1, 3.0]);
        let map = ScoreMap::exact(GRID, values);
        let region = Region::hard(Cells::boxes(GRID, &[[0, 0, 4, 1]]));
        assert_eq!(ciou_at_score(&map, &region, 0.5), 0.75);
    }
}
