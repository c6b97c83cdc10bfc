//! Pictures from files: JPEG and PNG, told apart by their content and never by their name.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::Picture;
use crate::error::{Error, Kind, Result};

/// The largest picture that is decoded, in pixels: 600 MB as RGB.
pub const MAX_PIXELS: u64 = 200_000_000;

impl Picture {
    /// Reads a JPEG or PNG file.
    ///
    /// # Errors
    /// [`Kind::Media`]: the file cannot be read, is no JPEG or PNG, is damaged or truncated, or
    /// is larger than [`MAX_PIXELS`]. The text names the file.
    pub fn read(path: &Path) -> Result<Picture> {
        let bytes = std::fs::read(path).map_err(|error| {
            Error::new(Kind::Media, path.display(), "cannot be read").because(error)
        })?;
        Picture::decode(&bytes, &path.display().to_string())
    }

    /// Decodes the bytes of a JPEG or PNG file; `name` is what an error calls it.
    ///
    /// Grey, palette, 16-bit and CMYK pictures become 8-bit RGB. Transparency is dropped, the
    /// colour beneath it stays. A picture that says it lies on its side (Exif) is turned upright.
    ///
    /// # Errors
    /// As [`Picture::read`].
    pub fn decode(bytes: &[u8], name: &str) -> Result<Picture> {
        let format = format_of(bytes, name)?;
        let damaged = |error: image::ImageError| {
            Error::new(Kind::Media, name, format!("is a damaged or truncated {}", short(format)))
                .because(error)
        };
        if format == ImageFormat::Jpeg && !reaches_end_of_image(bytes) {
            // The decoder fills what is missing with grey and calls that a picture.
            return Err(Error::new(
                Kind::Media,
                name,
                "is a truncated JPEG: no end-of-image marker",
            )
            .hint("copy or record it again"));
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        // The library's own limit is 512 MiB whatever the picture; ours counts pixels instead.
        reader.no_limits();
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        check_size(width, height, name)?;
        let orientation = decoder.orientation().map_err(damaged)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        image.apply_orientation(orientation);
        let rgb = image.into_rgb8();
        Ok(Picture { width: rgb.width(), height: rgb.height(), rgb: rgb.into_raw() })
    }

    /// Writes the picture as a PNG file, replacing what is there.
    ///
    /// # Errors
    /// [`Kind::System`]: the file cannot be written, or the picture's sides do not fit its pixels.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        image::save_buffer_with_format(
            path,
            &self.rgb,
            self.width,
            self.height,
            image::ExtendedColorType::Rgb8,
            ImageFormat::Png,
        )
        .map_err(|error| {
            Error::new(Kind::System, path.display(), "cannot be written").because(error)
        })
    }
}

/// JPEG or PNG; anything else is refused with what the content looks like.
fn format_of(bytes: &[u8], name: &str) -> Result<ImageFormat> {
    let wrong = |found: &str| {
        Err(Error::new(Kind::Media, name, format!("is no picture that can be read: {found}"))
            .hint("a JPEG or PNG file is needed"))
    };
    if bytes.is_empty() {
        return wrong("the file is empty");
    }
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => Ok(format),
        Ok(other) => wrong(&format!("its content is {}", short(other))),
        Err(_) if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") => {
            wrong("its content is a WAV sound")
        }
        Err(_) if std::str::from_utf8(&bytes[..bytes.len().min(64)]).is_ok() => {
            wrong("its content is text")
        }
        Err(_) => wrong("its content is of no known kind"),
    }
}

fn short(format: ImageFormat) -> String {
    format!("{format:?}").to_uppercase()
}

fn check_size(width: u32, height: u32, name: &str) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::new(Kind::Media, name, "is a picture without pixels"));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::new(
            Kind::Media,
            name,
            format!("is too large: {width}×{height} pixels, the limit is 200 megapixels"),
        )
        .hint("scale it down"));
    }
    Ok(())
}

/// Whether a JPEG's segments lead to its end-of-image marker (ITU-T T.81, B.1 and B.2).
fn reaches_end_of_image(bytes: &[u8]) -> bool {
    const END_OF_IMAGE: u8 = 0xd9;
    let mut at = 2; // past the start-of-image marker
    loop {
        // Entropy-coded data holds no marker except restarts; fill bytes and strays are skipped.
        let Some(step) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xff))
        else {
            return false;
        };
        at += step + 1;
        match bytes.get(at) {
            None => return false,
            Some(&END_OF_IMAGE) => return true,
            // A stuffed zero, a restart, a temporary marker or a start of image has no length;
            // a fill byte may be the first half of a marker and is looked at again.
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
            Some(0xff) => {}
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(u16::from_be_bytes([high, low])).max(2);
            }
        }
    }
}

#[cfg(test)]
mod tests;
