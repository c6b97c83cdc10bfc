//! The heat: similarity maps, smoothly enlarged, as colours over the picture.

use super::canvas::{Canvas, Rect, Rgb};
use crate::align::SimilarityMap;

/// How much of the picture the hottest place hides, 0..1: the thing below must stay visible.
const HIDES: f32 = 0.58;

/// How much the cold part of the picture is darkened, 0..1, so that the heat is what the eye
/// finds first.
const DARKENS: f32 = 0.28;

/// The heat of a whole picture, one value in 0..1 for each pixel.
pub(super) struct Heat {
    width: usize,
    values: Vec<f32>,
}

impl Heat {
    /// No heat anywhere.
    pub fn none(width: usize, height: usize) -> Self {
        Heat { width, values: vec![0.0; width * height] }
    }

    /// Adds one map: cold up to its median, hottest at its maximum, scaled by `weight` (0..1).
    /// Where maps overlap the hotter one shows. A map without relief adds nothing.
    pub fn add(&mut self, map: &SimilarityMap, weight: f32) {
        if self.values.is_empty() || map.values.len() != map.width * map.height {
            return;
        }
        let smooth = enlarge(map, self.width, self.values.len() / self.width);
        let mut sorted = map.values.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let Some(cold) = sorted.get(sorted.len() / 2).copied() else { return };
        // Smoothing flattens the top; the hottest place is the smoothed one.
        let hot = smooth.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let relief = hot - cold;
        if relief.is_nan() || relief <= 1e-6 {
            return;
        }
        for (heat, value) in self.values.iter_mut().zip(smooth) {
            *heat = heat.max(weight * ((value - cold) / relief).clamp(0.0, 1.0));
        }
    }

    /// Draws the heat over the whole picture.
    pub fn draw(&self, canvas: &mut Canvas) {
        let whole = Rect { x: 0.0, y: 0.0, width: canvas.width(), height: canvas.height() };
        let at = |x: f32, y: f32| {
            let place = y as usize * self.width + x as usize;
            self.values.get(place).copied().unwrap_or(0.0)
        };
        canvas.blend(whole, [8, 6, 20], |x, y| DARKENS * (1.0 - step(0.1, 0.7, at(x, y))));
        canvas.paint(whole, |x, y| {
            let heat = at(x, y);
            (inferno(0.3 + 0.62 * heat), HIDES * step(0.25, 0.9, heat))
        });
    }
}

/// 0 below `low`, 1 above `high`, and a smooth way between.
fn step(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Enlarges a map by cubic B-splines, which are smooth and never overshoot. The values belong
/// to the middles of their cells; beyond the outermost the edge is continued.
fn enlarge(map: &SimilarityMap, width: usize, height: usize) -> Vec<f32> {
    let columns = taps(map.width, width);
    let rows = taps(map.height, height);
    let sum = |line: &[f32], taps: &Taps| -> f32 {
        taps.iter().map(|(at, weight)| weight * line.get(*at).copied().unwrap_or(0.0)).sum()
    };
    let mut wide = Vec::with_capacity(width * map.height);
    for line in map.values.chunks_exact(map.width.max(1)) {
        wide.extend(columns.iter().map(|taps| sum(line, taps)));
    }
    let mut whole = Vec::with_capacity(width * height);
    for taps in &rows {
        let start = whole.len();
        whole.resize(start + width, 0.0);
        for (at, weight) in taps {
            let (line, out) = (wide.iter().skip(at * width), whole.iter_mut().skip(start));
            line.zip(out).for_each(|(value, out)| *out += weight * value);
        }
    }
    whole
}

/// Which four cells give the value of one pixel, and how much of each.
type Taps = [(usize, f32); 4];

fn taps(cells: usize, pixels: usize) -> Vec<Taps> {
    let last = cells.saturating_sub(1) as isize;
    (0..pixels)
        .map(|pixel| {
            let place = (pixel as f32 + 0.5) * cells as f32 / pixels as f32 - 0.5;
            let (base, t) = (place.floor(), place - place.floor());
            let weights = [
                (1.0 - t).powi(3) / 6.0,
                (3.0 * t.powi(3) - 6.0 * t * t + 4.0) / 6.0,
                (-3.0 * t.powi(3) + 3.0 * t * t + 3.0 * t + 1.0) / 6.0,
                t.powi(3) / 6.0,
            ];
            let mut offset = -1;
            weights.map(|weight| {
                let cell = (base as isize + offset).clamp(0, last) as usize;
                offset += 1;
                (cell, weight)
            })
        })
        .collect()
}

/// The colour map *inferno* (S. van der Walt and N. Smith, matplotlib, CC0): perceptually
/// uniform, from black over violet and orange to pale yellow. `t` in 0..1; polynomial of
/// degree 6 fitted by M. Zucker (shadertoy.com/view/WlfXRN, CC0).
fn inferno(t: f32) -> Rgb {
    const POWERS: [[f32; 3]; 7] = [
        [0.000_218_94, 0.001_651, -0.019_480_9],
        [0.106_513_42, 0.563_956_44, 3.932_712_4],
        [11.602_493, -3.972_854, -15.942_394],
        [-41.703_996, 17.436_4, 44.354_145],
        [77.162_93, -33.402_36, -81.807_31],
        [-71.319_43, 32.626_064, 73.209_52],
        [25.131_126, -12.242_669, -23.070_325],
    ];
    let t = t.clamp(0.0, 1.0);
    let mut sum = [0.0_f32; 3];
    for power in POWERS.iter().rev() {
        for (sum, term) in sum.iter_mut().zip(power) {
            *sum = *sum * t + term;
        }
    }
    sum.map(|part| (part * 255.0).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Picture;

    fn map(width: usize, height: usize, values: &[f32]) -> SimilarityMap {
        SimilarityMap { width, height, values: values.to_vec() }
    }

    fn hottest(heat: &Heat) -> (usize, usize) {
        let best = heat.values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        (best % heat.width, best / heat.width)
    }

    #[test]
    fn the_colours_grow_lighter_from_black_violet_to_pale_yellow() {
        let light =
            |[r, g, b]: Rgb| 0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b);
        let all: Vec<f32> = (0..=100_u8).map(|i| light(inferno(f32::from(i) / 100.0))).collect();
        assert!(all.windows(2).all(|pair| pair[1] > pair[0] - 0.6), "{all:?}");
        // matplotlib's own table: first (0, 0, 4), middle (188, 55, 84), last (252, 255, 164).
        for (t, table) in [(0.0, [0, 0, 4]), (0.5, [188, 55, 84]), (1.0, [252, 255, 164])] {
            for (mine, theirs) in inferno(t).iter().zip(table) {
                assert!(mine.abs_diff(theirs) <= 6, "{t}: {:?} {table:?}", inferno(t));
            }
        }
    }

    #[test]
    fn the_heat_is_hottest_where_the_map_is_and_in_the_middle_of_its_cell() {
        let mut values = vec![0.1; 7 * 7];
        values[7 * 2 + 5] = 0.9;
        let mut heat = Heat::none(70, 70);
        heat.add(&map(7, 7, &values), 1.0);
        let (x, y) = hottest(&heat);
        assert!(x.abs_diff(54) <= 1 && y.abs_diff(24) <= 1, "{x},{y}");
        assert!((heat.values[y * 70 + x] - 1.0).abs() < 1e-6);
        assert_eq!(heat.values[0], 0.0);
    }

    #[test]
    fn enlarging_never_overshoots_and_keeps_a_flat_map_flat() {
        let flat = enlarge(&map(3, 2, &[0.4; 6]), 31, 17);
        assert_eq!(flat.len(), 31 * 17);
        assert!(flat.iter().all(|value| (value - 0.4).abs() < 1e-6));
        let rough = enlarge(&map(3, 2, &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]), 31, 17);
        assert!(rough.iter().all(|value| (0.0..=1.0).contains(value)));
    }

    #[test]
    fn a_map_without_relief_or_of_the_wrong_shape_leaves_the_picture_cold() {
        let mut heat = Heat::none(8, 8);
        for bad in [
            map(2, 2, &[0.5; 4]),
            map(2, 2, &[0.5; 3]),
            map(0, 0, &[]),
            map(2, 1, &[f32::NAN, f32::NAN]),
        ] {
            heat.add(&bad, 1.0);
        }
        assert!(heat.values.iter().all(|value| *value == 0.0));
        Heat::none(0, 0).add(&map(1, 1, &[1.0]), 1.0);
    }

    #[test]
    fn heat_lightens_its_place_and_darkens_the_rest() {
        let mut heat = Heat::none(40, 40);
        heat.add(
            &map(4, 4, &[0., 0., 0., 0., 0., 1., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.]),
            1.0,
        );
        let grey = Picture { width: 40, height: 40, rgb: vec![90; 40 * 40 * 3] };
        let mut canvas = Canvas::new(grey);
        heat.draw(&mut canvas);
        let picture = canvas.finish();
        let red = |x: usize, y: usize| picture.rgb[(y * 40 + x) * 3];
        assert!(red(15, 15) > 150, "{}", red(15, 15));
        assert!(red(38, 38) < 80, "{}", red(38, 38));
    }
}
