//! Pictures as the image encoder wants them: its size, its numbers, plane after plane.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32x3, U8x3};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};
use serde::Deserialize;

use crate::capture::Picture;
use crate::error::{Error, Kind, Result};

/// What a picture is convolved with when it is scaled. The filter is as wide as the reduction,
/// so that a large picture does not alias as it would under plain interpolation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// A triangle, rounded to bytes: Pillow's `BILINEAR`.
    #[default]
    Bilinear,
    /// The cubic of Catmull and Rom, not rounded: torchvision's `BICUBIC` with antialiasing, on
    /// tensors. Pillow's `BICUBIC` is the same, rounded and cut to 0..255.
    Bicubic,
}

/// Scales pictures to one size and normalises them.
pub struct Resizer {
    resizer: fast_image_resize::Resizer,
    scaled: Scaled,
    mean: [f32; 3],
    std: [f32; 3],
}

/// Kinds of pixels are named as types: the library would bring code for all that it knows if they
/// were values.
enum Scaled {
    Bytes(TypedImage<'static, U8x3>),
    Floats { whole: Vec<F32x3>, scaled: TypedImage<'static, F32x3> },
}

impl Resizer {
    /// A resizer to `width` × `height` pixels. `mean` and `std` are in units of a byte, as
    /// model packs give them: a channel's byte `v` becomes `(v - mean) / std`, red first.
    pub fn new(width: u32, height: u32, filter: Filter, mean: [f32; 3], std: [f32; 3]) -> Self {
        let scaled = match filter {
            Filter::Bilinear => Scaled::Bytes(TypedImage::new(width, height)),
            Filter::Bicubic => {
                Scaled::Floats { whole: Vec::new(), scaled: TypedImage::new(width, height) }
            }
        };
        Resizer { resizer: fast_image_resize::Resizer::new(), scaled, mean, std }
    }

    /// Scales and normalises `picture` into `planar`: 3 × height × width values, red first.
    ///
    /// # Errors
    /// [`Kind::Media`]: the picture's sides do not fit its pixels, or it has none.
    pub fn run(&mut self, picture: &Picture, planar: &mut Vec<f32>) -> Result<()> {
        self.scale(picture)?;
        planar.clear();
        for (channel, (mean, std)) in self.mean.iter().zip(&self.std).enumerate() {
            match &self.scaled {
                Scaled::Bytes(scaled) => {
                    let (mean, std) = (f64::from(*mean), f64::from(*std));
                    let table: [f32; 256] =
                        std::array::from_fn(|byte| ((byte as f64 - mean) / std) as f32);
                    let bytes = scaled.pixels().iter().map(|pixel| pixel.0[channel]);
                    planar.extend(bytes.map(|byte| table[usize::from(byte)]));
                }
                Scaled::Floats { scaled, .. } => {
                    planar.extend(scaled.pixels().iter().map(|p| (p.0[channel] - mean) / std));
                }
            }
        }
        Ok(())
    }

    /// Scales and normalises `picture` into `out`, pixel after pixel: height × width × 3 values,
    /// red first, each as `value` makes it of the normalised number.
    ///
    /// # Errors
    /// [`Kind::Media`]: the picture's sides do not fit its pixels, or it has none, or `out` has
    /// another length.
    pub fn interleave<T: Copy>(
        &mut self,
        picture: &Picture,
        out: &mut [T],
        value: impl Fn(f32) -> T,
    ) -> Result<()> {
        self.scale(picture)?;
        let normal = |channel: usize, v: f32| value((v - self.mean[channel]) / self.std[channel]);
        let length = match &self.scaled {
            Scaled::Bytes(scaled) => {
                let table: [[T; 256]; 3] = std::array::from_fn(|channel| {
                    std::array::from_fn(|byte| normal(channel, byte as f32))
                });
                for (out, pixel) in out.chunks_exact_mut(3).zip(scaled.pixels()) {
                    for ((out, table), byte) in out.iter_mut().zip(&table).zip(pixel.0) {
                        *out = table[usize::from(byte)];
                    }
                }
                3 * scaled.pixels().len()
            }
            Scaled::Floats { scaled, .. } => {
                for (out, pixel) in out.chunks_exact_mut(3).zip(scaled.pixels()) {
                    for (channel, (out, v)) in out.iter_mut().zip(pixel.0).enumerate() {
                        *out = normal(channel, v);
                    }
                }
                3 * scaled.pixels().len()
            }
        };
        if length == out.len() {
            return Ok(());
        }
        let wrong = format!("has {length} values, but {} are wanted", out.len());
        Err(Error::new(Kind::Media, "scaled picture", wrong))
    }

    fn scale(&mut self, picture: &Picture) -> Result<()> {
        let Picture { width, height, rgb } = picture;
        let wrong = |what: &str| {
            Error::new(Kind::Media, format!("picture of {width}×{height} pixels"), what)
        };
        if *width == 0 || *height == 0 {
            return Err(wrong("has nothing to scale"));
        }
        let source = TypedImageRef::from_buffer(*width, *height, rgb)
            .map_err(|error| wrong("does not fit its data").because(error))?;
        let options = |filter| ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        match &mut self.scaled {
            Scaled::Bytes(scaled) => {
                self.resizer.resize_typed::<U8x3>(&source, scaled, &options(FilterType::Bilinear))
            }
            Scaled::Floats { whole, scaled } => {
                whole.clear();
                // Each chunk has three bytes.
                let pixel = |c: &[u8]| F32x3::new([c[0].into(), c[1].into(), c[2].into()]);
                whole.extend(rgb.chunks_exact(3).map(pixel));
                let source = TypedImageRef::new(*width, *height, whole)
                    .map_err(|error| wrong("does not fit its data").because(error))?;
                self.resizer.resize_typed(&source, scaled, &options(FilterType::CatmullRom))
            }
        }
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
        let mut resizer =
            Resizer::new(3, 2, Filter::Bilinear, [100.0, 0.0, 30.0], [2.0, 10.0, 1.0]);
        let mut planar = vec![9.0; 50];
        resizer.run(&plain(11, 7, [110, 20, 30]), &mut planar).unwrap();
        assert_eq!(planar, [[5.0; 6], [2.0; 6], [0.0; 6]].concat());
    }

    #[test]
    fn interleaved_values_are_the_planes_values_as_they_are_told_to_be_written() {
        let (mean, std) = ([127.0, 100.0, 30.0], [128.0, 2.0, 1.0]);
        let rgb = (0..31 * 17 * 3).map(|i| (i * 7 % 256) as u8).collect();
        let picture = Picture { width: 31, height: 17, rgb };
        for filter in FILTERS {
            let mut resizer = Resizer::new(5, 4, filter, mean, std);
            let (mut planar, mut floats, mut doubled) = (Vec::new(), [0.0; 60], [0.0; 60]);
            resizer.run(&picture, &mut planar).unwrap();
            resizer.interleave(&picture, &mut floats, |value| value).unwrap();
            resizer.interleave(&picture, &mut doubled, |value| 2.0 * value).unwrap();
            for (place, value) in floats.iter().enumerate() {
                let wanted = planar[place % 3 * 20 + place / 3];
                assert!((value - wanted).abs() < 1e-5, "{filter:?}: {value} {wanted}");
                assert_eq!(doubled[place], 2.0 * value);
            }
            let error = resizer.interleave(&picture, &mut [0.0; 59], |value| value).unwrap_err();
            assert!(error.to_string().contains("60 values, but 59"), "{error}");
        }
    }

    const FILTERS: [Filter; 2] = [Filter::Bilinear, Filter::Bicubic];

    #[test]
    fn the_rows_stay_rows_and_the_top_stays_on_top() {
        for filter in FILTERS {
            let mut resizer = Resizer::new(2, 2, filter, [0.0; 3], [1.0; 3]);
            let rgb = vec![10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0];
            let mut planar = Vec::new();
            resizer.run(&Picture { width: 2, height: 2, rgb }, &mut planar).unwrap();
            assert_eq!(planar[..4], [10.0, 20.0, 30.0, 40.0]);
        }
    }

    #[test]
    fn pictures_of_changing_sizes_are_taken() {
        for filter in FILTERS {
            let mut resizer = Resizer::new(4, 4, filter, [0.0; 3], [255.0; 3]);
            let mut planar = Vec::new();
            for (width, height) in [(1, 1), (4000, 1), (3, 500), (640, 480)] {
                resizer.run(&plain(width, height, [255; 3]), &mut planar).unwrap();
                assert_eq!(planar.len(), 48);
                assert!(planar.iter().all(|v| (v - 1.0).abs() < 1e-6), "{planar:?}");
            }
        }
    }

    #[test]
    fn a_picture_that_contradicts_itself_is_refused() {
        for filter in FILTERS {
            let mut resizer = Resizer::new(4, 4, filter, [0.0; 3], [1.0; 3]);
            let torn = Picture { width: 2, height: 2, rgb: vec![0; 11] };
            for picture in [Picture::default(), torn] {
                let error = resizer.run(&picture, &mut Vec::new()).unwrap_err();
                assert_eq!(error.kind(), Kind::Media);
            }
        }
    }
}
