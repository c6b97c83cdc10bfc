//! Our own manifest: JSON lines.
//!
//! ```json
//! {"id": "p1_dog", "image": "img/p1.jpg", "audio": "snd/dog.wav", "class": "dog",
//!  "boxes": [[0.1, 0.2, 0.5, 0.9]], "others": [{"class": "cat", "boxes": [[0.6, 0, 1, 1]]}],
//!  "group": "p1"}
//! ```
//! Paths are relative to the manifest, boxes x0, y0, x1, y1 in 0..1. No boxes: a negative, nothing
//! in the picture makes this sound. `others` are the silent things. `group` names the picture, by
//! default its path. Negatives named `neg_KIND_…` are also reported kind by kind.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{bytes_of, name_of, wrong};
use crate::error::Result;
use crate::evaluate::item::{Dataset, Item, Medium, Place, Repairs, Thing, Wanted};

/// Added before a box's edge is cut to a whole cell: edges written as decimal fractions of the
/// picture may come out a hair too low.
const SLACK: f64 = 1e-6;

#[derive(Deserialize)]
struct Row {
    id: String,
    image: PathBuf,
    audio: PathBuf,
    #[serde(default)]
    class: String,
    #[serde(default)]
    boxes: Vec<[f64; 4]>,
    #[serde(default)]
    others: Vec<Other>,
    group: Option<String>,
}

#[derive(Deserialize)]
struct Other {
    #[serde(default)]
    class: String,
    boxes: Vec<[f64; 4]>,
}

/// Reads a manifest.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): the file cannot be read, a line is no row, or two
/// rows have one id; the text names file and line.
pub fn read(path: &Path) -> Result<Dataset> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut set, name) = (parse(&bytes_of(path)?, &path.display().to_string())?, name_of(path));
    for item in &mut set.items {
        for wanted in item.pictures.iter_mut().chain(&mut item.sounds) {
            wanted.path = wanted.path.take().map(|path| folder.join(path));
        }
    }
    set.name = name;
    Ok(set)
}

/// Reads the bytes of a manifest called `name`; its paths stay relative.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Dataset> {
    let mut set = Dataset::default();
    let mut seen = std::collections::HashSet::new();
    for (n, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("line {}", n + 1);
        let row: Row = serde_json::from_slice(line)
            .map_err(|error| wrong(name, &place, "is no row of a manifest").because(error))?;
        if !seen.insert(row.id.clone()) {
            return Err(wrong(name, &place, format!("the id `{}` occurs before", row.id)));
        }
        set.items.push(item(row, &mut set.repairs));
    }
    Ok(set)
}

fn item(row: Row, repairs: &mut Repairs) -> Item {
    let mut place = |boxes: &[[f64; 4]]| {
        Place::Boxes(boxes.iter().map(|corners| repairs.unit_box(*corners, SLACK)).collect())
    };
    let sounding = match row.boxes.is_empty() {
        true => Vec::new(),
        false => vec![Thing { class: row.class.clone(), place: place(&row.boxes) }],
    };
    let silent = row
        .others
        .into_iter()
        .map(|other| Thing { place: place(&other.boxes), class: other.class });
    let kind = row.id.strip_prefix("neg_").and_then(|rest| rest.split('_').next());
    Item {
        silent: silent.collect(),
        part: kind.filter(|_| sounding.is_empty()).map(str::to_owned),
        sounding,
        group: row.group.unwrap_or_else(|| row.image.display().to_string()),
        pictures: vec![wanted(Medium::Picture, row.image)],
        sounds: vec![wanted(Medium::Sound, row.audio)],
        class: row.class,
        id: row.id,
    }
}

fn wanted(medium: Medium, path: PathBuf) -> Wanted {
    let name = path.with_extension("").display().to_string();
    Wanted { medium, names: vec![name], path: Some(path) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_becomes_an_item_with_what_sounds_and_what_does_not() {
        let text = br#"{"id":"p_dog","image":"i/p.jpg","audio":"s/d.wav","class":"dog","boxes":[[0,0,0.5,1]],"others":[{"class":"cat","boxes":[[0.5,0,1,1]]}],"group":"p"}

{"id":"neg_noise_00","image":"i/p.jpg","audio":"s/n.wav","class":"noise","boxes":[],"more":1}"#;
        let set = parse(text, "m").unwrap();
        let [dog, noise] = &set.items[..] else { panic!("{set:?}") };
        assert_eq!(dog.sounding[0].place, Place::Boxes(vec![[0, 0, 112, 224]]));
        assert_eq!((dog.silent.len(), dog.group.as_str(), &dog.part), (1, "p", &None));
        assert_eq!(dog.pictures[0].names, ["i/p"]);
        assert!(noise.sounding.is_empty());
        assert_eq!((noise.group.as_str(), noise.part.as_deref()), ("i/p.jpg", Some("noise")));
        assert_eq!(set.repairs.boxes, 2);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = parse(b"\n{\"id\":1}", "m.jsonl").unwrap_err().to_string();
        assert!(error.starts_with("m.jsonl: line 2: is no row of a manifest"), "{error}");
        let row = r#"{"id":"a","image":"i","audio":"s"}"#;
        let twice = parse(format!("{row}\n{row}").as_bytes(), "m").unwrap_err().to_string();
        assert!(twice.contains("line 2: the id `a` occurs before"), "{twice}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, "bytes");
        }
    }
}
