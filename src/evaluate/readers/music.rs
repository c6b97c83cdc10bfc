//! MUSIC-Solo and MUSIC-Duet (Zhao et al., 2018; boxes of Hu et al., 2020 as listed by Mo and
//! Tian, 2023): `music_solo.json`, `music_duet.json`.
//!
//! Boxes are x, y, **width and height** in 0..1. Released loaders take them for corners, which
//! turns most of them into nothing; here they are what they are.

use std::path::Path;

use serde::Deserialize;

use super::{bytes_of, json_rows, make_unique, name_of};
use crate::error::Result;
use crate::evaluate::item::{Dataset, Item, Medium, Place, Repairs, Thing, Wanted};

#[derive(Deserialize)]
struct Solo {
    file: String,
    class: String,
    bbox: [f64; 4],
}

#[derive(Deserialize)]
struct Duet {
    file: String,
    class_src1: String,
    bbox_src1: [f64; 4],
    class_src2: String,
    bbox_src2: [f64; 4],
}

/// Reads `music_solo.json`.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): it cannot be read or is not as expected; the text
/// names the row.
pub fn read_solo(path: &Path) -> Result<Dataset> {
    let set = parse_solo(&bytes_of(path)?, &path.display().to_string())?;
    Ok(Dataset { name: name_of(path), ..set })
}

/// Reads `music_duet.json`: two sources in one picture.
///
/// # Errors
/// As [`read_solo`].
pub fn read_duet(path: &Path) -> Result<Dataset> {
    let set = parse_duet(&bytes_of(path)?, &path.display().to_string())?;
    Ok(Dataset { name: name_of(path), ..set })
}

/// Reads the bytes of a list of solos called `name`.
///
/// # Errors
/// As [`read_solo`].
pub fn parse_solo(bytes: &[u8], name: &str) -> Result<Dataset> {
    let mut set = Dataset::default();
    for row in json_rows::<Solo>(bytes, name)? {
        let thing = thing(row.class, row.bbox, &mut set.repairs);
        set.items.push(item(row.file, vec![thing]));
    }
    make_unique(&mut set.items);
    Ok(set)
}

/// Reads the bytes of a list of duets called `name`.
///
/// # Errors
/// As [`read_duet`].
pub fn parse_duet(bytes: &[u8], name: &str) -> Result<Dataset> {
    let mut set = Dataset::default();
    for row in json_rows::<Duet>(bytes, name)? {
        let things = vec![
            thing(row.class_src1, row.bbox_src1, &mut set.repairs),
            thing(row.class_src2, row.bbox_src2, &mut set.repairs),
        ];
        set.items.push(item(row.file, things));
    }
    make_unique(&mut set.items);
    Ok(set)
}

fn thing(class: String, [x, y, w, h]: [f64; 4], repairs: &mut Repairs) -> Thing {
    let corners = repairs.unit_box([x, y, x + w, y + h], 0.0);
    Thing { class, place: Place::Boxes(vec![corners]) }
}

fn item(file: String, sounding: Vec<Thing>) -> Item {
    let classes: Vec<&str> = sounding.iter().map(|thing| thing.class.as_str()).collect();
    let name = match file.rsplit_once('.') {
        Some((stem, end)) if end.len() <= 4 && !end.contains('/') => stem.to_owned(),
        _ => file.clone(),
    };
    Item {
        group: file.clone(),
        part: None,
        class: classes.join(" and "),
        pictures: vec![Wanted::named(Medium::Picture, [name.clone()])],
        sounds: vec![Wanted::named(Medium::Sound, [name])],
        sounding,
        silent: Vec::new(),
        id: file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn boxes_are_places_and_sizes_not_corners() {
        let text = br#"[{"file":"a","class":"flute","bbox":[0.5,0.25,0.25,0.5]},
                        {"file":"a","class":"flute","bbox":[0.5,0.25,0.75,0.5]}]"#;
        let set = parse_solo(text, "solo").unwrap();
        let place = Place::Boxes(vec![[112, 56, 168, 168]]);
        assert_eq!(set.items[0].sounding[0].place, place);
        assert_eq!(
            (set.items[1].id.as_str(), set.repairs.inverted, set.repairs.beyond),
            ("a#2", 0, 1)
        );
    }

    #[test]
    fn a_duet_has_two_sources_in_one_picture() {
        let text = br#"[{"file":"a","class_src1":"flute","bbox_src1":[0,0,0.5,1],"class_src2":"tuba","bbox_src2":[0.5,0,0.5,1]}]"#;
        let set = parse_duet(text, "duet").unwrap();
        let item = &set.items[0];
        assert_eq!(
            (item.pictures.len(), item.sounding.len(), item.class.as_str()),
            (1, 2, "flute and tuba")
        );
        assert_eq!(item.sounding[1].place, Place::Boxes(vec![[112, 0, 224, 224]]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (parse_solo(&bytes, "bytes"), parse_duet(&bytes, "bytes"));
        }
    }
}
