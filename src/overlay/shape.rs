//! The shapes of the overlay: the box's brackets, the cross at the peak, the speaker.

use super::canvas::{Canvas, Rect, Rgb, to_segment};

/// The dark rim round every bright line, so that it is seen on bright pictures too.
const RIM: Rgb = [10, 10, 16];

/// A box: strong at its corners, thin between them, so that it frames without caging.
pub(super) fn brackets(canvas: &mut Canvas, frame: Rect, colour: Rgb, unit: f32) {
    let radius = (4.0 * unit).min(frame.width.min(frame.height) / 2.0);
    let reach = (0.22 * frame.width.min(frame.height)).clamp(6.0 * unit, 30.0 * unit);
    let centre = [frame.x + frame.width / 2.0, frame.y + frame.height / 2.0];
    let line = |thick: f32| move |x: f32, y: f32| frame.distance(radius, x, y).abs() - thick / 2.0;
    let corner = |thick: f32| {
        move |x: f32, y: f32| {
            let across = frame.width / 2.0 - reach - (x - centre[0]).abs();
            let down = frame.height / 2.0 - reach - (y - centre[1]).abs();
            line(thick)(x, y).max(across).max(down)
        }
    };
    let area = frame.grown(4.0 * unit);
    canvas.fill(area, colour, 0.5, line(1.2 * unit));
    canvas.fill(area, RIM, 0.55, corner(5.0 * unit));
    canvas.fill(area, colour, 1.0, corner(3.0 * unit));
}

/// A cross with an open middle: it points at the peak without covering it.
pub(super) fn cross(canvas: &mut Canvas, at: [f32; 2], unit: f32) {
    let [px, py] = at;
    let (near, far) = (4.0 * unit, 10.0 * unit);
    let distance = |thick: f32| {
        move |x: f32, y: f32| {
            // The four arms are one arm after folding the plane along its diagonal.
            let (dx, dy) = ((x - px).abs(), (y - py).abs());
            let (along, aside) = (dx.max(dy), dx.min(dy));
            to_segment([near, 0.0], [far, 0.0], along, aside) - thick / 2.0
        }
    };
    let area = Rect { x: px, y: py, width: 0.0, height: 0.0 }.grown(far + 4.0 * unit);
    canvas.fill(area, RIM, 0.6, distance(4.2 * unit));
    canvas.fill(area, [255; 3], 1.0, distance(2.0 * unit));
}

/// A loudspeaker with two waves, as high and as wide as `area`.
pub(super) fn speaker(canvas: &mut Canvas, area: Rect, colour: Rgb) {
    let size = area.height.min(area.width);
    let (cx, cy) = (area.x + 0.5 * size, area.y + area.height / 2.0);
    let thick = 0.09 * size;
    let body = |x: f32, y: f32| {
        // A small square, then a cone that opens to the left edge of the waves.
        let (dx, dy) = ((x - area.x) / size, (y - cy).abs() / size);
        let opening = 0.15 + (dx - 0.24).max(0.0) * 0.95;
        (dy - opening).max(dx - 0.5).max(0.03 - dx) * size
    };
    canvas.fill(area, colour, 1.0, body);
    for radius in [0.22 * size, 0.42 * size] {
        canvas.fill(area, colour, 1.0, |x, y| {
            let (dx, dy) = (x - (cx + 0.04 * size), y - cy);
            // Only the part of the ring that faces away from the cone.
            let ring = (dx.hypot(dy) - radius).abs() - thick / 2.0;
            ring.max(dy.abs() - dx)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Picture;

    fn grey() -> Canvas {
        Canvas::new(Picture { width: 100, height: 100, rgb: vec![100; 30_000] })
    }

    fn at(picture: &Picture, x: usize, y: usize) -> Rgb {
        let start = (y * 100 + x) * 3;
        [picture.rgb[start], picture.rgb[start + 1], picture.rgb[start + 2]]
    }

    #[test]
    fn the_box_is_strong_at_its_corners_thin_between_and_open_inside() {
        let mut canvas = grey();
        let frame = Rect { x: 10.0, y: 10.0, width: 80.0, height: 80.0 };
        brackets(&mut canvas, frame, [0, 255, 0], 1.0);
        let picture = canvas.finish();
        assert_eq!(at(&picture, 10, 20), [0, 255, 0]);
        let middle = at(&picture, 10, 50);
        assert!(middle[1] > 120 && middle[1] < 220, "{middle:?}");
        assert_eq!(at(&picture, 50, 50), [100; 3]);
        assert_eq!(at(&picture, 2, 2), [100; 3]);
    }

    #[test]
    fn the_cross_leaves_the_peak_itself_free() {
        let mut canvas = grey();
        cross(&mut canvas, [50.0, 50.0], 1.0);
        let picture = canvas.finish();
        assert_eq!(at(&picture, 50, 50), [100; 3]);
        for (x, y) in [(57, 49), (42, 50), (50, 57), (49, 42)] {
            assert!(at(&picture, x, y)[0] > 240, "{x},{y} {:?}", at(&picture, x, y));
        }
    }

    #[test]
    fn the_speaker_stays_in_its_area() {
        let mut canvas = grey();
        speaker(&mut canvas, Rect { x: 40.0, y: 40.0, width: 20.0, height: 20.0 }, [255; 3]);
        let picture = canvas.finish();
        assert_eq!(at(&picture, 45, 50), [255; 3]);
        for i in 0..100 {
            assert_eq!(at(&picture, i, 37), [100; 3]);
            assert_eq!(at(&picture, 37, i), [100; 3]);
            assert_eq!(at(&picture, 63, i), [100; 3]);
        }
    }
}
