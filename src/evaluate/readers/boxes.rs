//! The lists of boxes that come with SSLalignment (Senocak et al., 2023): IS3, VPO, AVSBench S4
//! and MS3, `*_bbox.json`, `*_box.json` and `*_seg.json`.
//!
//! `[{"image": path, "audio": path, "gt_box": [x0, y0, x1, y1]}, …]` in pixels of 224 × 224, or
//! `"gt_box": "path of a mask"`. The paths are those of another machine; their last parts name the
//! files.

use std::path::Path;

use serde::Deserialize;

use super::{bytes_of, json_rows, make_unique, name_of, wrong};
use crate::error::Result;
use crate::evaluate::grid::SIDE;
use crate::evaluate::item::{Dataset, Item, Medium, Place, Thing, Wanted};

/// How the rows of a list are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// How many of the last parts of the picture's path make the id.
    pub parts: usize,
    /// Whether the id ends with `_CLASS` and what stands before names the picture: several rows
    /// then share one picture.
    pub class_last: bool,
}

#[derive(Deserialize)]
struct Row {
    image: String,
    audio: String,
    gt_box: Truth,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Truth {
    Box([f64; 4]),
    Mask(String),
}

/// Reads a list.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): it cannot be read or is not as above; the text
/// names the row.
pub fn read(path: &Path, naming: Naming) -> Result<Dataset> {
    let mut set = parse(&bytes_of(path)?, &path.display().to_string(), naming)?;
    set.name = name_of(path);
    Ok(set)
}

/// Reads the bytes of a list called `name`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str, naming: Naming) -> Result<Dataset> {
    let mut set = Dataset::default();
    for (n, row) in json_rows::<Row>(bytes, name)?.into_iter().enumerate() {
        let picture = stem(&row.image);
        let parts: Vec<&str> = picture.split('/').filter(|part| !part.is_empty()).collect();
        let id = parts[parts.len().saturating_sub(naming.parts)..].join("/");
        if id.is_empty() {
            return Err(wrong(name, format!("row {n}"), "`image` names no file"));
        }
        let (group, class) = match id.rsplit_once('_') {
            Some((group, class)) if naming.class_last => (group.to_owned(), class.to_owned()),
            _ => (id.clone(), String::new()),
        };
        let place = match row.gt_box {
            Truth::Box(corners) => Place::Boxes(vec![set.repairs.pixel_box(corners, SIDE as f64)]),
            Truth::Mask(path) => Place::Mask(wanted(Medium::Mask, &path), 0),
        };
        set.items.push(Item {
            id,
            group,
            part: None,
            class: class.clone(),
            pictures: vec![wanted(Medium::Picture, &row.image)],
            sounds: vec![wanted(Medium::Sound, &row.audio)],
            sounding: vec![Thing { class, place }],
            silent: Vec::new(),
        });
    }
    make_unique(&mut set.items);
    Ok(set)
}

/// A file by its path elsewhere: with its folders if they are here too, else by its name alone.
fn wanted(medium: Medium, path: &str) -> Wanted {
    let whole = stem(path);
    let last = whole.rsplit('/').next().unwrap_or(whole);
    Wanted::named(medium, [whole, last])
}

/// A path without its extension.
fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, end)) if !end.contains('/') => stem,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IS3: Naming = Naming { parts: 1, class_last: true };
    const MS3: Naming = Naming { parts: 2, class_last: false };

    #[test]
    fn two_sources_of_one_picture_share_a_group() {
        let text = br#"[{"image":"/m/v/cat_owl_7_owl.jpg","audio":"/m/a/cat_owl_7_owl.wav","gt_box":[1.0,2.0,30.0,40.0]},
            {"image":"/m/v/cat_owl_7_cat.jpg","audio":"/m/a/cat_owl_7_cat.wav","gt_box":[0,0,0,0]}]"#;
        let set = parse(text, "is3", IS3).unwrap();
        let [owl, cat] = &set.items[..] else { panic!("{set:?}") };
        assert_eq!((owl.group.as_str(), owl.class.as_str()), ("cat_owl_7", "owl"));
        assert_eq!(cat.group, owl.group);
        assert_eq!(owl.sounding[0].place, Place::Boxes(vec![[1, 2, 30, 40]]));
        assert_eq!((set.repairs.boxes, set.repairs.empty), (2, 1));
    }

    #[test]
    fn frames_of_a_video_are_named_with_their_folder_and_may_have_masks() {
        let text = br#"[{"image":"/d/frames/x_1/x_1.mp4_2.png","audio":"/d/x_1.wav","gt_box":"/d/masks/x_1/x_1_2.png"}]"#;
        let set = parse(text, "ms3", MS3).unwrap();
        assert_eq!(set.items[0].id, "x_1/x_1.mp4_2");
        let Place::Mask(mask, 0) = &set.items[0].sounding[0].place else { panic!("{set:?}") };
        assert_eq!(mask.names, ["/d/masks/x_1/x_1_2", "x_1_2"]);
    }

    #[test]
    fn a_bad_row_is_named() {
        let text = br#"[{"image":"a.jpg","audio":"a.wav","gt_box":[1,2,3]}]"#;
        let error = parse(text, "b.json", IS3).unwrap_err().to_string();
        assert!(error.starts_with("b.json: row 0: "), "{error}");
        let text = br#"[{"image":"","audio":"a.wav","gt_box":[1,2,3,4]}]"#;
        assert!(parse(text, "b", IS3).unwrap_err().to_string().contains("names no file"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, "bytes", MS3);
        }
    }
}
