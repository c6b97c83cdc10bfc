//! Lists of ids: which items of a set are meant.
//!
//! One id a line, or the first column of a CSV file. VGG-SS clips also go by
//! `ID_STARTMS_ENDMS` (the list of clips that could still be fetched in 2023 has that form).

use std::collections::HashSet;
use std::path::Path;

use super::{bytes_of, csv_rows, wrong};
use crate::error::Result;
use crate::evaluate::item::Dataset;

/// Reads the ids of a list.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): the file cannot be read, or is no text.
pub fn read(path: &Path) -> Result<HashSet<String>> {
    parse(&bytes_of(path)?, &path.display().to_string())
}

/// Reads the ids in the bytes of a list called `name`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<HashSet<String>> {
    let rows = csv_rows(bytes, name)?;
    let id = |(_, row): &(u64, csv::StringRecord)| row.get(0).map(|id| as_clip(id.trim()));
    Ok(rows.iter().filter_map(id).filter(|id| !id.is_empty()).collect())
}

/// Keeps the listed items. Ids that name no item are counted in a note: a header line is one.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): no item is listed.
pub fn keep(set: &mut Dataset, listed: &HashSet<String>, name: &str) -> Result<()> {
    let before = set.items.len();
    set.items.retain(|item| listed.contains(&item.id));
    if set.items.is_empty() {
        return Err(wrong(name, "list", format!("names none of the {before} items"))
            .hint("one id a line, or the first column of a CSV file"));
    }
    let kept = set.items.len();
    set.notes.push(format!("{kept} of {before} items are listed in {name}."));
    Ok(())
}

/// The name of a clip as VGG-SS has it: `ID_STARTMS_ENDMS` becomes `ID_SSSSSS`.
fn as_clip(id: &str) -> String {
    let parts: Vec<&str> = id.rsplitn(3, '_').collect();
    if let [end, start, clip] = parts[..]
        && let (Ok(start), Ok(end)) = (start.parse::<u64>(), end.parse::<u64>())
        && end > start
        && start % 1000 == 0
    {
        return format!("{clip}_{:06}", start / 1000);
    }
    id.to_owned()
}

/// The other way round, for a clip of ten seconds: how files are named in some copies.
pub fn in_milliseconds(clip: &str) -> Option<String> {
    let (id, start) = clip.rsplit_once('_')?;
    let start: u64 = start.parse().ok()?;
    Some(format!("{id}_{}_{}", start.checked_mul(1000)?, start.checked_add(10)?.checked_mul(1000)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_taken_as_they_are_or_from_milliseconds() {
        let ids = parse(b"abc_d-e_30000_40000\n123,frame7\nplain_000030\n\n", "list").unwrap();
        for id in ["abc_d-e_000030", "123", "plain_000030"] {
            assert!(ids.contains(id), "{ids:?}");
        }
        assert_eq!(ids.len(), 3);
        assert_eq!(in_milliseconds("a_b_000030").as_deref(), Some("a_b_30000_40000"));
    }

    #[test]
    fn a_list_that_names_nothing_is_an_error() {
        let error = keep(&mut Dataset::default(), &HashSet::new(), "l.txt").unwrap_err();
        assert!(error.to_string().contains("names none of the 0 items"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for id in parse(&bytes, "bytes").unwrap_or_default() {
                let _ = in_milliseconds(&id);
            }
        }
    }
}
