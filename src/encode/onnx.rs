//! Encoders over a pack's ONNX nets, whatever runs those: the engines that read ONNX share them.

use std::path::PathBuf;

use super::{AudioEncoder, Encoders, ImageEncoder, ImageMap, Pack, SoundVector};
use crate::capture::Picture;
use crate::error::{Error, Kind, Result};
use crate::signal::Resizer;

/// A net's file, and what the manifest says of its input and outputs, all of them `f32`.
#[derive(Clone, Debug)]
pub struct Signature {
    pub path: PathBuf,
    pub input: &'static str,
    pub shape: [usize; 4],
    /// In the order in which they are taken.
    pub outputs: Vec<(&'static str, Vec<usize>)>,
}

impl Signature {
    /// Something is the matter with the file.
    pub fn wrong(&self, what: impl Into<String>) -> Error {
        Error::new(Kind::Pack, self.path.display(), what)
    }

    /// Makes sure that an output is made of numbers.
    pub fn finite(&self, values: &[f32]) -> Result<()> {
        if values.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(self
            .wrong("gave values that are not finite")
            .hint("the net's weights are damaged, or its input was"))
    }
}

/// A net that is ready to run.
pub trait Net: Send {
    /// Runs it; `take` gets the outputs by their place in the signature, all of them finite.
    fn run(&mut self, input: &[f32], take: &mut dyn FnMut(usize, &[f32])) -> Result<()>;

    /// What computes it, in words.
    fn about(&self) -> String;

    /// As [`ImageEncoder::trouble`].
    fn trouble(&mut self) -> Option<String> {
        None
    }
}

/// Loads both nets of a pack with `load`.
///
/// # Errors
/// Those of `load`.
pub fn open<N: Net + 'static>(
    pack: &Pack,
    mut load: impl FnMut(Signature) -> Result<N>,
) -> Result<Encoders> {
    let m = &pack.manifest;
    let ([width, height], [across, down]) = (m.image.size, m.image.map);
    let image = load(Signature {
        path: pack.image_file(),
        input: "picture",
        shape: [1, 3, height, width],
        outputs: vec![("map", vec![1, m.embedding, down, across])],
    })?;
    let [rows, columns] = m.audio.front_end().open().shape();
    let mut outputs = vec![("embedding", vec![1, m.embedding])];
    if !pack.labels.tags.is_empty() {
        outputs.push(("tags", vec![1, pack.labels.tags.len()]));
    }
    let (path, shape) = (pack.audio_file(), [1, 1, rows, columns]);
    let audio = load(Signature { path, input: "patch", shape, outputs })?;
    let (width, height) = (width as u32, height as u32);
    let resizer = Resizer::new(width, height, m.image.filter, m.image.mean, m.image.std);
    let shape = [m.embedding, down, across];
    Ok(Encoders {
        image: Box::new(OnnxImage { net: image, resizer, planar: Vec::new(), shape }),
        audio: Box::new(OnnxAudio { net: audio }),
    })
}

fn copy(values: &[f32], out: &mut Vec<f32>) {
    out.clear();
    out.extend_from_slice(values);
}

struct OnnxImage<N> {
    net: N,
    resizer: Resizer,
    planar: Vec<f32>,
    shape: [usize; 3],
}

impl<N: Net> ImageEncoder for OnnxImage<N> {
    fn prepare(&mut self, picture: &Picture) -> Result<()> {
        self.resizer.run(picture, &mut self.planar)
    }

    fn infer(&mut self, map: &mut ImageMap) -> Result<()> {
        [map.dim, map.height, map.width] = self.shape;
        self.net.run(&self.planar, &mut |_, values| copy(values, &mut map.values))
    }

    fn engine(&self) -> String {
        self.net.about()
    }

    fn trouble(&mut self) -> Option<String> {
        self.net.trouble()
    }
}

struct OnnxAudio<N> {
    net: N,
}

impl<N: Net> AudioEncoder for OnnxAudio<N> {
    fn encode(&mut self, patch: &[f32], sound: &mut SoundVector) -> Result<()> {
        sound.tags.clear();
        self.net.run(patch, &mut |i, values| {
            copy(values, if i == 0 { &mut sound.embedding } else { &mut sound.tags });
        })
    }

    fn engine(&self) -> String {
        self.net.about()
    }

    fn trouble(&mut self) -> Option<String> {
        self.net.trouble()
    }
}
