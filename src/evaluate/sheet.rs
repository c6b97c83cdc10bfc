//! The contact sheet: the best and the worst cases, drawn.

use std::path::PathBuf;

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::grid::{Cells, Grid, Region};
use super::item::{Item, Wanted};
use super::media::Media;
use crate::align::SimilarityMap;
use crate::capture::Picture;
use crate::error::Result;
use crate::overlay::{self, Mark, Scene};

/// Tiles in a row.
const ACROSS: u32 = 4;

/// Width and height of a tile in pixels, its margin included.
const TILE: [u32; 2] = [400, 320];

/// Pixels around each picture.
const MARGIN: u32 = 6;

/// Maps are kept no larger than this along each side: a sheet shows no more.
const KEPT: usize = 64;

/// One judged map, as much of it as a drawing needs.
#[derive(Clone, Debug)]
pub struct Case {
    /// The item.
    pub id: String,
    /// Class of its sound.
    pub class: String,
    /// How well the map fits, 0..1; the sheet is ordered by it.
    pub adaptive: f64,
    /// The same with the map cut at its median.
    pub ciou: f64,
    confidence: Option<f64>,
    truth: Cells,
    map: SimilarityMap,
    pictures: Vec<Wanted>,
}

impl Case {
    /// A case of an item.
    pub fn new(
        item: &Item,
        adaptive: f64,
        ciou: f64,
        truth: &Region,
        map: SimilarityMap,
        confidence: Option<f64>,
    ) -> Case {
        let [width, height] = [map.width.min(KEPT), map.height.min(KEPT)];
        let map = match (width, height) == (map.width, map.height) {
            true => map,
            false => {
                let values = super::resize::resized(&map, Grid { width, height });
                SimilarityMap { width, height, values }
            }
        };
        Case {
            id: item.id.clone(),
            class: item.class.clone(),
            adaptive,
            ciou,
            confidence,
            truth: truth.cells.clone(),
            map,
            pictures: item.pictures.clone(),
        }
    }

    /// The picture with the map as heat, a bracket round the truth, and a line about both.
    fn tile(&self, media: &Media, rank: &str) -> Result<RgbImage> {
        let paths: Vec<PathBuf> = self.pictures.iter().filter_map(|w| media.find(w)).collect();
        let picture = match paths.is_empty() {
            true => None,
            false => Some(super::picture::side_by_side(&paths)?),
        };
        let [width, height] = TILE.map(|side| side - 2 * MARGIN);
        let picture = match picture {
            Some(picture) => fitted(picture, width, height),
            // Stored predictions may be judged without the pictures.
            None => Picture { width, height, rgb: vec![96; (width * height * 3) as usize] },
        };
        let mark = Mark {
            label: &self.class,
            confidence: self.confidence.unwrap_or(0.0) as f32,
            on_screen: true,
            map: &self.map,
            peak: self.map.peak().0,
            extent: bounds(&self.truth),
            azimuth_deg: None,
        };
        let caption = format!("{rank} {:.0}: {}", 100.0 * self.adaptive, self.id);
        let drawn =
            overlay::draw(&Scene { picture: &picture, sources: &[mark], caption: &caption });
        let (width, height) = (drawn.width, drawn.height);
        Ok(RgbImage::from_raw(width, height, drawn.rgb).unwrap_or_else(|| RgbImage::new(1, 1)))
    }
}

/// Draws the `most` best and the `most` worst of `cases`, the best first; the truth is the
/// bracket, the heat is the map, the number is adaptive cIoU in percent.
///
/// # Errors
/// A picture can no longer be read.
pub fn draw(cases: &[Case], most: usize, media: &Media) -> Result<Picture> {
    let mut order: Vec<&Case> = cases.iter().collect();
    order.sort_by(|a, b| b.adaptive.total_cmp(&a.adaptive).then_with(|| a.id.cmp(&b.id)));
    let best = order.len().div_ceil(2).min(most);
    let worst = (order.len() - best).min(most);
    let rows = |count: usize| (count as u32).div_ceil(ACROSS);
    let [width, height] = TILE;
    let mut sheet = RgbImage::new(ACROSS * width, (rows(best) + rows(worst)).max(1) * height);
    let groups =
        [("best", 0, &order[..best]), ("worst", rows(best), &order[order.len() - worst..])];
    for (rank, first_row, group) in groups {
        for (n, case) in (0u32..).zip(group) {
            let tile = case.tile(media, rank)?;
            let (x, y) = (n % ACROSS * width, (first_row + n / ACROSS) * height);
            let [dx, dy] = [(width - tile.width()) / 2, (height - tile.height()) / 2];
            imageops::replace(&mut sheet, &tile, i64::from(x + dx), i64::from(y + dy));
        }
    }
    Ok(Picture { width: sheet.width(), height: sheet.height(), rgb: sheet.into_raw() })
}

/// The picture scaled to fit into `width` × `height`, its sides in proportion.
fn fitted(picture: Picture, width: u32, height: u32) -> Picture {
    let (w, h) = (f64::from(picture.width), f64::from(picture.height));
    let scale = (f64::from(width) / w).min(f64::from(height) / h);
    let [to_w, to_h] =
        [(w * scale, width), (h * scale, height)].map(|(side, most)| (side as u32).clamp(1, most));
    let Some(image) = RgbImage::from_raw(picture.width, picture.height, picture.rgb) else {
        return Picture::default();
    };
    let small = imageops::resize(&image, to_w, to_h, FilterType::Triangle);
    Picture { width: to_w, height: to_h, rgb: small.into_raw() }
}

/// The box round some cells: x0, y0, x1, y1 in 0..1.
fn bounds(cells: &Cells) -> [f32; 4] {
    let Grid { width, height } = cells.grid();
    let mut corners = [width, height, 0, 0];
    for index in cells.iter() {
        let (x, y) = (index % width, index / width);
        let [x0, y0, x1, y1] = corners;
        corners = [x0.min(x), y0.min(y), x1.max(x + 1), y1.max(y + 1)];
    }
    let [x0, y0, x1, y1] = corners.map(|value| value as f32);
    let (w, h) = (width as f32, height as f32);
    [x0 / w, y0 / h, x1 / w, y1 / h]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, adaptive: f64) -> Case {
        let truth = Cells::boxes(Grid::ONE, &[[112, 56, 168, 224]]);
        let map = SimilarityMap { width: 2, height: 1, values: vec![0.1, 0.9] };
        Case {
            id: id.to_owned(),
            class: "dog".to_owned(),
            adaptive,
            ciou: 0.0,
            confidence: None,
            truth,
            map,
            pictures: Vec::new(),
        }
    }

    #[test]
    fn the_sheet_has_a_row_of_the_best_above_a_row_of_the_worst() {
        let cases: Vec<Case> = (0..7).map(|n| case(&n.to_string(), f64::from(n) / 10.0)).collect();
        let sheet = draw(&cases, 3, &Media::default()).unwrap();
        assert_eq!((sheet.width, sheet.height), (4 * TILE[0], 2 * TILE[1]));
        let lit = |x: u32, y: u32| {
            let start = ((y * sheet.width + x) * 3) as usize;
            sheet.rgb[start..start + 3].iter().any(|value| *value > 0)
        };
        // Three tiles in each row, nothing in the place of the fourth.
        for row in [160, 480] {
            assert!(lit(200, row) && lit(1000, row) && !lit(1400, row));
        }
    }

    #[test]
    fn no_case_twice_and_none_at_all_is_an_empty_sheet() {
        let one = draw(&[case("a", 0.5)], 3, &Media::default()).unwrap();
        assert_eq!(one.height, TILE[1]);
        let none = draw(&[], 3, &Media::default()).unwrap();
        assert!(none.rgb.iter().all(|value| *value == 0));
    }

    #[test]
    fn the_bracket_goes_round_the_truth() {
        assert_eq!(bounds(&case("a", 0.0).truth), [0.5, 0.25, 0.75, 1.0]);
    }
}
