//! Encoders: a picture becomes a map of vectors, a patch of sound becomes one vector of the
//! same space. What the space means, and what the nets look like, is the model pack's affair.

mod manifest;
mod pack;
mod pool;
#[cfg(test)]
mod tests;
mod tract;

pub use manifest::{
    AudioPart, Calibration, FrontEndName, ImagePart, LabelsPart, Licence, Manifest, Origin,
    Pooling, SCHEMA,
};
pub use pack::{Label, Labels, MANIFEST, Pack};
pub use pool::pool;

use crate::capture::Picture;
use crate::config::EngineName;
use crate::error::Result;

/// The picture's side: one vector of `dim` values for each place of a `height × width` grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageMap {
    /// Width of the embedding space, `D`.
    pub dim: usize,
    /// Places down.
    pub height: usize,
    /// Places across.
    pub width: usize,
    /// `D × H × W`, the channel slowest: `values[(d * height + y) * width + x]`. Not normalised.
    pub values: Vec<f32>,
}

/// The sound's side: one vector for one patch or for a pooled window of patches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundVector {
    /// `D` values. Not normalised.
    pub embedding: Vec<f32>,
    /// One score in 0..1 for each of the pack's tags (AudioSet classes); empty if it has none.
    pub tags: Vec<f32>,
}

/// Turns a picture of any size into an [`ImageMap`].
pub trait ImageEncoder: Send {
    /// Scales a picture to the net's size, and keeps it as the net wants it.
    ///
    /// # Errors
    /// The picture has no pixels, or they do not fit its sides.
    fn prepare(&mut self, picture: &Picture) -> Result<()>;

    /// Encodes the picture that was prepared last; `map` is reused.
    ///
    /// # Errors
    /// The engine refused the run; the text names the pack's file.
    fn infer(&mut self, map: &mut ImageMap) -> Result<()>;

    /// Prepares and encodes one picture.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare) and [`infer`](Self::infer).
    fn encode(&mut self, picture: &Picture, map: &mut ImageMap) -> Result<()> {
        self.prepare(picture)?;
        self.infer(map)
    }
}

/// Turns one patch of the pack's sound front end into a [`SoundVector`].
pub trait AudioEncoder: Send {
    /// Encodes one patch, rows × columns of the pack's front end.
    ///
    /// # Errors
    /// The engine refused the run; the text names the pack's file.
    fn encode(&mut self, patch: &[f32], sound: &mut SoundVector) -> Result<()>;
}

/// What runs the nets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// tract: pure Rust, runs wherever this program does.
    #[default]
    Tract,
}

impl Engine {
    /// Every engine that this program was built with.
    pub const ALL: &[Engine] = &[Engine::Tract];

    /// What it is called, in board profiles too.
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Tract => "tract",
        }
    }
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Engine {
        match name {
            EngineName::Tract => Engine::Tract,
        }
    }
}

/// Both sides of a pack, ready to run.
pub struct Encoders {
    /// The picture's side.
    pub image: Box<dyn ImageEncoder>,
    /// The sound's side.
    pub audio: Box<dyn AudioEncoder>,
}

/// Loads both nets of a pack into an engine.
///
/// # Errors
/// Kind [`Kind::Pack`](crate::error::Kind::Pack), naming the file: the engine cannot run it, or
/// its inputs or outputs are not what the manifest says.
pub fn open(pack: &Pack, engine: Engine) -> Result<Encoders> {
    match engine {
        Engine::Tract => tract::open(pack),
    }
}
