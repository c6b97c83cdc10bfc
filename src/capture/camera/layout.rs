//! What a driver settled for: which pixel format, which strides and colours, and how a picture
//! is gathered from the buffers it is spread over.

use std::fmt;

use v4l::v4l_sys as sys;

use super::kernel::{MAX_PLANES, Mapping, Taken};
use crate::capture::RawFrame;
use crate::capture::pixel::{Colour, Matrix, PixelFormat, Range};

/// A four-character code of V4L2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fourcc(pub u32);

/// The codes that can be developed. The last two spread the planes over several buffers.
const KNOWN: [(&[u8; 4], PixelFormat); 12] = [
    (b"YUYV", PixelFormat::Yuyv),
    (b"UYVY", PixelFormat::Uyvy),
    (b"NV12", PixelFormat::Nv12),
    (b"YU12", PixelFormat::Yu12),
    (b"RGB3", PixelFormat::Rgb24),
    (b"BGR3", PixelFormat::Bgr24),
    (b"GREY", PixelFormat::Grey),
    (b"Y16 ", PixelFormat::Y16),
    (b"MJPG", PixelFormat::Mjpeg),
    (b"JPEG", PixelFormat::Mjpeg),
    (b"NM12", PixelFormat::Nv12),
    (b"YM12", PixelFormat::Yu12),
];

impl Fourcc {
    /// What the pictures are, if they can be developed.
    pub fn format(self) -> Option<PixelFormat> {
        let code = self.0.to_le_bytes();
        KNOWN.iter().find(|(known, _)| **known == code).map(|(_, format)| *format)
    }

    /// How many buffers the planes of a picture are spread over.
    fn spread(self) -> usize {
        match &self.0.to_le_bytes() {
            b"NM12" => 2,
            b"YM12" => 3,
            _ => 1,
        }
    }
}

impl fmt::Display for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BIG_ENDIAN: u32 = 1 << 31;
        let letters = (self.0 & !BIG_ENDIAN).to_le_bytes();
        let shown = letters.map(|byte| if byte.is_ascii_graphic() { byte } else { b' ' });
        f.write_str(String::from_utf8_lossy(&shown).trim_end())?;
        if self.0 & BIG_ENDIAN == 0 { Ok(()) } else { f.write_str("-BE") }
    }
}

impl fmt::Debug for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fourcc({self})")
    }
}

/// One buffer of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Bytes from one row to the next; 0 where there are no rows.
    pub stride: usize,
    /// The most bytes that a picture can fill.
    pub size: usize,
}

/// What the driver made of the size and pixel format that it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The pixel format.
    pub fourcc: Fourcc,
    /// `V4L2_FIELD_…`.
    pub field: u32,
    /// `V4L2_COLORSPACE_…`, `V4L2_YCBCR_ENC_…`, `V4L2_QUANTIZATION_…`.
    pub colour: [u32; 3],
    /// The buffers of each picture.
    pub planes: Vec<Plane>,
}

/// How the bytes of a picture lie in the buffers, and how they lie when gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// What the bytes mean.
    pub format: PixelFormat,
    /// What the numbers stand for.
    pub colour: Colour,
    /// Bytes from one row to the next once gathered; 0 for JPEG.
    pub stride: usize,
    /// How many bytes a picture has at most.
    pub most: usize,
    parts: [Part; MAX_PLANES],
    count: usize,
}

/// The part of a picture that lies in one buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    rows: usize,
    /// Bytes of each row that mean something.
    row: usize,
    /// Bytes from row to row in the buffer, and once gathered.
    strides: [usize; 2],
}

impl Settled {
    /// How pictures are gathered.
    ///
    /// # Errors
    /// What makes that impossible.
    pub fn layout(&self) -> Result<Layout, String> {
        let [width, height] = self.size;
        let code = self.fourcc;
        let format = code.format().ok_or_else(|| format!("it gives {code}"))?;
        let halves = [
            sys::v4l2_field_V4L2_FIELD_TOP,
            sys::v4l2_field_V4L2_FIELD_BOTTOM,
            sys::v4l2_field_V4L2_FIELD_ALTERNATE,
            sys::v4l2_field_V4L2_FIELD_SEQ_TB,
            sys::v4l2_field_V4L2_FIELD_SEQ_BT,
        ];
        if halves.contains(&self.field) {
            return Err("it gives the odd and the even lines apart".to_owned());
        }
        let first = self.planes.first().copied().ok_or("it gives no buffers")?;
        let count = code.spread();
        if self.planes.len() < count || width == 0 || height == 0 {
            let planes = self.planes.len();
            return Err(format!("it gives {code} {width}×{height} in {planes} buffers"));
        }
        let row = format.row_bytes(width);
        // A driver that does not know leaves it at zero.
        let stride = if first.stride == 0 { row } else { first.stride };
        let colour = colour(format, self.colour);
        let mut layout = Layout {
            size: self.size,
            format,
            colour,
            stride,
            most: first.size,
            parts: [Part::default(); MAX_PLANES],
            count,
        };
        if format == PixelFormat::Mjpeg {
            layout.stride = 0;
            return Ok(layout);
        }
        if stride < row {
            return Err(format!("its rows of {width} pixels are {stride} bytes apart"));
        }
        layout.most = format.whole_bytes(stride, height);
        let (full, half) = (height as usize, height.div_ceil(2) as usize);
        let narrow = if format == PixelFormat::Yu12 { 2 } else { 1 };
        for (index, (part, plane)) in layout.parts.iter_mut().zip(&self.planes).enumerate() {
            *part = match (count, index) {
                // All planes follow each other; those of U and V may be narrower, so the whole
                // counts as one row.
                (1, _) => Part {
                    rows: 1,
                    row: layout.most - (stride - row) / narrow,
                    strides: [layout.most; 2],
                },
                (_, 0) => Part { rows: full, row, strides: [stride; 2] },
                _ => {
                    let to = stride / narrow;
                    let from = if plane.stride == 0 { to } else { plane.stride };
                    Part { rows: half, row: row / narrow, strides: [from, to] }
                }
            };
        }
        Ok(layout)
    }
}

impl Layout {
    /// Copies a picture out of its buffers into `raw`, and says whether it was whole.
    ///
    /// Nothing is allocated once `raw` has held a picture of this layout.
    pub fn gather(&self, taken: &Taken, buffers: &[Mapping], raw: &mut RawFrame) -> bool {
        [raw.width, raw.height] = self.size;
        (raw.format, raw.colour, raw.stride) = (self.format, self.colour, self.stride);
        let bytes = &mut raw.bytes;
        bytes.clear();
        bytes.reserve(self.most);
        let planes = buffers.iter().zip(taken.planes);
        if self.format == PixelFormat::Mjpeg {
            planes.take(1).for_each(|(buffer, (from, used))| buffer.append_to(from, used, bytes));
            return true;
        }
        let mut whole = 0;
        for (part, (buffer, (from, used))) in self.parts.iter().take(self.count).zip(planes) {
            let [source, target] = part.strides;
            let used = used.min(buffer.length().saturating_sub(from));
            if used < source * (part.rows - 1) + part.row {
                return false;
            }
            if source == target {
                buffer.append_to(from, used.min(source * part.rows), bytes);
            } else {
                for line in 0..part.rows {
                    let begin = bytes.len();
                    buffer.append_to(from + line * source, part.row.min(target), bytes);
                    bytes.resize(begin + target, 0);
                }
            }
            // The padding behind the last row may be missing.
            whole += target * part.rows;
            bytes.resize(whole, 0);
        }
        true
    }
}

/// What the numbers stand for, with V4L2's defaults (`V4L2_MAP_YCBCR_ENC_DEFAULT`,
/// `V4L2_MAP_QUANTIZATION_DEFAULT`), but for grey: cameras that give it use all levels.
fn colour(format: PixelFormat, [space, encoding, quantisation]: [u32; 3]) -> Colour {
    let matrix = match encoding {
        sys::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_709
        | sys::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_XV709 => Matrix::Bt709,
        sys::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_BT2020
        | sys::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_BT2020_CONST_LUM => Matrix::Bt2020,
        sys::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_SMPTE240M => Matrix::Smpte240m,
        sys::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_DEFAULT => match space {
            sys::v4l2_colorspace_V4L2_COLORSPACE_REC709
            | sys::v4l2_colorspace_V4L2_COLORSPACE_DCI_P3 => Matrix::Bt709,
            sys::v4l2_colorspace_V4L2_COLORSPACE_BT2020 => Matrix::Bt2020,
            sys::v4l2_colorspace_V4L2_COLORSPACE_SMPTE240M => Matrix::Smpte240m,
            _ => Matrix::Bt601,
        },
        _ => Matrix::Bt601,
    };
    let grey = matches!(format, PixelFormat::Grey | PixelFormat::Y16);
    let range = match quantisation {
        sys::v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE => Range::Full,
        sys::v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE => Range::Limited,
        _ if grey || space == sys::v4l2_colorspace_V4L2_COLORSPACE_JPEG => Range::Full,
        _ => Range::Limited,
    };
    Colour { matrix, range }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(code: &[u8; 4], size: [u32; 2], planes: &[(usize, usize)]) -> Settled {
        let planes = planes.iter().map(|&(stride, size)| Plane { stride, size }).collect();
        let fourcc = Fourcc(u32::from_le_bytes(*code));
        Settled { size, fourcc, field: 1, colour: [0; 3], planes }
    }

    #[test]
    fn a_code_reads_as_its_four_characters() {
        assert_eq!(Fourcc(u32::from_le_bytes(*b"YUYV")).to_string(), "YUYV");
        assert_eq!(Fourcc(u32::from_le_bytes(*b"Y16 ")).to_string(), "Y16");
        assert_eq!(Fourcc(u32::from_le_bytes([b'Y', 0, 1, 127])).to_string(), "Y");
        assert_eq!(Fourcc(u32::from_le_bytes(*b"Y16 ") | 1 << 31).to_string(), "Y16-BE");
        assert_eq!(Fourcc(u32::from_le_bytes(*b"H264")).format(), None);
    }

    #[test]
    fn a_driver_that_leaves_the_stride_open_means_rows_without_padding() {
        let layout = settled(b"YUYV", [6, 4], &[(0, 48)]).layout().unwrap();
        assert_eq!((layout.stride, layout.most), (12, 48));
        let layout = settled(b"NV12", [6, 4], &[(0, 0)]).layout().unwrap();
        assert_eq!((layout.stride, layout.most), (6, 36));
        let layout = settled(b"MJPG", [6, 4], &[(99, 1000)]).layout().unwrap();
        assert_eq!((layout.stride, layout.most), (0, 1000));
    }

    #[test]
    fn what_cannot_be_a_picture_is_refused() {
        for (settled, part) in [
            (settled(b"H264", [6, 4], &[(0, 9)]), "H264"),
            (settled(b"YUYV", [6, 4], &[(3, 9)]), "3 bytes apart"),
            (settled(b"YUYV", [0, 4], &[(0, 9)]), "0×4"),
            (settled(b"YUYV", [6, 4], &[]), "no buffers"),
            (settled(b"NM12", [6, 4], &[(6, 24)]), "1 buffers"),
            (Settled { field: 7, ..settled(b"YUYV", [6, 4], &[(0, 48)]) }, "lines apart"),
        ] {
            let wrong = settled.layout().unwrap_err();
            assert!(wrong.contains(part), "{wrong}");
        }
    }

    #[test]
    fn colours_follow_what_the_driver_says_and_else_the_kernel_s_defaults() {
        let of = |space, encoding, quantisation| {
            let Colour { matrix, range } =
                colour(PixelFormat::Yuyv, [space, encoding, quantisation]);
            (matrix, range)
        };
        let (srgb, rec709, jpeg) = (8, 3, 7);
        assert_eq!(of(srgb, 0, 0), (Matrix::Bt601, Range::Limited));
        assert_eq!(of(rec709, 0, 0), (Matrix::Bt709, Range::Limited));
        assert_eq!(of(srgb, 2, 1), (Matrix::Bt709, Range::Full));
        assert_eq!(of(jpeg, 0, 0), (Matrix::Bt601, Range::Full));
        assert_eq!(of(jpeg, 1, 2), (Matrix::Bt601, Range::Limited));
        assert_eq!(colour(PixelFormat::Grey, [srgb, 0, 0]).range, Range::Full);
        assert_eq!(colour(PixelFormat::Grey, [srgb, 0, 2]).range, Range::Limited);
    }
}
