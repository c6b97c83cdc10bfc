//! Labels: a few words on a dark plate, put where they hide least.

use super::canvas::{Canvas, Rect, Rgb};
use super::shape;
use super::text::Text;

/// Sizes and colours that follow the size of the picture.
pub(super) struct Style {
    /// One line's thickness in a picture of 480 rows.
    pub unit: f32,
    /// Height of the letters.
    pub letters: f32,
    /// Distance of plates from the picture's edge.
    pub margin: f32,
    /// Colour of what matters.
    pub bright: Rgb,
    /// Colour of what matters less.
    pub dim: Rgb,
}

impl Style {
    /// The style for a picture of this many pixels.
    pub fn for_size(width: f32, height: f32) -> Style {
        // Tall pictures are narrow, and a label runs across.
        let size = height.min(width * 0.75);
        // More slowly than the picture: a large one is not looked at from farther away.
        let unit = (size / 480.0).powf(0.85).max(0.6);
        // Next to the font's own size its dots stay crisp.
        let letters = match 18.0 * unit {
            near if (14.0..21.0).contains(&near) => 18.0,
            other => other.round(),
        };
        Style { unit, letters, margin: 10.0 * unit, bright: [255; 3], dim: [214; 3] }
    }
}

/// What stands at the left end of a plate.
enum Lead {
    Nothing,
    /// The colour of the box that the plate belongs to.
    Stripe(Rgb),
    Speaker,
}

/// Words on a dark ground.
pub(super) struct Plate {
    pub area: Rect,
    lead: Lead,
    lead_width: f32,
    words: Vec<(Text, Rgb)>,
}

impl Plate {
    /// A plate with the colour of its box at the left.
    pub fn new(words: &[(String, Rgb)], colour: Rgb, style: &Style, limit: f32) -> Plate {
        Plate::build(words, Lead::Stripe(colour), 4.0 * style.unit, style, limit)
    }

    /// A plate with nothing but words.
    pub fn plain(words: &[(String, Rgb)], style: &Style, limit: f32) -> Plate {
        Plate::build(words, Lead::Nothing, 0.0, style, limit)
    }

    /// A plate with a loudspeaker at the left.
    pub fn with_speaker(words: &[(String, Rgb)], style: &Style, limit: f32) -> Plate {
        Plate::build(words, Lead::Speaker, 1.45 * style.letters, style, limit)
    }

    /// The words side by side; those that do not fit into `limit` pixels are left out from
    /// the end, but never the first.
    fn build(
        words: &[(String, Rgb)],
        lead: Lead,
        lead_width: f32,
        style: &Style,
        limit: f32,
    ) -> Plate {
        let (pad, gap) = (padding(style), spacing(style));
        let mut width = lead_width + 2.0 * pad;
        let mut fitting = Vec::new();
        for (word, colour) in words {
            let text = Text::new(word, style.letters);
            let more = text.width() + if fitting.is_empty() { 0.0 } else { gap };
            if !fitting.is_empty() && width + more > limit - 2.0 * style.margin {
                break;
            }
            width += more;
            fitting.push((text, *colour));
        }
        let height = fitting.first().map_or(style.letters, |(text, _)| text.height());
        let area = Rect { x: 0.0, y: 0.0, width, height: height + 0.9 * pad };
        Plate { area, lead, lead_width, words: fitting }
    }

    /// The plate with its top left corner there.
    pub fn at(mut self, x: f32, y: f32) -> Plate {
        (self.area.x, self.area.y) = (x, y);
        self
    }

    /// The plate near its own box `around`: above it if there is room, else where it hides
    /// least of all `boxes` and nothing of the plates that are there already.
    pub fn beside(
        self,
        around: Rect,
        boxes: &[Option<Rect>],
        taken: &[Rect],
        canvas: &Canvas,
        style: &Style,
    ) -> Plate {
        let (w, h, gap) = (self.area.width, self.area.height, 5.0 * style.unit);
        let inset = style.margin / 2.0;
        let fit = |x: f32, y: f32| Rect {
            x: x.min(canvas.width() - w - inset).max(inset),
            y: y.min(canvas.height() - h - inset).max(inset),
            width: w,
            height: h,
        };
        let (above, below) = (around.y - gap - h, around.bottom() + gap);
        let candidates = [
            fit(around.x, above),
            fit(around.x, below),
            fit(around.right() - w, above),
            fit(around.right() - w, below),
            fit(around.right() + gap, around.y),
            fit(around.x - gap - w, around.y),
            fit(around.x + gap, around.y + gap),
            fit(around.x + gap, around.bottom() - gap - h),
        ];
        let cost = |area: &Rect| {
            let hidden: f32 = boxes.iter().flatten().map(|other| area.overlap(other)).sum();
            let collided: f32 = taken.iter().map(|other| area.grown(2.0).overlap(other)).sum();
            hidden + 20.0 * collided
        };
        let best = candidates.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
        let (x, y) = best.map_or((inset, inset), |area| (area.x, area.y));
        self.at(x, y)
    }

    pub fn draw(&self, canvas: &mut Canvas, style: &Style) {
        let area = Rect { x: self.area.x.round(), y: self.area.y.round(), ..self.area };
        let radius = 4.0 * style.unit;
        canvas.fill(area, [14, 15, 22], 0.78, |x, y| area.distance(radius, x, y));
        let pad = padding(style);
        match self.lead {
            Lead::Nothing => {}
            Lead::Stripe(colour) => canvas.fill(area, colour, 1.0, |x, y| {
                area.distance(radius, x, y).max(x - area.x - self.lead_width)
            }),
            Lead::Speaker => {
                let size = style.letters;
                let y = area.y + (area.height - size) / 2.0;
                let place = Rect { x: area.x + pad, y, width: size, height: size };
                shape::speaker(canvas, place, style.bright);
            }
        }
        let mut x = area.x + self.lead_width + pad;
        for (text, colour) in &self.words {
            text.draw(canvas, x, area.y + (area.height - text.height()) / 2.0, *colour);
            x += text.width() + spacing(style);
        }
    }
}

fn padding(style: &Style) -> f32 {
    0.45 * style.letters
}

fn spacing(style: &Style) -> f32 {
    0.55 * style.letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Picture;

    fn canvas() -> Canvas {
        Canvas::new(Picture { width: 640, height: 480, rgb: vec![0; 640 * 480 * 3] })
    }

    fn dog(style: &Style) -> Plate {
        Plate::new(&[("Dog".to_owned(), [255; 3])], [0; 3], style, 640.0)
    }

    fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn a_label_stands_above_its_box_when_there_is_room() {
        let (canvas, style) = (canvas(), Style::for_size(640.0, 480.0));
        let around = rect(200.0, 150.0, 200.0, 200.0);
        let plate = dog(&style).beside(around, &[Some(around)], &[], &canvas, &style);
        assert_eq!(plate.area.x, 200.0);
        assert!(plate.area.bottom() < around.y);
    }

    #[test]
    fn a_label_goes_below_a_box_at_the_top_and_never_out_of_the_picture() {
        let (canvas, style) = (canvas(), Style::for_size(640.0, 480.0));
        let around = rect(600.0, 0.0, 40.0, 200.0);
        let plate = dog(&style).beside(around, &[Some(around)], &[], &canvas, &style);
        assert_eq!(plate.area.overlap(&around), 0.0);
        assert!(plate.area.right() <= 640.0 && plate.area.bottom() <= 480.0);
        assert!(plate.area.x >= 0.0 && plate.area.y >= 0.0);
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let (canvas, style) = (canvas(), Style::for_size(640.0, 480.0));
        let around = rect(200.0, 150.0, 200.0, 200.0);
        let mut taken = Vec::new();
        for _ in 0..4 {
            let plate = dog(&style).beside(around, &[Some(around)], &taken, &canvas, &style);
            assert!(taken.iter().all(|other| plate.area.overlap(other) == 0.0));
            taken.push(plate.area);
        }
    }

    #[test]
    fn words_that_do_not_fit_are_left_out_from_the_end() {
        let style = Style::for_size(640.0, 480.0);
        let words = ["Dog", "91%", "12.9° left"].map(|word| (word.to_owned(), [255; 3]));
        assert_eq!(Plate::new(&words, [0; 3], &style, 640.0).words.len(), 3);
        assert_eq!(Plate::new(&words, [0; 3], &style, 120.0).words.len(), 2);
        assert_eq!(Plate::new(&words, [0; 3], &style, 1.0).words.len(), 1);
    }
}
