//! Pictures side by side, for the sets whose items are made of two.

use std::path::Path;

use image::RgbImage;
use image::imageops::{self, FilterType};

use crate::capture::Picture;
use crate::error::{Error, Kind, Result};

/// Reads pictures and puts them side by side from the left, each brought to a square as high as
/// the first one, as the field squeezes every picture into a square. One alone stays as it is.
///
/// # Errors
/// [`Kind::Media`]: a picture cannot be read, or there is none.
pub fn side_by_side<P: AsRef<Path>>(paths: &[P]) -> Result<Picture> {
    let [first, others @ ..] = paths else {
        return Err(Error::new(Kind::Media, "scene", "has no picture"));
    };
    let first = Picture::read(first.as_ref())?;
    if others.is_empty() {
        return Ok(first);
    }
    let side = first.height;
    let count = paths.len() as u32;
    let mut canvas = RgbImage::new(side.saturating_mul(count), side);
    let mut put = |picture: Picture, place: u32| {
        if let Some(image) = RgbImage::from_raw(picture.width, picture.height, picture.rgb) {
            let square = imageops::resize(&image, side, side, FilterType::Triangle);
            imageops::replace(&mut canvas, &square, i64::from(place * side), 0);
        }
    };
    put(first, 0);
    for (place, path) in (1..).zip(others) {
        put(Picture::read(path.as_ref())?, place);
    }
    Ok(Picture { width: canvas.width(), height: canvas.height(), rgb: canvas.into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pictures_become_two_squares_and_one_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let plain = |name: &str, width: u32, height: u32, colour: [u8; 3]| {
            let path = folder.path().join(name);
            let rgb = colour.repeat((width * height) as usize);
            Picture { width, height, rgb }.write_png(&path).unwrap();
            path
        };
        let paths = [plain("a.png", 30, 20, [200, 0, 0]), plain("b.png", 10, 50, [0, 0, 200])];
        let both = side_by_side(&paths).unwrap();
        assert_eq!((both.width, both.height), (40, 20));
        assert_eq!((&both.rgb[..3], &both.rgb[117..120]), (&[200, 0, 0][..], &[0, 0, 200][..]));
        assert_eq!(side_by_side(&paths[..1]).unwrap().width, 30);
        assert!(side_by_side::<&Path>(&[]).is_err());
    }
}
