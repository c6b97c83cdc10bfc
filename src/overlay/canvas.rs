//! A picture to draw on: shapes with smooth edges, given by their signed distance.

use crate::capture::Picture;

/// A colour, 8 bits a channel, not linear.
pub(super) type Rgb = [u8; 3];

/// An axis-parallel rectangle in pixels; the right and lower edges are not part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Rect {
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The rectangle with every edge moved outwards.
    pub fn grown(&self, by: f32) -> Rect {
        Rect {
            x: self.x - by,
            y: self.y - by,
            width: self.width + 2.0 * by,
            height: self.height + 2.0 * by,
        }
    }

    /// The area that two rectangles share.
    pub fn overlap(&self, other: &Rect) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    }

    /// Distance of a point to the edge of this rectangle with rounded corners; negative inside.
    /// The formula is the usual one: fold into one quadrant, then measure to the inner corner.
    pub fn distance(&self, radius: f32, x: f32, y: f32) -> f32 {
        let (half_w, half_h) = (self.width / 2.0, self.height / 2.0);
        let qx = (x - self.x - half_w).abs() - half_w + radius;
        let qy = (y - self.y - half_h).abs() - half_h + radius;
        qx.max(0.0).hypot(qy.max(0.0)) + qx.max(qy).min(0.0) - radius
    }
}

/// Distance of a point to the line from `a` to `b`.
pub(super) fn to_segment(a: [f32; 2], b: [f32; 2], x: f32, y: f32) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let (px, py) = (x - a[0], y - a[1]);
    let length = (dx * dx + dy * dy).max(f32::MIN_POSITIVE);
    let along = ((px * dx + py * dy) / length).clamp(0.0, 1.0);
    (px - along * dx).hypot(py - along * dy)
}

/// A picture being drawn on.
pub(super) struct Canvas {
    picture: Picture,
}

impl Canvas {
    pub fn new(picture: Picture) -> Self {
        Canvas { picture }
    }

    pub fn finish(self) -> Picture {
        self.picture
    }

    pub fn width(&self) -> f32 {
        self.picture.width as f32
    }

    pub fn height(&self) -> f32 {
        self.picture.height as f32
    }

    /// Blends `colour` into every pixel of `area` as far as `cover` (0..1) says for the
    /// middle of the pixel.
    pub fn blend(&mut self, area: Rect, colour: Rgb, cover: impl Fn(f32, f32) -> f32) {
        self.paint(area, |x, y| (colour, cover(x, y)));
    }

    /// As [`Canvas::blend`], with a colour for each pixel.
    pub fn paint(&mut self, area: Rect, at: impl Fn(f32, f32) -> (Rgb, f32)) {
        let width = self.picture.width as usize;
        let columns =
            area.x.floor().max(0.0) as usize..(area.right().ceil().max(0.0) as usize).min(width);
        let rows = area.y.floor().max(0.0) as usize
            ..(area.bottom().ceil().max(0.0) as usize).min(self.picture.height as usize);
        if columns.is_empty() || rows.is_empty() {
            return;
        }
        let lines = self.picture.rgb.chunks_exact_mut(width * 3).enumerate();
        for (y, line) in lines.skip(rows.start).take(rows.len()) {
            let pixels = line.as_chunks_mut::<3>().0.iter_mut().enumerate();
            for (x, pixel) in pixels.skip(columns.start).take(columns.len()) {
                let (colour, cover) = at(x as f32 + 0.5, y as f32 + 0.5);
                if cover > 0.0 {
                    mix(pixel, colour, cover.min(1.0));
                }
            }
        }
    }

    /// Fills everything nearer than half a pixel to the inside of `distance`.
    pub fn fill(
        &mut self,
        area: Rect,
        colour: Rgb,
        opacity: f32,
        distance: impl Fn(f32, f32) -> f32,
    ) {
        self.blend(area.grown(1.0), colour, |x, y| {
            opacity * (0.5 - distance(x, y)).clamp(0.0, 1.0)
        });
    }
}

fn mix(pixel: &mut Rgb, colour: Rgb, share: f32) {
    for (old, new) in pixel.iter_mut().zip(colour) {
        let mixed = f32::from(*old) + share * (f32::from(new) - f32::from(*old));
        *old = mixed.round().clamp(0.0, 255.0) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn black(width: u32, height: u32) -> Canvas {
        let rgb = vec![0; (width * height * 3) as usize];
        Canvas::new(Picture { width, height, rgb })
    }

    fn red(picture: &Picture, x: u32, y: u32) -> u8 {
        picture.rgb[((y * picture.width + x) * 3) as usize]
    }

    #[test]
    fn a_filled_rectangle_covers_its_pixels_and_no_others() {
        let mut canvas = black(8, 6);
        let rect = Rect { x: 2.0, y: 1.0, width: 4.0, height: 3.0 };
        canvas.fill(rect, [255; 3], 1.0, |x, y| rect.distance(0.0, x, y));
        let picture = canvas.finish();
        for y in 0..6 {
            for x in 0..8 {
                let inside = (2..6).contains(&x) && (1..4).contains(&y);
                assert_eq!(red(&picture, x, y), if inside { 255 } else { 0 }, "{x},{y}");
            }
        }
    }

    #[test]
    fn an_edge_between_two_pixels_is_smooth() {
        let mut canvas = black(4, 1);
        let rect = Rect { x: 1.5, y: -5.0, width: 9.0, height: 11.0 };
        canvas.fill(rect, [200; 3], 1.0, |x, y| rect.distance(0.0, x, y));
        let picture = canvas.finish();
        assert_eq!([0, 1, 2, 3].map(|x| red(&picture, x, 0)), [0, 100, 200, 200]);
    }

    #[test]
    fn what_lies_outside_the_picture_is_left_out() {
        let mut canvas = black(4, 4);
        for (x, y) in [(-100.0, 0.0), (0.0, 1e6), (f32::NAN, 0.0), (3.0, 3.0)] {
            let rect = Rect { x, y, width: 50.0, height: 50.0 };
            canvas.fill(rect, [255; 3], 1.0, |x, y| rect.distance(2.0, x, y));
        }
        assert_eq!(red(&canvas.finish(), 0, 0), 0);
    }

    #[test]
    fn rounded_corners_are_cut_and_the_distance_is_in_pixels() {
        let rect = Rect { x: 0.0, y: 0.0, width: 10.0, height: 10.0 };
        assert!(rect.distance(4.0, 0.2, 0.2) > 0.0);
        assert_eq!(rect.distance(4.0, 5.0, -3.0), 3.0);
        assert_eq!(rect.distance(4.0, 5.0, 1.0), -1.0);
        assert_eq!(to_segment([0.0, 0.0], [10.0, 0.0], 13.0, 4.0), 5.0);
    }
}
