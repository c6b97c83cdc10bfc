//! From the bytes that a camera delivers to an RGB picture.

use super::{Picture, RawFrame};
use crate::error::{Error, Kind, Result};

/// What the bytes of a [`RawFrame`] mean, named after V4L2's formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PixelFormat {
    /// R G B R G B …, 8 bits each.
    #[default]
    Rgb24,
}

/// Makes pictures of raw frames.
#[derive(Debug, Default)]
pub struct Developer;

impl Developer {
    /// A developer.
    pub fn new() -> Developer {
        Developer
    }

    /// Makes `picture` the RGB form of `raw`, whose bytes may be taken in exchange for the
    /// picture's old ones.
    ///
    /// # Errors
    /// [`Kind::Media`]: there are fewer bytes than the size needs.
    pub fn develop(&mut self, raw: &mut RawFrame, picture: &mut Picture) -> Result<()> {
        let row = raw.width as usize * 3;
        let whole = row * raw.height as usize;
        if raw.bytes.len() < whole || raw.stride < row {
            let (got, size) = (raw.bytes.len(), (raw.width, raw.height));
            let wrong = format!("{got} bytes are too few for {}×{} pixels", size.0, size.1);
            return Err(Error::new(Kind::Media, "picture", wrong));
        }
        picture.width = raw.width;
        picture.height = raw.height;
        std::mem::swap(&mut raw.bytes, &mut picture.rgb);
        picture.rgb.truncate(whole);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Mono;

    #[test]
    fn an_rgb_frame_changes_hands_without_a_copy() {
        let mut picture = Picture { width: 2, height: 1, rgb: vec![7; 6] };
        let place = picture.rgb.as_ptr();
        let mut raw = RawFrame::default();
        raw.exchange(Mono(5), &mut picture);
        let mut developed = Picture::default();
        Developer::new().develop(&mut raw, &mut developed).unwrap();
        assert_eq!((developed.width, developed.height, developed.rgb.as_ptr()), (2, 1, place));
    }

    #[test]
    fn too_few_bytes_are_refused() {
        let mut raw = RawFrame { width: 2, height: 2, stride: 6, ..RawFrame::default() };
        let error = Developer::new().develop(&mut raw, &mut Picture::default()).unwrap_err();
        assert_eq!(error.to_string(), "picture: 0 bytes are too few for 2×2 pixels");
    }
}
