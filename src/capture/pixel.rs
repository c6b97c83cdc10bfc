//! From the bytes that a camera delivers to an RGB picture.

mod mjpeg;

pub(super) use mjpeg::ends as jpeg_ends;

use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvError, YuvGrayImage, YuvPackedImage, YuvPlanarImage,
    YuvRange, YuvStandardMatrix,
};

use super::{Picture, RawFrame};
use crate::error::{Error, Kind, Result};

/// The longest side of a picture, pixels; more is a fault, not a camera.
const LONGEST: u32 = 16_384;

/// The most bytes that can follow a row before the next one begins; more is a fault too.
const MOST_PADDING: usize = 65_536;

/// What the bytes of a [`RawFrame`] mean, named after V4L2's formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PixelFormat {
    /// R G B R G B …, 8 bits each.
    #[default]
    Rgb24,
    /// B G R B G R …, 8 bits each.
    Bgr24,
    /// 4:2:2 in one plane: Y U Y V.
    Yuyv,
    /// 4:2:2 in one plane: U Y V Y.
    Uyvy,
    /// 4:2:0: a plane of Y, then one of U V at half the rows, with the same stride.
    Nv12,
    /// 4:2:0: a plane of Y, then U, then V, those two at half the rows and half the stride.
    Yu12,
    /// 8 bits of grey.
    Grey,
    /// 16 bits of grey, little-endian.
    Y16,
    /// One JPEG; its Huffman tables may be left out.
    Mjpeg,
}

/// What the numbers of a Y′CbCr or grey format stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colour {
    /// Which mixture of red, green and blue Y is.
    pub matrix: Matrix,
    /// Whether 0 and 255 are black and white, or 16 and 235.
    pub range: Range,
}

/// Which mixture of red, green and blue Y is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: webcams.
    #[default]
    Bt601,
    /// ITU-R BT.709: HDTV.
    Bt709,
    /// ITU-R BT.2020: UHDTV.
    Bt2020,
    /// SMPTE 240M.
    Smpte240m,
}

/// How many of the 256 levels are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// Y from 16 to 235, U and V from 16 to 240.
    #[default]
    Limited,
    /// All from 0 to 255.
    Full,
}

impl PixelFormat {
    /// Every format there is.
    pub const ALL: [PixelFormat; 9] = [
        PixelFormat::Rgb24,
        PixelFormat::Bgr24,
        PixelFormat::Yuyv,
        PixelFormat::Uyvy,
        PixelFormat::Nv12,
        PixelFormat::Yu12,
        PixelFormat::Grey,
        PixelFormat::Y16,
        PixelFormat::Mjpeg,
    ];

    /// The name that people know it by.
    pub const fn name(self) -> &'static str {
        match self {
            PixelFormat::Rgb24 => "RGB24",
            PixelFormat::Bgr24 => "BGR24",
            PixelFormat::Yuyv => "YUYV",
            PixelFormat::Uyvy => "UYVY",
            PixelFormat::Nv12 => "NV12",
            PixelFormat::Yu12 => "YU12",
            PixelFormat::Grey => "GREY",
            PixelFormat::Y16 => "Y16",
            PixelFormat::Mjpeg => "MJPEG",
        }
    }

    /// Bytes of a row of the first plane without padding; 0 where there are no rows.
    pub const fn row_bytes(self, width: u32) -> usize {
        let width = width as usize;
        match self {
            PixelFormat::Rgb24 | PixelFormat::Bgr24 => width * 3,
            PixelFormat::Yuyv | PixelFormat::Uyvy => width.div_ceil(2) * 4,
            // The stride of the first plane is that of the pairs of U and V too.
            PixelFormat::Nv12 | PixelFormat::Yu12 => width.div_ceil(2) * 2,
            PixelFormat::Grey => width,
            PixelFormat::Y16 => width * 2,
            PixelFormat::Mjpeg => 0,
        }
    }

    /// Bytes of a whole picture whose rows are `stride` apart; 0 where that is not known.
    pub const fn whole_bytes(self, stride: usize, height: u32) -> usize {
        let height = height as usize;
        match self {
            PixelFormat::Nv12 => stride * (height + height.div_ceil(2)),
            PixelFormat::Yu12 => stride * height + 2 * (stride / 2) * height.div_ceil(2),
            PixelFormat::Mjpeg => 0,
            _ => stride * height,
        }
    }
}

/// Makes pictures of raw frames.
#[derive(Debug, Default)]
pub struct Developer {
    scratch: Vec<u8>,
}

impl Developer {
    /// A developer.
    pub fn new() -> Developer {
        Developer::default()
    }

    /// Makes `picture` the RGB form of `raw`, whose bytes may be taken in exchange for the
    /// picture's old ones.
    ///
    /// # Errors
    /// [`Kind::Media`]: there are fewer bytes than the size needs, or a JPEG is damaged or not
    /// whole. What `picture` then holds is no picture.
    pub fn develop(&mut self, raw: &mut RawFrame, picture: &mut Picture) -> Result<()> {
        let (width, height) = (raw.width, raw.height);
        if !(1..=LONGEST).contains(&width) || !(1..=LONGEST).contains(&height) {
            return Err(faulty(format!("{width}×{height} pixels are no size of a picture")));
        }
        if raw.format == PixelFormat::Mjpeg {
            return mjpeg::develop(raw, &mut self.scratch, picture);
        }
        complete(raw)?;
        (picture.width, picture.height) = (width, height);
        let whole = width as usize * height as usize * 3;
        if raw.format == PixelFormat::Rgb24 && raw.stride == width as usize * 3 {
            std::mem::swap(&mut raw.bytes, &mut picture.rgb);
            picture.rgb.truncate(whole);
            return Ok(());
        }
        picture.rgb.resize(whole, 0);
        self.convert(raw, &mut picture.rgb).map_err(|error| faulty(error.to_string()))
    }

    fn convert(&mut self, raw: &RawFrame, rgb: &mut [u8]) -> std::result::Result<(), YuvError> {
        let (width, height, stride) = (raw.width, raw.height, raw.stride);
        let step = stride as u32;
        let across = width * 3;
        let (range, matrix) = (raw.colour.range.into(), raw.colour.matrix.into());
        let bytes = raw.bytes.as_slice();
        match raw.format {
            PixelFormat::Yuyv | PixelFormat::Uyvy => {
                let bytes = &bytes[..stride * height as usize];
                let image = YuvPackedImage { yuy: bytes, yuy_stride: step, width, height };
                let convert = if raw.format == PixelFormat::Yuyv {
                    yuv::yuyv422_to_rgb
                } else {
                    yuv::uyvy422_to_rgb
                };
                convert(&image, rgb, across, range, matrix)
            }
            PixelFormat::Nv12 => {
                let (y_plane, uv_plane) = bytes.split_at(stride * height as usize);
                let image = YuvBiPlanarImage {
                    y_plane,
                    y_stride: step,
                    uv_plane,
                    uv_stride: step,
                    width,
                    height,
                };
                let mode = YuvConversionMode::Balanced;
                yuv::yuv_nv12_to_rgb(&image, rgb, across, range, matrix, mode)
            }
            PixelFormat::Yu12 => {
                let (y_plane, rest) = bytes.split_at(stride * height as usize);
                let half = step / 2;
                let (u_plane, v_plane) = rest.split_at(half as usize * height.div_ceil(2) as usize);
                let image = YuvPlanarImage {
                    y_plane,
                    y_stride: step,
                    u_plane,
                    u_stride: half,
                    v_plane,
                    v_stride: half,
                    width,
                    height,
                };
                yuv::yuv420_to_rgb(&image, rgb, across, range, matrix)
            }
            PixelFormat::Grey => grey(bytes, step, raw, rgb),
            PixelFormat::Y16 => {
                // The upper byte of each sample.
                self.scratch.clear();
                self.scratch.extend(bytes.iter().skip(1).step_by(2));
                grey(&self.scratch, step / 2, raw, rgb)
            }
            PixelFormat::Bgr24 => yuv::bgr_to_rgb(bytes, step, rgb, across, width, height),
            PixelFormat::Rgb24 => {
                let row = across as usize;
                let rows = rgb.chunks_exact_mut(row).zip(bytes.chunks(stride));
                rows.for_each(|(to, from)| to.copy_from_slice(&from[..row]));
                Ok(())
            }
            PixelFormat::Mjpeg => Ok(()),
        }
    }
}

/// Fills up the padding that a camera may leave out behind the last row.
///
/// # Errors
/// More than that padding is missing.
fn complete(raw: &mut RawFrame) -> Result<()> {
    let row = raw.format.row_bytes(raw.width);
    // The planes of U and V of YU12 lie at half the stride, the samples of Y16 two bytes apart.
    let even = matches!(raw.format, PixelFormat::Yu12 | PixelFormat::Y16);
    let usual = row..=row + MOST_PADDING;
    if !usual.contains(&raw.stride) || (even && !raw.stride.is_multiple_of(2)) {
        let wrong = format!("rows of {} pixels cannot be {} bytes apart", raw.width, raw.stride);
        return Err(faulty(wrong));
    }
    let whole = raw.format.whole_bytes(raw.stride, raw.height);
    let last = if raw.format == PixelFormat::Yu12 { row / 2 } else { row };
    let padding = if raw.format == PixelFormat::Yu12 { raw.stride / 2 } else { raw.stride } - last;
    if raw.bytes.len() < whole - padding {
        let (got, width, height) = (raw.bytes.len(), raw.width, raw.height);
        return Err(faulty(format!("{got} bytes are too few for {width}×{height} pixels")));
    }
    if raw.bytes.len() < whole {
        raw.bytes.resize(whole, 0);
    }
    Ok(())
}

fn grey(
    bytes: &[u8],
    stride: u32,
    raw: &RawFrame,
    rgb: &mut [u8],
) -> std::result::Result<(), YuvError> {
    let (width, height) = (raw.width, raw.height);
    let image = YuvGrayImage { y_plane: bytes, y_stride: stride, width, height };
    let (range, matrix) = (raw.colour.range.into(), raw.colour.matrix.into());
    yuv::yuv400_to_rgb(&image, rgb, width * 3, range, matrix)
}

fn faulty(wrong: impl Into<String>) -> Error {
    Error::new(Kind::Media, "picture", wrong)
}

impl From<Range> for YuvRange {
    fn from(range: Range) -> Self {
        match range {
            Range::Limited => YuvRange::Limited,
            Range::Full => YuvRange::Full,
        }
    }
}

impl From<Matrix> for YuvStandardMatrix {
    fn from(matrix: Matrix) -> Self {
        match matrix {
            Matrix::Bt601 => YuvStandardMatrix::Bt601,
            Matrix::Bt709 => YuvStandardMatrix::Bt709,
            Matrix::Bt2020 => YuvStandardMatrix::Bt2020,
            // The library's own entry uses wrong coefficients for 4:2:0 (yuv 0.8.20).
            Matrix::Smpte240m => YuvStandardMatrix::Custom(0.212, 0.087),
        }
    }
}

#[cfg(test)]
mod tests;
