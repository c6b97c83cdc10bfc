//! Reading a TOML document so that every complaint names the file, the line and the key.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::DeTable;

use crate::error::{Error, Kind, Result};

/// How alike (Jaro–Winkler, 0..1) a mistyped word must be to one that is known before the
/// message suggests it. Below this a suggestion is a guess, and the full list helps more.
const ALIKE: f64 = 0.75;

/// The largest file that is read as configuration, bytes. Real ones hold a few hundred; the
/// limit keeps a wrong path (a clip, a device) from filling the memory.
const LIMIT: u64 = 1 << 20;

/// A TOML text together with the name that messages give it.
pub(super) struct Document<'a> {
    text: &'a str,
    name: &'a str,
}

/// Reads a whole configuration file.
///
/// # Errors
/// [`Kind::Config`]: it cannot be read, is not UTF-8 or larger than any configuration is.
pub(super) fn read(path: &Path) -> Result<String> {
    let wrong = |text: &str| Error::new(Kind::Config, path.display(), text);
    let about = std::fs::metadata(path).map_err(|e| wrong("cannot be read").because(e))?;
    if !about.is_file() {
        return Err(wrong("is not a file"));
    }
    if about.len() > LIMIT {
        return Err(wrong("is larger than 1 MiB, which no configuration is")
            .hint("is this the file that was meant?"));
    }
    std::fs::read_to_string(path).map_err(|e| wrong("cannot be read").because(e))
}

impl<'a> Document<'a> {
    /// A document whose messages begin with `name`.
    pub fn new(text: &'a str, name: &'a str) -> Self {
        Document { text, name }
    }

    /// The document as a `T`, which says by its type what keys and values are allowed.
    ///
    /// # Errors
    /// [`Kind::Config`]: not TOML, an unknown key, a wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(self.text).map_err(|error| self.refuse(&error))
    }

    /// An error about the value at `path`, whose text says what is wrong with it.
    ///
    /// The line is left out if the value is not in the document but a default.
    pub fn wrong(&self, path: &[&str], wrong: &str) -> Error {
        let place = self.place(self.line_of(path));
        Error::new(Kind::Config, place, format!("`{}` {wrong}", path.join(".")))
    }

    /// An error about a dotted key of this document that another room has found, with the
    /// line of the key in front.
    pub fn found(&self, error: Error) -> Error {
        let path: Vec<&str> = error.thing().split('.').collect();
        let place = self.place(self.line_of(&path));
        error.at(place)
    }

    fn line_of(&self, path: &[&str]) -> Option<usize> {
        let table = DeTable::parse(self.text).ok()?;
        span_of(table.get_ref(), path).map(|span| self.line(span.start))
    }

    fn refuse(&self, error: &toml::de::Error) -> Error {
        let line = error.span().map(|span| self.line(span.start));
        let place = self.place(line);
        let message = plain(error.message());
        let key = error.span().and_then(|span| {
            // A text that is not TOML at all has no keys to name.
            let table = DeTable::parse(self.text).ok()?;
            key_at(table.get_ref(), &span)
        });
        let Some(unknown) = quoted(&message).filter(|_| message.starts_with("unknown field"))
        else {
            return match key {
                Some(key) => Error::new(Kind::Config, place, format!("`{key}`: {message}")),
                None => Error::new(Kind::Config, place, message),
            };
        };
        let known: Vec<String> = message.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        let key = key.unwrap_or_else(|| unknown.to_owned());
        Error::new(Kind::Config, place, format!("unknown key `{key}`"))
            .hint(suggest(unknown, &known))
    }

    fn place(&self, line: Option<usize>) -> String {
        match line {
            Some(line) => format!("{}:{line}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// The line, counted from 1, of a byte offset.
    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

/// What to say to someone who wrote `word` where one of `known` was expected.
pub(crate) fn suggest(word: &str, known: &[String]) -> String {
    let nearest = known
        .iter()
        .map(|other| (strsim::jaro_winkler(word, other), other))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let list = known.join(", ");
    match nearest {
        None => "none is known".to_owned(),
        Some((alike, other)) if alike >= ALIKE => format!("did you mean `{other}`? Known: {list}"),
        Some(_) => format!("known: {list}"),
    }
}

/// A parser's message in one line and without the names of Rust's types.
fn plain(message: &str) -> String {
    let line = message.replace('\n', ", ");
    let Some((said, kind)) = line.rsplit_once("expected ") else { return line };
    match kind {
        "u16" | "u32" | "u64" | "usize" => format!("{said}expected a whole number"),
        "f32" | "f64" => format!("{said}expected a number"),
        _ => line,
    }
}

/// The first word between backticks.
fn quoted(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// The dotted path of the innermost key whose name or value holds `span`.
fn key_at(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref().as_ref();
        let inner = value.get_ref().as_table().and_then(|table| key_at(table, span));
        match inner {
            Some(inner) => Some(format!("{name}.{inner}")),
            None if holds(&key.span(), span) || holds(&value.span(), span) => Some(name.to_owned()),
            None => None,
        }
    })
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Where the value at `path` is written.
fn span_of(table: &DeTable<'_>, path: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value.span()) } else { span_of(value.get_ref().as_table()?, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the refusals are looked at")]
    struct Top {
        camera: Camera,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the refusals are looked at")]
    struct Camera {
        width: u32,
        height: u32,
    }

    fn refusal(text: &str) -> String {
        Document::new(text, "a.toml").parse::<Top>().unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
        assert_eq!(
            refusal("# note\n[camera]\nwidth = 3\nheigth = 4\n"),
            "a.toml:4: unknown key `camera.heigth` (did you mean `height`? Known: width, height)"
        );
    }

    #[test]
    fn a_key_that_resembles_none_gets_the_list() {
        assert_eq!(
            refusal("[camera]\nzoom = 3"),
            "a.toml:2: unknown key `camera.zoom` (known: width, height)"
        );
    }

    #[test]
    fn an_unknown_section_is_named() {
        assert_eq!(
            refusal("[camra]\nwidth = 3"),
            "a.toml:1: unknown key `camra` (did you mean `camera`? Known: camera)"
        );
    }

    #[test]
    fn a_wrong_type_names_the_key_that_holds_it() {
        let text = refusal("[camera]\nwidth = 3\nheight = \"tall\"");
        assert!(text.starts_with("a.toml:3: `camera.height`: invalid type: string"), "{text}");
    }

    #[test]
    fn a_text_that_is_not_toml_is_refused_with_its_line() {
        let text = refusal("[camera]\nwidth 3\n");
        assert!(text.starts_with("a.toml:2: "), "{text}");
    }

    #[test]
    fn a_value_found_wrong_afterwards_is_named_with_its_line() {
        let text = "\n[camera]\nwidth = 0\n";
        let error = Document::new(text, "a.toml").wrong(&["camera", "width"], "is 0");
        assert_eq!(error.to_string(), "a.toml:3: `camera.width` is 0");
        let error = Document::new(text, "a.toml").wrong(&["camera", "height"], "is missing");
        assert_eq!(error.to_string(), "a.toml: `camera.height` is missing");
    }

    #[test]
    fn a_folder_or_a_missing_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().ends_with("is not a file"));
        let missing = read(&dir.path().join("none.toml")).unwrap_err();
        assert_eq!(missing.kind(), Kind::Config);
        assert!(missing.to_string().contains("none.toml: cannot be read"), "{missing}");
    }
}
