//! Whether a value lies where it may.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::document::Document;
use crate::error::Result;

/// Refuses the value at `path` unless it lies in `range`; a NaN lies in none.
pub(super) fn within<T: PartialOrd + Display>(
    document: &Document<'_>,
    path: &[&str],
    value: T,
    range: RangeInclusive<T>,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let wrong = format!("is {value}, outside {} to {}", range.start(), range.end());
    Err(document.wrong(path, &wrong))
}

/// Refuses the text at `path` if it is empty or holds a control character: a name that cannot
/// be printed in one line cannot be told to anybody.
pub(super) fn named(document: &Document<'_>, path: &[&str], value: &str) -> Result<()> {
    if value.trim().is_empty() {
        Err(document.wrong(path, "is empty"))
    } else if value.chars().any(char::is_control) {
        Err(document.wrong(path, "holds a control character"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_are_in_it_and_what_is_not_a_number_is_not() {
        let document = Document::new("[a]\nb = nan\n", "c.toml");
        assert!(within(&document, &["a", "b"], 1.0, 1.0..=2.0).is_ok());
        assert!(within(&document, &["a", "b"], 2.0, 1.0..=2.0).is_ok());
        let error = within(&document, &["a", "b"], f64::NAN, 1.0..=2.0).unwrap_err();
        assert_eq!(error.to_string(), "c.toml:2: `a.b` is NaN, outside 1 to 2");
    }

    #[test]
    fn a_name_is_neither_empty_nor_unprintable() {
        let document = Document::new("name = \"\"\n", "c.toml");
        assert!(named(&document, &["name"], "pi").is_ok());
        let error = named(&document, &["name"], "").unwrap_err();
        assert_eq!(error.to_string(), "c.toml:1: `name` is empty");
        assert!(named(&document, &["name"], "a\nb").is_err());
    }
}
