//! VGG-SS (Chen et al., CVPR 2021): `vggss.json`.
//!
//! `[{"file": "ID_SSSSSS", "class": "dog barking", "bbox": [[x0, y0, x1, y1], …]}, …]`, corners in
//! 0..1. A box is `(np.clip(box, 0, 1) * 224).astype(int)`; the 18 whose ends do not come after
//! their beginnings are empty, as in every published figure. The frame is the middle one of ten seconds: `FILE.jpg`, or
//! `FILE/image_050.jpg` in a dump of ten frames a second.

use std::path::Path;

use serde::Deserialize;

use super::{bytes_of, json_rows, list, make_unique, name_of};
use crate::error::Result;
use crate::evaluate::item::{Dataset, Item, Medium, Place, Thing, Wanted};

#[derive(Deserialize)]
struct Row {
    file: String,
    class: String,
    bbox: Vec<[f64; 4]>,
}

/// Reads the file of boxes.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): it cannot be read or is not as above; the text
/// names the row.
pub fn read(path: &Path) -> Result<Dataset> {
    let mut set = parse(&bytes_of(path)?, &path.display().to_string())?;
    set.name = name_of(path);
    Ok(set)
}

/// Reads the bytes of a file of boxes called `name`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Dataset> {
    let mut set = Dataset::default();
    for row in json_rows::<Row>(bytes, name)? {
        let boxes = row.bbox.iter().map(|corners| set.repairs.unit_box(*corners, 0.0)).collect();
        set.items.push(Item {
            id: row.file.clone(),
            group: row.file.clone(),
            part: None,
            class: row.class.clone(),
            pictures: vec![picture(&row.file)],
            sounds: vec![sound(&row.file)],
            sounding: vec![Thing { class: row.class, place: Place::Boxes(boxes) }],
            silent: Vec::new(),
        });
    }
    make_unique(&mut set.items);
    Ok(set)
}

/// The frame of a clip.
pub(super) fn picture(clip: &str) -> Wanted {
    let mut names = vec![clip.to_owned(), format!("{clip}/image_050")];
    names.extend(list::in_milliseconds(clip));
    Wanted::named(Medium::Picture, names)
}

/// The sound of a clip.
pub(super) fn sound(clip: &str) -> Wanted {
    let mut names = vec![clip.to_owned()];
    names.extend(list::in_milliseconds(clip));
    Wanted::named(Medium::Sound, names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clips_have_boxes_in_cells_and_files_under_several_names() {
        let text = br#"[{"file":"abcdefghijk_000030","class":"owl hooting",
            "bbox":[[0.25,0.5,0.75,1.0],[0.9,-0.1,0.8,0.5]]}]"#;
        let set = parse(text, "v").unwrap();
        let item = &set.items[0];
        let boxes = Place::Boxes(vec![[56, 112, 168, 224], [201, 0, 179, 112]]);
        assert_eq!(item.sounding[0].place, boxes);
        assert_eq!((set.repairs.boxes, set.repairs.inverted, set.repairs.negative), (2, 1, 1));
        let names =
            ["abcdefghijk_000030", "abcdefghijk_000030/image_050", "abcdefghijk_30000_40000"];
        assert_eq!(item.pictures[0].names, names);
    }

    #[test]
    fn a_bad_row_is_named() {
        let error =
            parse(br#"[{"file":"a","class":"b","bbox":[]},{"file":"a","bbox":[]}]"#, "v.json");
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("v.json: row 1: ") && error.contains("class"), "{error}");
        assert!(parse(b"{}", "v").unwrap_err().to_string().contains("no JSON array"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, "bytes");
        }
    }
}
