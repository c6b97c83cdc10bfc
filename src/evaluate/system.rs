//! What is measured: anything that looks at pictures and a sound and says where it comes from.

use std::path::PathBuf;

use crate::align::SimilarityMap;
use crate::error::Result;

/// What a system is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The item's name; stored predictions are found by it.
    pub id: String,
    /// Pictures side by side from the left.
    pub pictures: Vec<PathBuf>,
    /// What is heard.
    pub sound: Sound,
}

/// What is heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound {
    /// A recording, as it is.
    File(PathBuf),
    /// Recordings added as they are; the mix ends with the shortest.
    Sum(Vec<PathBuf>),
    /// Recordings added at equal loudness but for so many decibels; see [`mix`](super::mix).
    Mix(Vec<(PathBuf, f64)>),
    /// Digital silence.
    Silence,
    /// White noise from this seed.
    Noise(u64),
}

/// What a system answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// The map of all that is heard, any size; row 0 at the top.
    pub map: Option<SimilarityMap>,
    /// How sure it is that something here sounds, 0..1.
    pub confidence: Option<f64>,
    /// Whether it says that what sounds is in the picture.
    pub on_screen: Option<bool>,
    /// What it tells apart.
    pub sources: Vec<Found>,
}

/// One of several sources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// What it is called.
    pub label: Option<String>,
    /// How sure that is, 0..1.
    pub confidence: Option<f64>,
    /// Whether it is in the picture.
    pub on_screen: bool,
    /// Where it is, x and y in 0..1 of the picture.
    pub peak: [f64; 2],
    /// Its own map.
    pub map: Option<SimilarityMap>,
}

/// A system under test.
pub trait System {
    /// Its name and version, for the report.
    fn title(&self) -> String;

    /// Whether the scene's files must exist. Stored predictions need none.
    fn needs_media(&self) -> bool;

    /// Looks at a scene.
    ///
    /// # Errors
    /// [`Kind::Media`](crate::error::Kind::Media): this scene cannot be looked at (a file is
    /// faulty, a stored prediction is lacking); it counts as missing. Anything else ends the run.
    fn look(&mut self, scene: &Scene) -> Result<Prediction>;
}
