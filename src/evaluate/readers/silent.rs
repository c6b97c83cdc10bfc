//! The extended sets (Mo and Morgado, NeurIPS 2022): pictures with sounds that nothing in them
//! makes, `vggss_test_plus_silent.csv` and `flickr_test_plus_silent.csv`.
//!
//! `video,audio,label` with a header; every row with the label `non-sounding` is a negative of that
//! picture and that sound. Sound and picture of one clip: nothing sounds; of two: what sounds is
//! off screen.

use std::path::Path;

use super::{bytes_of, csv_rows, field, vggss};
use crate::error::Result;
use crate::evaluate::item::{Dataset, Item, Medium, Wanted};

const LABEL: &str = "non-sounding";

/// Adds the negatives of a list to the set whose pictures do sound.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): the file cannot be read or is not as expected.
pub fn add(set: &mut Dataset, path: &Path) -> Result<()> {
    set.items.extend(parse(&bytes_of(path)?, &path.display().to_string())?);
    set.name = super::name_of(path);
    Ok(())
}

/// The negatives in the bytes of a list called `name`.
///
/// # Errors
/// As [`add`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for row in &csv_rows(bytes, name)? {
        let [video, audio, label] =
            [field(row, 0, name)?, field(row, 1, name)?, field(row, 2, name)?];
        if label != LABEL {
            continue;
        }
        items.push(Item {
            id: format!("{video}|{audio}|{label}"),
            group: video.to_owned(),
            part: Some(if video == audio { "silent" } else { "off-screen" }.to_owned()),
            class: label.to_owned(),
            pictures: vec![Wanted { medium: Medium::Picture, ..vggss::picture(video) }],
            sounds: vec![vggss::sound(audio)],
            sounding: Vec::new(),
            silent: Vec::new(),
        });
    }
    super::make_unique(&mut items);
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_that_do_not_sound_are_negatives_of_two_kinds() {
        let text = b"video,audio,label\n1,2,non-sounding\n3,3,non-sounding\n4,4,dog\n";
        let items = parse(text, "s.csv").unwrap();
        let parts: Vec<_> = items.iter().map(|item| item.part.as_deref().unwrap()).collect();
        assert_eq!(parts, ["off-screen", "silent"]);
        assert!(items.iter().all(|item| item.sounding.is_empty()));
        assert_eq!(items[0].sounds[0].names[0], "2");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, "bytes");
        }
    }
}
