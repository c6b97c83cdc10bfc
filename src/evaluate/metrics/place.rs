//! Pointing, and telling which of several things sounds.

use crate::evaluate::grid::{Cells, Region};
use crate::evaluate::score_map::ScoreMap;

/// Whether the map's highest cell lies in the region (the pointing game of Zhang et al., 2018,
/// without its margin). A flat map points nowhere.
pub fn points_at(map: &ScoreMap, region: &Region) -> bool {
    !map.is_flat() && region.cells.contains(map.peak())
}

/// Whether the map is higher somewhere in the region than anywhere in the regions of the other
/// things in the picture. A thing without cells has lost.
pub fn prefers(map: &ScoreMap, region: &Region, others: &[Cells]) -> bool {
    let rival = others.iter().filter_map(|cells| map.highest_within(cells)).reduce(f32::max);
    match (map.highest_within(&region.cells), rival) {
        (Some(own), Some(rival)) => own > rival,
        (own, None) => own.is_some(),
        (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::grid::Grid;

    const GRID: Grid = Grid { width: 6, height: 1 };

    fn cells(x0: i64, x1: i64) -> Cells {
        Cells::boxes(GRID, &[[x0, 0, x1, 1]])
    }

    #[test]
    fn the_higher_of_two_boxes_is_preferred_and_a_tie_is_lost() {
        let map = ScoreMap::exact(GRID, vec![0.1, 0.5, 0.9, 0.5, 0.2, 0.2]);
        let region = Region::hard(cells(0, 2));
        assert!(prefers(&map, &region, &[cells(4, 6)]));
        assert!(!prefers(&map, &region, &[cells(4, 6), cells(2, 3)]));
        assert!(!prefers(&map, &region, &[cells(3, 4)]));
        assert!(!prefers(&map, &Region::hard(cells(2, 2)), &[cells(4, 6)]));
        assert!(!points_at(&map, &region) && points_at(&map, &Region::hard(cells(2, 3))));
    }

    #[test]
    fn a_flat_map_points_nowhere() {
        let flat = ScoreMap::everywhere(GRID);
        assert!(!points_at(&flat, &Region::hard(cells(0, 6))));
        assert!(!prefers(&flat, &Region::hard(cells(0, 2)), &[cells(3, 4)]));
    }
}
