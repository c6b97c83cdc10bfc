//! What was found, drawn over the picture: heat, boxes, labels, bearings; and films of it.

mod canvas;
mod film;
mod heat;
mod plate;
mod shape;
mod text;

use crate::align::SimilarityMap;
use crate::capture::Picture;
use canvas::{Canvas, Rect, Rgb};
use heat::Heat;
use plate::{Plate, Style};

pub use film::Film;

/// Colours of the boxes: light enough for a dark plate, and none that the heat has.
const PALETTE: [Rgb; 5] =
    [[94, 234, 212], [125, 196, 255], [190, 242, 100], [249, 168, 212], [196, 181, 253]];

/// What one drawing shows.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The picture below; it is not changed.
    pub picture: &'a Picture,
    /// What sounds, the most important first.
    pub sources: &'a [Mark<'a>],
    /// One line for the lower left corner, such as the time; empty: none.
    pub caption: &'a str,
}

/// One thing that sounds, as it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// What it is called.
    pub label: &'a str,
    /// How sure that is, 0..1.
    pub confidence: f32,
    /// Whether the picture holds it. If not, only label and confidence are drawn.
    pub on_screen: bool,
    /// The similarity map of this source alone.
    pub map: &'a SimilarityMap,
    /// Where the map is highest, x and y in 0..1 of the picture.
    pub peak: [f32; 2],
    /// What stands out: x0, y0, x1, y1 in 0..1 of the picture.
    pub extent: [f32; 4],
    /// Degrees to the left of straight ahead, if the field of view is known.
    pub azimuth_deg: Option<f64>,
}

/// Draws a scene: the heat of every source in view over the darkened picture, a box, a cross
/// at the peak and a label for each, the others in a list in the upper right corner. The
/// result has the picture's size, and the lettering follows it.
pub fn draw(scene: &Scene<'_>) -> Picture {
    let (width, height) = (scene.picture.width as usize, scene.picture.height as usize);
    let mut canvas = Canvas::new(scene.picture.clone());
    let style = Style::for_size(canvas.width(), canvas.height());
    let colours = colours(scene.sources);
    let seen = || scene.sources.iter().zip(&colours).filter(|(mark, _)| mark.on_screen);

    if seen().next().is_some() {
        let mut heat = Heat::none(width, height);
        for (mark, _) in seen() {
            // Even a doubtful source must show, but a sure one beside it shows more.
            heat.add(mark.map, 0.4 + 0.6 * mark.confidence.clamp(0.0, 1.0));
        }
        heat.draw(&mut canvas);
    }

    let mut taken = Vec::new();
    for plate in corner_plates(scene, &style, &canvas) {
        plate.draw(&mut canvas, &style);
        taken.push(plate.area);
    }
    let frames: Vec<Option<Rect>> =
        seen().map(|(mark, _)| in_pixels(mark.extent, &canvas)).collect();
    for ((mark, colour), frame) in seen().zip(&frames) {
        if let Some(frame) = frame {
            shape::brackets(&mut canvas, *frame, *colour, style.unit);
        }
        let [x, y] = [mark.peak[0] * canvas.width(), mark.peak[1] * canvas.height()];
        shape::cross(&mut canvas, [x, y], style.unit);
    }
    for ((mark, colour), frame) in seen().zip(&frames) {
        let [x, y] = [mark.peak[0] * canvas.width(), mark.peak[1] * canvas.height()];
        let around =
            frame.unwrap_or(Rect { x, y, width: 0.0, height: 0.0 }.grown(style.unit * 14.0));
        let plate = Plate::new(&words(mark, *colour), *colour, &style, canvas.width());
        let plate = plate.beside(around, &frames, &taken, &canvas, &style);
        plate.draw(&mut canvas, &style);
        taken.push(plate.area);
    }
    canvas.finish()
}

/// The caption below on the left, and what is out of view above on the right.
fn corner_plates(scene: &Scene<'_>, style: &Style, canvas: &Canvas) -> Vec<Plate> {
    let mut plates = Vec::new();
    if !scene.caption.is_empty() {
        let words = [(scene.caption.to_owned(), style.dim)];
        let plate = Plate::plain(&words, style, canvas.width());
        let y = canvas.height() - style.margin - plate.area.height;
        plates.push(plate.at(style.margin, y));
    }
    let mut y = style.margin;
    for mark in scene.sources.iter().filter(|mark| !mark.on_screen) {
        let words = [
            (short(mark.label).to_owned(), style.bright),
            (percent(mark.confidence), style.dim),
            ("out of view".to_owned(), style.dim),
        ];
        let plate = Plate::with_speaker(&words, style, canvas.width());
        let x = canvas.width() - style.margin - plate.area.width;
        let plate = plate.at(x, y);
        y = plate.area.bottom() + style.margin / 2.0;
        plates.push(plate);
    }
    plates
}

fn words(mark: &Mark<'_>, colour: Rgb) -> Vec<(String, Rgb)> {
    let mut words =
        vec![(short(mark.label).to_owned(), [255; 3]), (percent(mark.confidence), colour)];
    words.extend(mark.azimuth_deg.map(|angle| (bearing(angle), [214; 3])));
    words
}

/// A share in percent; 99 at most, because nothing that is heard is certain.
fn percent(share: f32) -> String {
    format!("{:.0}%", (share * 100.0).clamp(0.0, 99.0))
}

/// A label that fits beside others: AudioSet's long names list synonyms after commas
/// ("Bird vocalization, bird call, bird song"), and the first of them says it.
fn short(label: &str) -> &str {
    match label.split_once(", ") {
        Some((first, _)) if label.chars().count() > 20 => first,
        _ => label,
    }
}

/// A bearing in words; positive is left.
fn bearing(azimuth_deg: f64) -> String {
    let angle = format!("{:.1}°", azimuth_deg.abs());
    match angle.as_str() {
        "0.0°" => "ahead".to_owned(),
        _ if azimuth_deg > 0.0 => format!("{angle} left"),
        _ => format!("{angle} right"),
    }
}

/// A colour for each mark that depends on its label, so that it stays the same from picture to
/// picture while others come and go; those that would share one get the next that is free.
fn colours(marks: &[Mark<'_>]) -> Vec<Rgb> {
    let mut used = [false; PALETTE.len()];
    let mut colours = Vec::with_capacity(marks.len());
    for mark in marks {
        // FNV-1a: small, and the same on every machine.
        let hash = mark
            .label
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let first = hash as usize % PALETTE.len();
        let places = (0..PALETTE.len()).map(|step| (first + step) % PALETTE.len());
        let place = places.into_iter().find(|place| !used[*place]).unwrap_or(first);
        // Both indices are remainders by the length.
        used[place] = true;
        colours.push(PALETTE[place]);
    }
    colours
}

/// A part of the picture in pixels; `None` if there is nothing in it.
fn in_pixels(extent: [f32; 4], canvas: &Canvas) -> Option<Rect> {
    let [x0, y0, x1, y1] = extent.map(|value| value.clamp(0.0, 1.0));
    let (x, y) = (x0 * canvas.width(), y0 * canvas.height());
    let (width, height) = ((x1 - x0) * canvas.width(), (y1 - y0) * canvas.height());
    (width >= 2.0 && height >= 2.0).then_some(Rect { x, y, width, height })
}

#[cfg(test)]
mod tests;
