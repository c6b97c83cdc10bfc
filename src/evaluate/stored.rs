//! Predictions of any other system, from a file.
//!
//! JSON lines, one for each item:
//! ```json
//! {"id": "p1_dog", "map": [[0.1, 0.9], [0.2, 0.3]], "confidence": 0.8, "on_screen": true,
//!  "sources": [{"label": "dog", "peak": [0.7, 0.2], "on_screen": true, "map": [[0, 1]]}]}
//! ```
//! A map is of any size, row 0 at the top; everything but `id` may be left out where the protocol
//! does not need it. Or a folder of `.npy` arrays, named by the items' ids: H × W, or K × H × W for
//! K sources.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::readers::npy;
use super::system::{Found, Prediction, Scene, System};
use crate::align::SimilarityMap;
use crate::error::{Error, Kind, Result};

/// Predictions that were made elsewhere.
pub enum Stored {
    /// Rows of a file, by id.
    Rows {
        /// The file's name.
        name: String,
        /// Its rows.
        rows: HashMap<String, Prediction>,
    },
    /// A folder of arrays.
    Arrays(PathBuf),
}

#[derive(Deserialize)]
struct Row {
    id: String,
    map: Option<Vec<Vec<f32>>>,
    confidence: Option<f64>,
    on_screen: Option<bool>,
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    label: Option<String>,
    confidence: Option<f64>,
    #[serde(default = "yes")]
    on_screen: bool,
    peak: Option<[f64; 2]>,
    map: Option<Vec<Vec<f32>>>,
}

fn yes() -> bool {
    true
}

impl Stored {
    /// The predictions in a file or folder.
    ///
    /// # Errors
    /// [`Kind::Media`]: it cannot be read, or a line is no prediction; the text names the line.
    pub fn open(path: &Path) -> Result<Stored> {
        if path.is_dir() {
            return Ok(Stored::Arrays(path.to_owned()));
        }
        let bytes = super::readers::bytes_of(path)?;
        Stored::parse(&bytes, &path.display().to_string())
    }

    /// The predictions in the bytes of a file called `name`.
    ///
    /// # Errors
    /// As [`Stored::open`].
    pub fn parse(bytes: &[u8], name: &str) -> Result<Stored> {
        let mut rows = HashMap::new();
        for (n, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |what: String| super::readers::wrong(name, format!("line {}", n + 1), what);
            let row: Row = serde_json::from_slice(line)
                .map_err(|error| wrong("is no prediction".to_owned()).because(error))?;
            let (id, prediction) = prediction(row).map_err(wrong)?;
            if rows.insert(id.clone(), prediction).is_some() {
                return Err(wrong(format!("the id `{id}` occurs before")));
            }
        }
        Ok(Stored::Rows { name: name.to_owned(), rows })
    }
}

fn prediction(row: Row) -> std::result::Result<(String, Prediction), String> {
    let sources = row.sources.into_iter().map(|source| {
        let map = source.map.map(grid_of).transpose()?;
        let peak = source.peak.or(map.as_ref().map(|map| map.peak().0.map(f64::from)));
        let (label, confidence, on_screen) = (source.label, source.confidence, source.on_screen);
        let peak = peak.ok_or("a source has neither a peak nor a map")?;
        Ok(Found { label, confidence, on_screen, peak, map })
    });
    let prediction = Prediction {
        map: row.map.map(grid_of).transpose()?,
        confidence: row.confidence,
        on_screen: row.on_screen,
        sources: sources.collect::<std::result::Result<_, String>>()?,
    };
    Ok((row.id, prediction))
}

/// Rows of equal length as a map.
fn grid_of(rows: Vec<Vec<f32>>) -> std::result::Result<SimilarityMap, String> {
    let (height, width) = (rows.len(), rows.first().map_or(0, Vec::len));
    if width == 0 || rows.iter().any(|row| row.len() != width) {
        return Err("the map is no rectangle of numbers".to_owned());
    }
    Ok(SimilarityMap { width, height, values: rows.concat() })
}

impl System for Stored {
    fn title(&self) -> String {
        match self {
            Stored::Rows { name, .. } => name.clone(),
            Stored::Arrays(folder) => folder.display().to_string(),
        }
    }

    fn needs_media(&self) -> bool {
        false
    }

    fn look(&mut self, scene: &Scene) -> Result<Prediction> {
        match self {
            Stored::Rows { name, rows } => rows.get(&scene.id).cloned().ok_or_else(|| {
                Error::new(Kind::Media, name, format!("has no prediction `{}`", scene.id))
            }),
            Stored::Arrays(folder) => array(&folder.join(format!("{}.npy", scene.id))),
        }
    }
}

/// The prediction in one array: one map, or one for each source; the map of all is then the
/// highest of them at each place.
fn array(path: &Path) -> Result<Prediction> {
    let array = npy::read(path)?;
    let wrong = || Error::new(Kind::Media, path.display(), "is no array of H × W or K × H × W");
    let (count, height, width) = match array.shape[..] {
        [height, width] => (1, height, width),
        [count, height, width] => (count, height, width),
        _ => return Err(wrong()),
    };
    if count * height * width == 0 {
        return Err(wrong());
    }
    let values: Vec<f32> = array.values.iter().map(|value| *value as f32).collect();
    let maps: Vec<SimilarityMap> = values
        .chunks_exact(width * height)
        .map(|values| SimilarityMap { width, height, values: values.to_vec() })
        .collect();
    let mut all = SimilarityMap { width, height, values: vec![f32::NEG_INFINITY; width * height] };
    for map in &maps {
        all.values.iter_mut().zip(&map.values).for_each(|(all, value)| *all = all.max(*value));
    }
    let found = |map: SimilarityMap| Found {
        on_screen: true,
        peak: map.peak().0.map(f64::from),
        map: Some(map),
        ..Found::default()
    };
    let sources = maps.into_iter().map(found).collect();
    Ok(Prediction { map: Some(all), sources, ..Prediction::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::system::Sound;
    use proptest::prelude::*;

    fn scene(id: &str) -> Scene {
        Scene { id: id.to_owned(), pictures: Vec::new(), sound: Sound::Silence }
    }

    #[test]
    fn a_row_is_found_by_its_id_and_a_lacking_one_is_said_to_lack() {
        let text = b"{\"id\":\"a\",\"map\":[[0,1],[2,3]],\"on_screen\":false}\n\n{\"id\":\"b\",\"sources\":[{\"peak\":[0.5,1]}]}";
        let mut stored = Stored::parse(text, "p.jsonl").unwrap();
        let a = stored.look(&scene("a")).unwrap();
        assert_eq!(a.map.unwrap().values, [0.0, 1.0, 2.0, 3.0]);
        assert_eq!((a.on_screen, a.confidence), (Some(false), None));
        assert!(stored.look(&scene("b")).unwrap().sources[0].on_screen);
        let error = stored.look(&scene("c")).unwrap_err();
        assert_eq!(error.to_string(), "p.jsonl: has no prediction `c`");
    }

    #[test]
    fn a_row_that_is_none_is_named_by_its_line() {
        for (bad, part) in [
            ("{\"id\":\"a\",\"map\":[[1],[1,2]]}", "line 2: the map is no rectangle"),
            ("{}", "line 2: is no prediction"),
            ("{\"id\":\"a\",\"sources\":[{}]}", "line 2: a source has neither"),
        ] {
            let Err(error) = Stored::parse(format!("\n{bad}").as_bytes(), "p") else {
                panic!("{bad} was taken")
            };
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_folder_of_arrays_gives_maps_and_sources() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = npy::written(&[2, 1, 2], &[0.0, 1.0, 3.0, 0.5]);
        std::fs::write(folder.path().join("a.npy"), bytes).unwrap();
        let mut stored = Stored::open(folder.path()).unwrap();
        let found = stored.look(&scene("a")).unwrap();
        assert_eq!(found.map.unwrap().values, [3.0, 1.0]);
        assert_eq!(found.sources[1].map.as_ref().unwrap().values, [3.0, 0.5]);
        assert_eq!(stored.look(&scene("b")).unwrap_err().kind(), Kind::Media);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Stored::parse(&bytes, "bytes");
        }
    }
}
