//! Text at any size: a bitmap font, enlarged with smooth edges.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_7X13_BOLD, FONT_9X18_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::text::{Baseline, Text as Words};

use super::canvas::{Canvas, Rect, Rgb};

/// A line of text of a certain size, ready to be measured and drawn.
pub(super) struct Text {
    width: usize,
    height: usize,
    dots: Vec<bool>,
    /// Pixels of the picture for each dot of the font.
    scale: f32,
}

impl Text {
    /// `line` in letters `height` pixels high, ascenders and descenders included. Characters
    /// beyond Latin-1 become question marks, because the font has no others.
    pub fn new(line: &str, height: f32) -> Self {
        let font = font(height);
        let line: String = line.chars().map(|c| if c > 'ÿ' { '?' } else { c }).collect();
        let cell = font.character_size;
        let mut dots = Dots {
            size: Size::new(cell.width * line.chars().count() as u32, cell.height),
            on: Vec::new(),
        };
        dots.on.resize((dots.size.width * dots.size.height) as usize, false);
        let style = MonoTextStyle::new(font, BinaryColor::On);
        // Drawing into memory cannot fail, as the error's type says.
        let _ = Words::with_baseline(&line, Point::zero(), style, Baseline::Top).draw(&mut dots);
        Text {
            width: dots.size.width as usize,
            height: dots.size.height as usize,
            dots: dots.on,
            scale: (height / cell.height as f32).max(1.0),
        }
    }

    /// Pixels across.
    pub fn width(&self) -> f32 {
        self.width as f32 * self.scale
    }

    /// Pixels down.
    pub fn height(&self) -> f32 {
        self.height as f32 * self.scale
    }

    /// Draws the line with its top left corner at a whole pixel near `x`, `y`.
    pub fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, colour: Rgb) {
        let (x, y) = (x.round(), y.round());
        let area = Rect { x, y, width: self.width(), height: self.height() };
        canvas.blend(area, colour, |px, py| {
            let (u, v) = ((px - x) / self.scale - 0.5, (py - y) / self.scale - 0.5);
            // Between the middles of the dots the ink is interpolated, and the edge of a
            // letter is where it is nearly half: that rounds the corners and keeps the weight.
            0.5 + (self.ink(u, v) - 0.46) * self.scale * 1.4
        });
    }

    fn ink(&self, u: f32, v: f32) -> f32 {
        let (left, top) = (u.floor(), v.floor());
        let (s, t) = (u - left, v - top);
        let dot = |dx: isize, dy: isize| {
            let (x, y) = (left as isize + dx, top as isize + dy);
            let inside =
                (0..self.width as isize).contains(&x) && (0..self.height as isize).contains(&y);
            let place = || self.dots.get(y as usize * self.width + x as usize).copied();
            f32::from(u8::from(inside && place().unwrap_or(false)))
        };
        (1.0 - t) * ((1.0 - s) * dot(0, 0) + s * dot(1, 0))
            + t * ((1.0 - s) * dot(0, 1) + s * dot(1, 1))
    }
}

/// The largest font that need not be shrunk.
fn font(height: f32) -> &'static MonoFont<'static> {
    match height {
        h if h >= 18.0 => &FONT_9X18_BOLD,
        h if h >= 13.0 => &FONT_7X13_BOLD,
        _ => &FONT_6X10,
    }
}

/// The dots that the font sets.
struct Dots {
    size: Size,
    on: Vec<bool>,
}

impl OriginDimensions for Dots {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Dots {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            if x >= self.size.width {
                continue;
            }
            if let Some(dot) = self.on.get_mut((y * self.size.width + x) as usize) {
                *dot = colour.is_on();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Picture;

    fn drawn(line: &str, height: f32) -> Picture {
        let picture = Picture { width: 200, height: 60, rgb: vec![0; 200 * 60 * 3] };
        let mut canvas = Canvas::new(picture);
        Text::new(line, height).draw(&mut canvas, 4.0, 4.0, [255; 3]);
        canvas.finish()
    }

    fn lit(picture: &Picture) -> f32 {
        picture.rgb.iter().map(|v| f32::from(*v) / 765.0).sum()
    }

    #[test]
    fn text_is_as_high_as_asked_and_never_smaller_than_legible() {
        for height in [10.0, 13.0, 18.0, 27.0, 54.0] {
            assert!((Text::new("Owl", height).height() - height).abs() < 1e-3);
        }
        assert_eq!(Text::new("Owl", 4.0).height(), 10.0);
        assert_eq!(Text::new("Owl!", 18.0).width(), 36.0);
        assert_eq!(Text::new("", 18.0).width(), 0.0);
    }

    #[test]
    fn letters_are_drawn_and_keep_their_weight_when_enlarged() {
        let (small, large) = (lit(&drawn("Owl", 18.0)), lit(&drawn("Owl", 36.0)));
        assert!(small > 20.0, "{small}");
        let ratio = large / small;
        assert!((3.2..4.8).contains(&ratio), "{ratio}");
        assert_eq!(lit(&drawn("   ", 18.0)), 0.0);
    }

    #[test]
    fn the_degree_sign_exists_and_foreign_letters_are_question_marks() {
        assert_ne!(drawn("°", 18.0), drawn("?", 18.0));
        assert_eq!(drawn("梟", 18.0), drawn("?", 18.0));
        assert!(lit(&drawn("°", 18.0)) > 1.0);
    }
}
