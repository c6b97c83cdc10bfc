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
    /// A resizer to `width` × `height` pixels. `mean` and `std` are in units of full scale: a
    /// channel's byte `v` becomes `(v / 255 - mean) / std`, red first.
    pub fn new(width: u32, height: u32, mean: [f32; 3], std: [f32; 3]) -> Self {
        let value = |channel: usize, byte: usize| {
            let (mean, std) = (f64::from(mean[channel]), f64::from(std[channel]));
            ((byte as f64 / 255.0 - mean) / std) as f32
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
