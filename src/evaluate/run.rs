//! What every protocol's run shares: finding an item's files, asking the system, counting what is
//! missing.

use std::path::PathBuf;

use super::grid::{Cells, Grid, Region};
use super::item::{Dataset, Item, Place, Wanted};
use super::media::Media;
use super::readers::mask;
use super::report::{Missing, Report, SetInfo};
use super::system::{Prediction, Scene, Sound, System};
use crate::error::{Kind, Result};

/// A run in progress.
pub struct Run<'a> {
    /// What is measured; `None`: only the floors and the ceiling.
    pub system: Option<&'a mut dyn System>,
    /// Where files are.
    pub media: &'a Media,
    /// Called after each look with how many are done and how many there are.
    pub progress: &'a mut dyn FnMut(usize, usize),
    /// What could not be scored so far.
    pub missing: Vec<Missing>,
}

/// Why something cannot be scored; `Err` of the outer result ends the run.
pub type Asked<T> = Result<std::result::Result<T, String>>;

impl<'a> Run<'a> {
    /// A run that has not begun.
    pub fn new(
        system: Option<&'a mut dyn System>,
        media: &'a Media,
        progress: &'a mut dyn FnMut(usize, usize),
    ) -> Run<'a> {
        Run { system, media, progress, missing: Vec::new() }
    }

    /// What is measured.
    pub fn predictor(&self) -> String {
        self.system.as_ref().map_or("floors and ceiling".to_owned(), |system| system.title())
    }

    /// The prediction for the scene that `make` builds of the item's pictures and sounds; `None`
    /// without a system.
    pub fn look(
        &mut self,
        id: &str,
        pictures: &[Wanted],
        sounds: &[Wanted],
        make: impl FnOnce(Vec<PathBuf>) -> Sound,
    ) -> Asked<Option<Prediction>> {
        let Some(system) = self.system.as_mut() else { return Ok(Ok(None)) };
        let media = self.media;
        let find = |wanted: &Wanted| match media.find(wanted) {
            None if system.needs_media() => Err(format!("{} is not there", wanted.title())),
            found => Ok(found.unwrap_or_default()),
        };
        let found =
            |wanted: &[Wanted]| wanted.iter().map(find).collect::<std::result::Result<_, _>>();
        let (pictures, sounds) = match (found(pictures), found(sounds)) {
            (Ok(pictures), Ok(sounds)) => (pictures, sounds),
            (Err(why), _) | (_, Err(why)) => return Ok(Err(why)),
        };
        let scene = Scene { id: id.to_owned(), pictures, sound: make(sounds) };
        match system.look(&scene) {
            Ok(prediction) => Ok(Ok(Some(prediction))),
            Err(error) if error.kind() == Kind::Media => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// The prediction for an item as it is.
    pub fn look_at(&mut self, item: &Item) -> Asked<Option<Prediction>> {
        self.look(&item.id, &item.pictures, &item.sounds, |mut paths| match paths.len() {
            1 => Sound::File(paths.remove(0)),
            _ => Sound::Sum(paths),
        })
    }

    /// Where a thing is; masks are read from the media folders.
    pub fn region(&self, place: &Place, grid: Grid) -> std::result::Result<Region, String> {
        match place {
            Place::Mask(wanted, picture) => {
                let path = self.media.find(wanted);
                let path = path.ok_or_else(|| format!("{} is not there", wanted.title()))?;
                let mask = mask::read(&path).map_err(|error| error.to_string())?;
                Ok(Region::hard(mask.cells(grid, *picture)))
            }
            Place::Boxes(boxes) => Ok(Region::hard(Cells::boxes(grid, boxes))),
            Place::Consensus(boxes) => Ok(Region::consensus(grid, boxes)),
        }
    }

    /// Notes that an item cannot be scored.
    pub fn lacks(&mut self, id: &str, why: String) {
        self.missing.push(Missing { id: id.to_owned(), why });
    }

    /// The report's head, with everything that is known about the run but the scores.
    pub fn report(&mut self, protocol: &str, sets: &[Dataset], items: usize) -> Report {
        let info = |set: &Dataset| SetInfo {
            name: set.name.clone(),
            items: set.items.len(),
            boxes: set.repairs,
        };
        let missing = std::mem::take(&mut self.missing);
        Report {
            tyto: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: protocol.to_owned(),
            predictor: self.predictor(),
            sets: sets.iter().map(info).collect(),
            items,
            scored: items - missing.len().min(items),
            missing,
            notes: sets.iter().flat_map(|set| set.notes.clone()).collect(),
            ..Report::default()
        }
    }
}
