//! Readers of annotations: each turns the files of one data set into items.
//!
//! Every reader is forgiving where the field's own scripts are (keys it does not know, boxes that
//! stick out) and strict otherwise: what cannot be understood is an error that names the file and
//! the row or key.

pub mod manifest;
pub mod npy;

use std::path::Path;

use crate::error::{Error, Kind, Result};

/// Reads a whole file of annotations.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| Error::new(Kind::Media, path.display(), "cannot be read").because(error))
}

/// What a set is called after its file.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// An error about one place of a file, such as a row or a key.
pub(super) fn wrong(name: &str, place: impl std::fmt::Display, what: impl Into<String>) -> Error {
    Error::new(Kind::Media, format!("{name}: {place}"), what)
}
