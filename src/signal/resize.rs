//! Pictures as the image encoder wants them: its size, its numbers, plane after plane.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions};

use crate::capture::Picture;
use crate::error::{Error, Kind, Result};

/// Scales pictures to one size and normalises them.
///
/// The scaling is a convolution with a triangle as wide as the reduction (Pillow's `BILINEAR`):
/// a large picture does not alias as it would under plain bilinear interpolation.
pub struct Resizer {
    resizer: fast_image_resize::Resizer,
    options: ResizeOptions,
    scaled: Image<'static>,
    /// What each of the 256 values of each channel becomes.
    tables: [[f32; 256]; 3],
}

impl Resizer {
    /// A resizer to `width` × `height` pixels. `mean` and `std` are in units of a byte, as
    /// model packs give them: a channel's byte `v` becomes `(v - mean) / std`, red first.
    pub fn new(width: u32, height: u32, mean: [f32; 3], std: [f32; 3]) -> Self {
        let value = |channel: usize, byte: usize| {
            let (mean, std) = (f64::from(mean[channel]), f64::from(std[channel]));
            ((byte as f64 - mean) / std) as f32
        };
        Resizer {
            resizer: fast_image_resize::Resizer::new(),
            options: ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)),
            scaled: Image::new(width, height, PixelType::U8x3),
            tables: std::array::from_fn(|c| std::array::from_fn(|byte| value(c, byte))),
        }
    }

    /// Scales and normalises `picture` into `planar`: 3 × height × width values, red first.
    ///
    /// # Errors
    /// [`Kind::Media`]: the picture's sides do not fit its pixels, or it has none.
    pub fn run(&mut self, picture: &Picture, planar: &mut Vec<f32>) -> Result<()> {
        self.scale(picture)?;
        let bytes = self.scaled.buffer();
        planar.clear();
        planar.reserve(bytes.len());
        for (channel, table) in self.tables.iter().enumerate() {
            planar.extend(bytes.iter().skip(channel).step_by(3).map(|&b| table[usize::from(b)]));
        }
        Ok(())
    }

    fn scale(&mut self, picture: &Picture) -> Result<()> {
        let wrong = |what: &str| {
            let (width, height) = (picture.width, picture.height);
            Error::new(Kind::Media, format!("picture of {width}×{height} pixels"), what)
        };
        if picture.width == 0 || picture.height == 0 {
            return Err(wrong("has nothing to scale"));
        }
        let source = ImageRef::new(picture.width, picture.height, &picture.rgb, PixelType::U8x3)
            .map_err(|error| wrong("does not fit its data").because(error))?;
        self.resizer
            .resize(&source, &mut self.scaled, &self.options)
            .map_err(|error| wrong("cannot be scaled").because(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one colour.
    fn plain(width: u32, height: u32, colour: [u8; 3]) -> Picture {
        Picture { width, height, rgb: colour.repeat((width * height) as usize) }
    }

    #[test]
    fn a_plain_picture_becomes_three_plain_planes_red_first() {
        let mut resizer = Resizer::new(3, 2, [100.0, 0.0, 30.0], [2.0, 10.0, 1.0]);
        let mut planar = vec![9.0; 50];
        resizer.run(&plain(11, 7, [110, 20, 30]), &mut planar).unwrap();
        assert_eq!(planar, [[5.0; 6], [2.0; 6], [0.0; 6]].concat());
    }

    #[test]
    fn the_rows_stay_rows_and_the_top_stays_on_top() {
        let mut resizer = Resizer::new(2, 2, [0.0; 3], [1.0; 3]);
        let rgb = vec![10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0];
        let mut planar = Vec::new();
        resizer.run(&Picture { width: 2, height: 2, rgb }, &mut planar).unwrap();
        assert_eq!(planar[..4], [10.0, 20.0, 30.0, 40.0]);
    }

    #[test]
    fn pictures_of_changing_sizes_are_taken() {
        let mut resizer = Resizer::new(4, 4, [0.0; 3], [255.0; 3]);
        let mut planar = Vec::new();
        for (width, height) in [(1, 1), (4000, 1), (3, 500), (640, 480)] {
            resizer.run(&plain(width, height, [255; 3]), &mut planar).unwrap();
            assert_eq!(planar, [1.0; 48]);
        }
    }

    #[test]
    fn a_picture_that_contradicts_itself_is_refused() {
        let mut resizer = Resizer::new(4, 4, [0.0; 3], [1.0; 3]);
        let torn = Picture { width: 2, height: 2, rgb: vec![0; 11] };
        for picture in [Picture::default(), torn] {
            let error = resizer.run(&picture, &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), Kind::Media);
        }
    }
}
