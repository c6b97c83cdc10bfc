//! What is known without looking: the floors and the ceiling that stand beside every score.

use super::grid::{Cells, Grid, Region};
use super::metrics::average_precision::average_precision;
use super::metrics::{detection, overlap, place, segmentation};
use super::score_map::ScoreMap;

/// A map that is made without looking at anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// The nearer the middle, the higher: cut at its median, a centred disc of half the area.
    Centre,
    /// The whole picture, whatever is asked.
    Full,
    /// The truth, as well as a map can tell it that is cut at half of its area.
    Oracle,
}

impl Baseline {
    /// All of them, the floors first.
    pub const ALL: [Baseline; 3] = [Baseline::Centre, Baseline::Full, Baseline::Oracle];

    /// Its name in reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Baseline::Centre => "centre",
            Baseline::Full => "full",
            Baseline::Oracle => "oracle",
        }
    }

    /// What it claims on a grid. The centred disc of several pictures side by side is one disc in
    /// the middle of each.
    pub fn claim(self, grid: Grid) -> Claim {
        match self {
            Baseline::Centre => Claim::Map(Box::new(centred(grid))),
            Baseline::Full => Claim::Map(Box::new(ScoreMap::everywhere(grid))),
            Baseline::Oracle => Claim::Oracle,
        }
    }
}

fn centred(grid: Grid) -> ScoreMap {
    let side = grid.height;
    let middle = (side as f32 - 1.0) / 2.0;
    let value = |index: usize| {
        let (x, y) = (index % grid.width % side, index / grid.width);
        -(x as f32 - middle).hypot(y as f32 - middle)
    };
    ScoreMap::exact(grid, (0..grid.cells()).map(value).collect())
}

/// What is judged: a map, or knowing the truth.
#[derive(Clone, Debug)]
pub enum Claim {
    /// A map.
    Map(Box<ScoreMap>),
    /// The truth itself.
    Oracle,
}

impl Claim {
    /// See [`overlap::half_area_ciou`]. The oracle keeps half of the cells, the ones that count most
    /// first.
    pub fn half_area_ciou(&self, region: &Region) -> f64 {
        match self {
            Claim::Map(map) => overlap::half_area_ciou(map, region),
            Claim::Oracle => overlap::ciou(&best_half(region), region),
        }
    }

    /// See [`overlap::adaptive_ciou`].
    pub fn adaptive_ciou(&self, region: &Region) -> f64 {
        match self {
            Claim::Map(map) => overlap::adaptive_ciou(map, region),
            Claim::Oracle => overlap::ciou(&region.cells, region),
        }
    }

    /// See [`overlap::ciou_at_score`].
    pub fn ciou_at_score(&self, region: &Region, threshold: f64) -> f64 {
        match self {
            Claim::Map(map) => overlap::ciou_at_score(map, region, threshold),
            Claim::Oracle => overlap::ciou(&region.cells, region),
        }
    }

    /// See [`place::points_at`].
    pub fn points_at(&self, region: &Region) -> bool {
        match self {
            Claim::Map(map) => place::points_at(map, region),
            Claim::Oracle => !region.cells.is_empty(),
        }
    }

    /// See [`place::prefers`].
    pub fn prefers(&self, region: &Region, others: &[Cells]) -> bool {
        match self {
            Claim::Map(map) => place::prefers(map, region, others),
            Claim::Oracle => !region.cells.is_empty(),
        }
    }
}

impl Claim {
    /// See [`average_precision`].
    pub fn pixel_precision(&self, truth: &Cells) -> f64 {
        match self {
            Claim::Map(map) => average_precision(map, truth),
            Claim::Oracle => f64::from(u8::from(!truth.is_empty())),
        }
    }

    /// See [`segmentation::mask_iou`], of what scores 0.5 or more on the stretched map.
    pub fn mask_iou(&self, mask: &Cells) -> f64 {
        match self {
            Claim::Map(map) => segmentation::mask_iou(&map.at_least_stretched(0.5), mask),
            Claim::Oracle => 1.0,
        }
    }

    /// See [`segmentation::f_curve`].
    pub fn f_curve(&self, mask: &Cells) -> Option<Vec<f64>> {
        match self {
            Claim::Map(map) => segmentation::f_curve(map, mask),
            Claim::Oracle => (!mask.is_empty()).then(|| vec![1.0; segmentation::THRESHOLDS]),
        }
    }

    /// How sure a map is that something sounds: the mean of its highest quarter. The oracle knows.
    pub fn confidence(&self, in_view: bool) -> f64 {
        match self {
            Claim::Map(map) => map.mean_of_top(detection::CONFIDENT_SHARE),
            Claim::Oracle => f64::from(u8::from(in_view)),
        }
    }
}

/// The half of the grid that scores best for a region.
fn best_half(region: &Region) -> Cells {
    let grid = region.cells.grid();
    let room = grid.cells() / 2;
    let sure = |index: &usize| region.weights.as_ref().is_none_or(|w| w.get(*index) == Some(&1.0));
    let (first, then): (Vec<usize>, Vec<usize>) = region.cells.iter().partition(sure);
    let outside = (0..grid.cells()).filter(|index| !region.cells.contains(*index));
    let mut half = Cells::none(grid);
    first.into_iter().chain(then).chain(outside).take(room).for_each(|index| half.insert(index));
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_is_a_disc_of_half_the_area_in_each_picture() {
        for pictures in [1, 2] {
            let grid = Grid::side_by_side(pictures);
            let Claim::Map(map) = Baseline::Centre.claim(grid) else { unreachable!() };
            let half = map.upper_half();
            let share = half.count() as f64 / grid.cells() as f64;
            assert!((share - 0.5).abs() < 2e-3, "{share}");
            for picture in 0..pictures {
                assert!(half.contains(112 * grid.width + picture * 224 + 112));
                assert!(!half.contains(2 * grid.width + picture * 224 + 2));
            }
        }
    }

    #[test]
    fn the_full_frame_scores_the_share_that_the_truth_covers() {
        let grid = Grid::ONE;
        let region = Region::hard(Cells::boxes(grid, &[[0, 0, 224, 168]]));
        let full = Baseline::Full.claim(grid);
        assert!((full.half_area_ciou(&region) - 0.75).abs() < 1e-12);
        assert!((full.adaptive_ciou(&region) - 0.75).abs() < 1e-12);
        assert!(!full.points_at(&region));
    }

    #[test]
    fn the_oracle_is_held_back_by_the_area_alone() {
        let grid = Grid::ONE;
        let quarter = Region::hard(Cells::boxes(grid, &[[0, 0, 112, 112]]));
        let oracle = Baseline::Oracle.claim(grid);
        assert_eq!(oracle.half_area_ciou(&quarter), 0.5);
        assert_eq!(oracle.adaptive_ciou(&quarter), 1.0);
        assert!(oracle.points_at(&quarter) && oracle.prefers(&quarter, &[]));
        // Where annotators disagree, the cells that two agree on come first.
        let soft = Region::consensus(grid, &[[0, 0, 224, 168], [0, 56, 224, 224]]);
        let kept = best_half(&soft);
        assert_eq!((kept.count(), soft.weight_within(&kept)), (25_088, 25_088.0));
    }
}
