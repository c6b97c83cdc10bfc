//! Flickr-SoundNet (Senocak et al., CVPR 2018): a folder of `ID.xml`, one for each picture.
//!
//! `root/ANNOTATOR/bbox` has five children: the first is skipped, then come xmin, ymin, xmax and
//! ymax in a picture of 256 × 256. Each annotator's box is one of a consensus.

use std::path::Path;

use roxmltree::{Document, Node};

use super::{bytes_of, name_of, wrong};
use crate::error::{Error, Kind, Result};
use crate::evaluate::grid::CellBox;
use crate::evaluate::item::{Dataset, Item, Medium, Place, Repairs, Thing, Wanted};

/// Width and height of the pictures that were annotated.
const ANNOTATED: f64 = 256.0;

/// Reads every `.xml` file of a folder, in the order of their names.
///
/// # Errors
/// [`Kind::Media`]: the folder cannot be read or has none, or a file is not as above.
pub fn read(folder: &Path) -> Result<Dataset> {
    let unreadable = |error: std::io::Error| {
        Error::new(Kind::Media, folder.display(), "is no folder of XML files that can be read")
            .because(error)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("xml")) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::new(Kind::Media, folder.display(), "holds no XML files"));
    }
    let mut set = Dataset { name: name_of(folder), ..Dataset::default() };
    for path in files {
        let name = path.display().to_string();
        let boxes = boxes(&bytes_of(&path)?, &name, &mut set.repairs)?;
        let id = name_of(&path);
        set.items.push(Item {
            group: id.clone(),
            part: None,
            class: String::new(),
            pictures: vec![Wanted::named(Medium::Picture, [id.clone()])],
            sounds: vec![Wanted::named(Medium::Sound, [id.clone()])],
            sounding: vec![Thing { class: String::new(), place: Place::Consensus(boxes) }],
            silent: Vec::new(),
            id,
        });
    }
    Ok(set)
}

/// The annotators' boxes in the bytes of an XML file called `name`.
///
/// # Errors
/// [`Kind::Media`]: it is no XML, or a box is not five children of which four are numbers.
pub fn boxes(bytes: &[u8], name: &str, repairs: &mut Repairs) -> Result<Vec<CellBox>> {
    let text = std::str::from_utf8(bytes).map_err(|_| wrong(name, "file", "is no text"))?;
    let document = Document::parse(text)
        .map_err(|error| Error::new(Kind::Media, name, "is no XML").because(error.to_string()))?;
    let mut boxes = Vec::new();
    for annotator in document.root_element().children().filter(Node::is_element) {
        for found in annotator.children().filter(|child| child.has_tag_name("bbox")) {
            let line = document.text_pos_at(found.range().start).row;
            let numbers: Option<Vec<f64>> = found
                .children()
                .filter(Node::is_element)
                .skip(1)
                .map(|child| child.text()?.trim().parse().ok())
                .collect();
            match numbers.as_deref() {
                Some(&[x0, y0, x1, y1]) => {
                    boxes.push(repairs.pixel_box([x0, y0, x1, y1], ANNOTATED));
                }
                _ => {
                    let wanted = "a bbox needs five children, the last four numbers";
                    return Err(wrong(name, format!("line {line}"), wanted));
                }
            }
        }
    }
    if boxes.is_empty() {
        return Err(wrong(name, "root", "has no annotator with a bbox"));
    }
    Ok(boxes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: &str = "<annotation><a1><name>x</name><bbox><id>7</id><xmin>0</xmin><ymin>128</ymin>\
        <xmax>256</xmax><ymax>255</ymax></bbox></a1><a2><bbox><id>8</id><xmin>64</xmin>\
        <ymin>64</ymin><xmax>32</xmax><ymax>128</ymax></bbox></a2></annotation>";

    #[test]
    fn every_annotator_s_box_is_brought_from_256_to_224() {
        let mut repairs = Repairs::default();
        let found = boxes(ONE.as_bytes(), "1.xml", &mut repairs).unwrap();
        assert_eq!(found, [[0, 112, 224, 223], [56, 56, 28, 112]]);
        assert_eq!((repairs.boxes, repairs.inverted), (2, 1));
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["20.xml", "10.xml", "note.txt"] {
            std::fs::write(folder.path().join(name), ONE).unwrap();
        }
        let set = read(folder.path()).unwrap();
        let ids: Vec<&str> = set.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["10", "20"]);
        assert!(matches!(&set.items[0].sounding[0].place, Place::Consensus(b) if b.len() == 2));
    }

    #[test]
    fn a_box_that_is_none_is_named_by_its_line() {
        let mut repairs = Repairs::default();
        let text = "<r>\n<a>\n<bbox><id>1</id><x>1</x></bbox></a></r>";
        let error = boxes(text.as_bytes(), "1.xml", &mut repairs).unwrap_err().to_string();
        assert!(error.starts_with("1.xml: line 3: a bbox needs"), "{error}");
        let error = boxes(b"<r><a/></r>", "1.xml", &mut repairs).unwrap_err().to_string();
        assert!(error.contains("has no annotator with a bbox"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = boxes(&bytes, "bytes", &mut Repairs::default());
        }
    }
}
