//! VGGSound-Instruments (Hu et al., 2022): `vgginstruments_test.csv`,
//! `vgginstruments_multi_test.csv`.
//!
//! `sampleNNNN,class` for one source, `sampleNNNN,class,sampleMMMM,class` for two, whose pictures
//! stand side by side. The truth is a mask for each sample, a file of the sample's name in the
//! media folders: PNG, `.npy` or a pickled array.

use std::path::Path;

use super::{bytes_of, csv_rows, field, make_unique, name_of};
use crate::error::Result;
use crate::evaluate::item::{Dataset, Item, Medium, Place, Thing, Wanted};

/// Reads a list with `sources` samples a row, 1 or 2.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): it cannot be read, or a line lacks a column.
pub fn read(path: &Path, sources: usize) -> Result<Dataset> {
    let set = parse(&bytes_of(path)?, &path.display().to_string(), sources)?;
    Ok(Dataset { name: name_of(path), ..set })
}

/// Reads the bytes of a list called `name`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str, sources: usize) -> Result<Dataset> {
    let mut set = Dataset::default();
    for row in &csv_rows(bytes, name)? {
        let (mut samples, mut sounding) = (Vec::new(), Vec::new());
        for n in 0..sources {
            let sample = field(row, 2 * n, name)?;
            let class = field(row, 2 * n + 1, name)?.to_owned();
            let mask = Wanted::named(Medium::Mask, [sample, &format!("masks/{sample}")]);
            sounding.push(Thing { class, place: Place::Mask(mask, n) });
            samples.push(sample);
        }
        let classes: Vec<&str> = sounding.iter().map(|thing| thing.class.as_str()).collect();
        let named = |medium| samples.iter().map(|s| Wanted::named(medium, [*s])).collect();
        set.items.push(Item {
            id: samples.join("+"),
            group: samples.join("+"),
            part: None,
            class: classes.join(" and "),
            pictures: named(Medium::Picture),
            sounds: named(Medium::Sound),
            sounding,
            silent: Vec::new(),
        });
    }
    make_unique(&mut set.items);
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_has_one_sample_or_two_side_by_side() {
        let one = parse(b"sample1,tuba\n", "i", 1).unwrap();
        assert_eq!((one.items[0].pictures.len(), one.items[0].class.as_str()), (1, "tuba"));
        let two = parse(b"sample1,tuba,sample2,harp\n", "i", 2).unwrap();
        let item = &two.items[0];
        assert_eq!((item.id.as_str(), item.grid().width), ("sample1+sample2", 448));
        assert!(matches!(item.sounding[1].place, Place::Mask(_, 1)));
        let error = parse(b"sample1,tuba\n", "i.csv", 2).unwrap_err().to_string();
        assert!(error.contains("line 1: lacks column 3"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (parse(&bytes, "bytes", 1), parse(&bytes, "bytes", 2));
        }
    }
}
