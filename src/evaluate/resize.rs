//! Predicted maps of any size on the grid.

use super::grid::Grid;
use crate::align::SimilarityMap;

/// For one cell of the result: the first cell of the source and the weights from there on.
type Taps = (usize, Vec<f64>);

/// The map with one value for each cell of `grid`, by Pillow's `BILINEAR`: enlarged, it is
/// bilinear interpolation between the middles of cells, the outermost continued to the edge;
/// reduced, the triangle grows with the reduction, so that no cell is passed over. A map without
/// cells gives zeros.
pub fn resized(map: &SimilarityMap, grid: Grid) -> Vec<f32> {
    let (width, height) = (map.width, map.height);
    if width == 0 || height == 0 || map.values.len() != width * height {
        return vec![0.0; grid.cells()];
    }
    if (width, height) == (grid.width, grid.height) {
        return map.values.clone();
    }
    let (across, down) = (taps(width, grid.width), taps(height, grid.height));
    let mut wide = Vec::with_capacity(grid.width * height);
    for row in map.values.chunks_exact(width) {
        wide.extend(across.iter().map(|taps| weighted(row, taps)));
    }
    let mut out = Vec::with_capacity(grid.cells());
    let mut line = vec![0f64; grid.width];
    for (first, weights) in &down {
        line.fill(0.0);
        for (row, weight) in wide.chunks_exact(grid.width).skip(*first).zip(weights) {
            line.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * f64::from(*value));
        }
        out.extend(line.iter().map(|sum| *sum as f32));
    }
    out
}

fn weighted(row: &[f32], (first, weights): &Taps) -> f32 {
    row.iter()
        .skip(*first)
        .zip(weights)
        .map(|(value, weight)| f64::from(*value) * weight)
        .sum::<f64>() as f32
}

fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to.max(1) as f64;
    let reach = scale.max(1.0);
    (0..to)
        .map(|cell| {
            let centre = (cell as f64 + 0.5) * scale;
            let first = ((centre - reach + 0.5).floor().max(0.0)) as usize;
            let end =
                ((centre + reach + 0.5).floor() as usize).clamp(first + 1, from.max(first + 1));
            let weight =
                |place: usize| (1.0 - ((place as f64 + 0.5 - centre) / reach).abs()).max(0.0);
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            (first, weights.iter().map(|weight| weight / sum).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn enlarging_agrees_with_the_bilinear_maps_that_events_carry() {
        let values: Vec<f32> = (0..30).map(|i| ((i * 37) % 23) as f32 / 23.0).collect();
        let map = SimilarityMap { width: 6, height: 5, values };
        let grid = Grid { width: 41, height: 33 };
        let other = map.upsampled(41, 33).values;
        let near = resized(&map, grid).iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near);
    }

    #[test]
    fn reducing_passes_over_no_cell() {
        let mut values = vec![0.0; 448];
        values[3] = 1.0;
        let map = SimilarityMap { width: 448, height: 1, values };
        let small = resized(&map, Grid { width: 8, height: 1 });
        assert!(small[0] > 0.0 && small[2..].iter().all(|value| *value == 0.0), "{small:?}");
    }

    proptest! {
        #[test]
        fn a_flat_map_stays_flat(w in 1usize..300, h in 1usize..9, value in -1f32..1.0) {
            let map = SimilarityMap { width: w, height: h, values: vec![value; w * h] };
            let out = resized(&map, Grid { width: 24, height: 24 });
            prop_assert!(out.iter().all(|v| (v - value).abs() < 1e-6));
        }
    }
}
