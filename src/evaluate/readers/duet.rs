//! VGGSound-Duet (Mo and Tian, 2023): two clips of VGG-SS heard and seen at once.
//!
//! `vggsound_duet_test.csv` has `file,class,mix_file,mix_class`; the boxes are those of
//! `vggss.json`. The pictures stand side by side, the sounds are added as they are.

use std::collections::HashMap;
use std::path::Path;

use super::{bytes_of, csv_rows, field, make_unique, name_of, vggss};
use crate::error::Result;
use crate::evaluate::item::{Dataset, Item, Place, Thing, shifted};

/// Reads the boxes (`vggss.json`) and the list of pairs.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): a file cannot be read or is not as expected.
pub fn read(boxes: &Path, pairs: &Path) -> Result<Dataset> {
    let clips = vggss::read(boxes)?;
    let mut set = parse(&clips, &bytes_of(pairs)?, &pairs.display().to_string())?;
    set.name = name_of(pairs);
    Ok(set)
}

/// Joins clips as the bytes of a list called `name` say. Clips without boxes are left out and
/// counted in a note.
///
/// # Errors
/// As [`read`].
pub fn parse(clips: &Dataset, bytes: &[u8], name: &str) -> Result<Dataset> {
    let by_id: HashMap<&str, &Item> = clips.items.iter().map(|i| (i.id.as_str(), i)).collect();
    let mut set = Dataset { repairs: clips.repairs, ..Dataset::default() };
    let mut unknown = 0;
    for row in &csv_rows(bytes, name)? {
        let files = [field(row, 0, name)?, field(row, 2, name)?];
        let classes = [field(row, 1, name)?, field(row, 3, name)?];
        let [Some(a), Some(b)] = files.map(|file| by_id.get(file)) else {
            unknown += 1;
            continue;
        };
        let things = [a, b].into_iter().zip(classes).enumerate().map(|(n, (clip, class))| {
            let boxes = match clip.sounding.first().map(|thing| &thing.place) {
                Some(Place::Boxes(boxes)) => shifted(boxes, n),
                _ => Vec::new(),
            };
            Thing { class: class.to_owned(), place: Place::Boxes(boxes) }
        });
        set.items.push(Item {
            id: format!("{}+{}", a.id, b.id),
            group: format!("{}+{}", a.id, b.id),
            part: None,
            class: classes.join(" and "),
            pictures: files.map(vggss::picture).to_vec(),
            sounds: files.map(vggss::sound).to_vec(),
            sounding: things.collect(),
            silent: Vec::new(),
        });
    }
    if unknown > 0 {
        set.notes.push(format!("{unknown} lines of {name} name clips without boxes."));
    }
    make_unique(&mut set.items);
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLIPS: &[u8] = br#"[{"file":"a_000001","class":"owl","bbox":[[0,0,0.5,1]]},
        {"file":"b_000002","class":"saw","bbox":[[0.5,0.5,1,1]]}]"#;

    #[test]
    fn the_second_clip_s_boxes_lie_in_the_second_picture() {
        let clips = vggss::parse(CLIPS, "v").unwrap();
        let text = b"file,class,mix_file,mix_class\na_000001,owl,b_000002,saw\n";
        let set = parse(&clips, text, "d.csv").unwrap();
        let item = &set.items[0];
        assert_eq!(item.sounding[1].place, Place::Boxes(vec![[336, 112, 448, 224]]));
        assert_eq!((item.grid().width, item.sounds.len(), set.items.len()), (448, 2, 1));
        assert!(set.notes[0].starts_with("1 lines of d.csv"));
        let error = parse(&clips, b"a_000001,owl\n", "d.csv").unwrap_err().to_string();
        assert!(error.contains("line 1: lacks column 3"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&vggss::parse(CLIPS, "v").unwrap(), &bytes, "bytes");
        }
    }
}
