//! Encoders: a picture becomes a map of vectors, a patch of sound becomes one vector of the
//! same space. What the space means, and what the nets look like, is the model pack's affair.

mod manifest;
mod onnx;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod pack;
mod pool;
#[cfg(test)]
mod tests;
#[cfg(feature = "tflite")]
mod tflite;
mod tract;
#[cfg(any(feature = "delegate", feature = "onnxruntime"))]
mod trial;

pub use manifest::{
    AudioPart, Calibration, FrontEndName, ImagePart, LabelsPart, Licence, Manifest, NetFile,
    Origin, Pooling, SCHEMA,
};
pub use pack::{Label, Labels, MANIFEST, Pack};
pub use pool::pool;

use crate::capture::Picture;
use crate::config::{EngineChoice, EngineName};
use crate::error::Result;
#[cfg(not(all(feature = "tflite", feature = "onnxruntime")))]
use crate::error::{Error, Kind};

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

    /// What computes, in words: the engine, and how much of the net an accelerator took.
    fn engine(&self) -> String {
        String::new()
    }

    /// Why the CPU computes what an accelerator should, once each time that it comes to that.
    fn trouble(&mut self) -> Option<String> {
        None
    }
}

/// Turns one patch of the pack's sound front end into a [`SoundVector`].
pub trait AudioEncoder: Send {
    /// Encodes one patch, rows × columns of the pack's front end.
    ///
    /// # Errors
    /// The engine refused the run; the text names the pack's file.
    fn encode(&mut self, patch: &[f32], sound: &mut SoundVector) -> Result<()>;

    /// What computes, in words, as of [`ImageEncoder::engine`].
    fn engine(&self) -> String {
        String::new()
    }

    /// As [`ImageEncoder::trouble`].
    fn trouble(&mut self) -> Option<String> {
        None
    }
}

/// Both sides of a pack, ready to run.
pub struct Encoders {
    /// The picture's side.
    pub image: Box<dyn ImageEncoder>,
    /// The sound's side.
    pub audio: Box<dyn AudioEncoder>,
}

/// Loads both nets of a pack into an engine: the one place where it is chosen.
///
/// # Errors
/// Kind [`Kind::Pack`](crate::error::Kind::Pack), naming the file: the engine cannot run it, or
/// its inputs or outputs are not what the manifest says. Kind
/// [`Kind::Config`](crate::error::Kind::Config): the engine itself cannot be had, and was asked
/// for by name.
pub fn open(pack: &Pack, engine: &EngineChoice) -> Result<Encoders> {
    match engine.name {
        EngineName::Tract => tract::open(pack),
        #[cfg(feature = "tflite")]
        EngineName::Tflite => tflite::open(pack, engine),
        #[cfg(feature = "onnxruntime")]
        EngineName::OnnxRuntime => onnxruntime::open(pack, engine),
        #[cfg(feature = "tflite")]
        EngineName::Auto => tflite::open(pack, engine).or_else(|error| {
            log::warn!("tract computes instead of tflite, more slowly: {error}");
            tract::open(pack)
        }),
        #[cfg(not(feature = "tflite"))]
        EngineName::Auto => tract::open(pack),
        #[cfg(not(all(feature = "tflite", feature = "onnxruntime")))]
        name => {
            let wrong = "was left out when this program was built";
            let hint = format!("build it with the feature {name}, or use engine.name = \"tract\"");
            Err(Error::new(Kind::Config, name, wrong).hint(hint))
        }
    }
}
