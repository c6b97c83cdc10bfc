//! The JPEGs that cameras send.

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{LONGEST, faulty};
use crate::capture::{Picture, RawFrame};
use crate::error::Result;

/// The segment that says "this is a picture of a motion JPEG, whose Huffman tables are the
/// usual ones and left out" (OpenDML AVI file format extensions 1.02, section 8.1; the tables
/// are those of ITU-T T.81, K.3.3). The decoder then uses them.
const AVI1: [u8; 18] = [0xff, 0xe0, 0, 16, b'A', b'V', b'I', b'1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// How much larger or smaller than the camera said a JPEG may be: one block of 16 pixels, to
/// which some cameras round up.
const BLOCK: u32 = 16;

/// Makes `picture` the RGB form of the JPEG in `raw`.
///
/// # Errors
/// It is no JPEG, damaged, not whole, or of another size.
pub(super) fn develop(raw: &RawFrame, scratch: &mut Vec<u8>, picture: &mut Picture) -> Result<()> {
    let Some(headers) = Headers::read(&raw.bytes) else {
        let got = raw.bytes.len();
        return Err(faulty(format!("{got} bytes are no JPEG, or less than its headers")));
    };
    let bytes = if headers.tables {
        raw.bytes.as_slice()
    } else {
        scratch.clear();
        scratch.extend_from_slice(&raw.bytes[..2]);
        scratch.extend_from_slice(&AVI1);
        scratch.extend_from_slice(&raw.bytes[2..]);
        scratch.as_slice()
    };
    let longest = LONGEST as usize;
    // Otherwise what is missing is filled with grey, and that is called a picture.
    let options = DecoderOptions::new_fast()
        .set_strict_mode(true)
        .set_max_width(longest)
        .set_max_height(longest)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let damaged =
        |error: DecodeErrors| faulty("is a damaged or truncated JPEG").because(error.to_string());
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    if width.abs_diff(raw.width) >= BLOCK || height.abs_diff(raw.height) >= BLOCK {
        let asked = format!("the camera was set to {}×{}", raw.width, raw.height);
        return Err(faulty(format!("is a JPEG of {width}×{height} pixels, but {asked}")));
    }
    (picture.width, picture.height) = (width, height);
    picture.rgb.resize(width as usize * height as usize * 3, 0);
    decoder.decode_into(&mut picture.rgb).map_err(damaged)
}

/// What stands before the entropy-coded data.
struct Headers {
    /// Whether there are Huffman tables.
    tables: bool,
}

impl Headers {
    /// Follows the segments of a JPEG to the start of its scan (ITU-T T.81, B.1 and B.2).
    fn read(bytes: &[u8]) -> Option<Headers> {
        const START_OF_SCAN: u8 = 0xda;
        const HUFFMAN_TABLES: u8 = 0xc4;
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
        let mut tables = false;
        loop {
            match *rest {
                // Fill bytes may stand before any marker.
                [0xff, 0xff, ..] => rest = &rest[1..],
                [0xff, START_OF_SCAN, ..] => return Some(Headers { tables }),
                [0xff, kind, high, low, ..] => {
                    tables |= kind == HUFFMAN_TABLES;
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    rest = rest.get(2 + length..)?;
                }
                _ => return None,
            }
        }
    }
}

/// Whether a JPEG has an end-of-image marker. Padding may follow it, so it is looked for from
/// the back; entropy-coded data cannot hold it.
pub fn ends(bytes: &[u8]) -> bool {
    bytes.windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}
