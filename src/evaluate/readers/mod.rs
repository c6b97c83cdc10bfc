//! Readers of annotations: each turns the files of one data set into items.
//!
//! Every reader is forgiving where the field's own scripts are (keys it does not know, boxes that
//! stick out) and strict otherwise: what cannot be understood is an error that names the file and
//! the row or key.

pub mod boxes;
pub mod duet;
pub mod flickr;
pub mod instruments;
pub mod list;
pub mod manifest;
pub mod mask;
pub mod music;
pub mod npy;
pub mod pickle;
pub mod silent;
pub mod vggss;

use std::collections::HashMap;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::item::Item;
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

/// The rows of a JSON array; an error names the row, counted from 0, and what is wrong with it.
pub(super) fn json_rows<T: DeserializeOwned>(bytes: &[u8], name: &str) -> Result<Vec<T>> {
    let rows: Vec<serde_json::Value> = serde_json::from_slice(bytes)
        .map_err(|error| Error::new(Kind::Media, name, "is no JSON array").because(error))?;
    let row = |(n, row)| {
        serde_json::from_value(row)
            .map_err(|error| wrong(name, format!("row {n}"), "is not as expected").because(error))
    };
    rows.into_iter().enumerate().map(row).collect()
}

/// The records of a CSV file without a header, with their line numbers; they may differ in length.
pub(super) fn csv_rows(bytes: &[u8], name: &str) -> Result<Vec<(u64, csv::StringRecord)>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let row = |row: csv::Result<csv::StringRecord>| {
        let row = row.map_err(|error| Error::new(Kind::Media, name, "is no CSV").because(error))?;
        Ok((row.position().map_or(0, csv::Position::line), row))
    };
    reader.records().map(row).collect()
}

/// The field number `column` of a record, without blanks around it.
pub(super) fn field<'a>(
    (line, row): &'a (u64, csv::StringRecord),
    column: usize,
    name: &str,
) -> Result<&'a str> {
    match row.get(column).map(str::trim) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(wrong(name, format!("line {line}"), format!("lacks column {}", column + 1))),
    }
}

/// Gives items of one name a number from the second on: predictions are matched by id.
pub(super) fn make_unique(items: &mut [Item]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in items {
        let times = seen.entry(item.id.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            item.id = format!("{}#{times}", item.id);
        }
    }
}
