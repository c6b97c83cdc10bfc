//! Masks: where something is, pixel by pixel.

use std::path::Path;

use super::{bytes_of, npy, pickle, wrong};
use crate::capture::Picture;
use crate::error::Result;
use crate::evaluate::grid::{Cells, Grid, SIDE};

/// A mask of any size.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    width: usize,
    height: usize,
    inside: Vec<bool>,
}

/// Reads a mask: PNG (what is not black), a `.npy` file or a pickled array (what is not 0), told
/// apart by content. Of an array of three axes the last is colour.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): the file cannot be read, or is none of these.
pub fn read(path: &Path) -> Result<Mask> {
    parse(&bytes_of(path)?, &path.display().to_string())
}

/// Reads the bytes of a mask called `name`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Mask> {
    if bytes.starts_with(b"\x89PNG") {
        let picture = Picture::decode(bytes, name)?;
        let inside = picture.rgb.as_chunks::<3>().0.iter().map(|rgb| *rgb != [0; 3]).collect();
        let (width, height) = (picture.width as usize, picture.height as usize);
        return Ok(Mask { width, height, inside });
    }
    let array = match bytes.starts_with(b"\x93NUMPY") {
        true => npy::parse(bytes, name)?,
        false => pickle::parse(bytes, name)?,
    };
    let (height, width, colours) = match array.shape[..] {
        [height, width] => (height, width, 1),
        [height, width, colours] => (height, width, colours),
        _ => return Err(wrong(name, "mask", "has neither two nor three axes")),
    };
    if height * width * colours == 0 {
        return Err(wrong(name, "mask", "is empty"));
    }
    let lit = |pixel: &[f64]| pixel.iter().any(|value| *value != 0.0);
    Ok(Mask { width, height, inside: array.values.chunks_exact(colours).map(lit).collect() })
}

impl Mask {
    /// The cells of `grid` that it covers in the picture number `picture` of several side by side,
    /// each cell by the pixel nearest to it: `floor(cell * pixels / 224)`, as OpenCV and PyTorch
    /// have it.
    pub fn cells(&self, grid: Grid, picture: usize) -> Cells {
        let nearest = |cell: usize, pixels: usize| cell * pixels / SIDE;
        Cells::chosen(grid, |index| {
            let (x, y) = (index % grid.width, index / grid.width);
            if x / SIDE != picture {
                return false;
            }
            let (x, y) = (nearest(x % SIDE, self.width), nearest(y, self.height));
            self.inside.get(y * self.width + x).copied().unwrap_or(false)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_png_and_an_array_of_one_shape_are_one_mask() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.png");
        let rgb = [[0, 0, 0], [0, 9, 0]].concat();
        Picture { width: 2, height: 1, rgb }.write_png(&path).unwrap();
        let png = read(&path).unwrap();
        assert_eq!(png, parse(&npy::written(&[1, 2], &[0.0, 1.0]), "a").unwrap());
        assert_eq!(
            png,
            parse(&npy::written(&[1, 2, 3], &[0.0, 0.0, 0.0, 0.0, 5.0, 0.0]), "a").unwrap()
        );
    }

    #[test]
    fn a_small_mask_is_enlarged_in_its_own_picture() {
        let mask = parse(&npy::written(&[1, 2], &[0.0, 1.0]), "a").unwrap();
        let right = Cells::boxes(Grid::ONE, &[[112, 0, 224, 224]]);
        assert_eq!(mask.cells(Grid::ONE, 0), right);
        let two = Grid::side_by_side(2);
        assert_eq!(mask.cells(two, 1), Cells::boxes(two, &[[336, 0, 448, 224]]));
    }

    #[test]
    fn an_array_that_is_no_picture_is_refused() {
        let error = parse(&npy::written(&[2], &[0.0, 1.0]), "a.npy").unwrap_err().to_string();
        assert!(error.contains("neither two nor three axes"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, "bytes");
            let _ = parse(&[&b"\x89PNG"[..], &bytes].concat(), "bytes");
        }
    }
}
