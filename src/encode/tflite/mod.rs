//! Both nets in TensorFlow Lite, with XNNPACK.

mod delegate;
mod library;
mod net;
mod runner;
#[cfg(feature = "delegate")]
mod trial;

use std::sync::Arc;

use net::{Kinds, Net, Spec};
use runner::{Engine, Runner};

use super::{AudioEncoder, Encoders, ImageEncoder, ImageMap, Pack, SoundVector};
use crate::capture::Picture;
use crate::config::EngineChoice;
use crate::error::{Error, Kind, Result};
use crate::signal::Resizer;

/// Loads both nets of a pack.
///
/// # Errors
/// Kind [`Kind::Pack`], naming the file: it is no net that the library can run, or its inputs
/// or outputs are not what the manifest says. Kind [`Kind::Config`]: the library cannot be had.
pub fn open(pack: &Pack, choice: &EngineChoice) -> Result<Encoders> {
    let files = pack.tflite_files()?;
    let engine = Arc::new(Engine::open(choice)?);
    let [image, audio] = &files;
    // What computes a picture is most of a look: a delegate that takes nothing of it is of no
    // use. The sound's net is small, and stays with the CPU when it does not suit.
    let (image, audio) =
        (Runner::open(&engine, image, true)?, Runner::open(&engine, audio, false)?);
    runner::report(&[&image, &audio]);
    Ok(Encoders {
        image: Box::new(TfliteImage::open(pack, image)?),
        audio: Box::new(TfliteAudio::open(pack, audio)?),
    })
}

/// The index of the output called so.
fn output(net: &Net, name: &str, shape: &[usize]) -> Result<usize> {
    let wrong = |what: String| Error::new(Kind::Pack, net.path().display(), what);
    let specs = net.output_specs();
    let found = specs.iter().position(|spec| spec.name == name);
    let Some((index, spec)) = found.and_then(|i| Some((i, specs.get(i)?))) else {
        return Err(wrong(format!("has no output {name:?}")));
    };
    if spec.kind != Kinds::F32 || spec.shape != shape {
        return Err(wrong(format!(
            "output {name:?} is {:?} of shape {:?}, but the manifest wants F32 of shape {shape:?}",
            spec.kind, spec.shape
        )));
    }
    Ok(index)
}

fn input(net: &Net, shape: &[usize], kinds: &[Kinds]) -> Result<Spec> {
    let wrong = |what: String| Error::new(Kind::Pack, net.path().display(), what);
    let spec = net.input_spec().ok_or_else(|| wrong("has no input".to_owned()))?;
    if spec.shape != shape || !kinds.contains(&spec.kind) {
        return Err(wrong(format!(
            "takes {:?} of shape {:?}, but the manifest wants one of {kinds:?} of shape {shape:?}",
            spec.kind, spec.shape
        )));
    }
    if spec.kind != Kinds::F32 && spec.quantisation.scale <= 0.0 {
        return Err(wrong("does not say what the integers of its input stand for".to_owned()));
    }
    Ok(spec)
}

fn take(net: &Net, index: usize, out: &mut Vec<f32>) -> Result<()> {
    out.clear();
    out.extend_from_slice(net.output(index)?);
    Ok(())
}

struct TfliteImage {
    runner: Runner,
    resizer: Resizer,
    input: Spec,
    map: usize,
    shape: [usize; 3],
}

impl TfliteImage {
    fn open(pack: &Pack, runner: Runner) -> Result<TfliteImage> {
        let m = &pack.manifest;
        let ([width, height], [across, down]) = (m.image.size, m.image.map);
        let net = &runner.net;
        let input = input(net, &[1, height, width, 3], &[Kinds::F32, Kinds::I8, Kinds::U8])?;
        let map = output(net, "map", &[1, m.embedding, down, across])?;
        let (mean, std) = (m.image.mean, m.image.std);
        let resizer = Resizer::new(width as u32, height as u32, m.image.filter, mean, std);
        Ok(TfliteImage { runner, resizer, input, map, shape: [m.embedding, down, across] })
    }
}

impl ImageEncoder for TfliteImage {
    fn prepare(&mut self, picture: &Picture) -> Result<()> {
        let scale = self.input.quantisation.scale;
        let zero = self.input.quantisation.zero as f32;
        let whole = |value: f32| (value / scale).round() + zero;
        let (resizer, net) = (&mut self.resizer, &mut self.runner.net);
        match self.input.kind {
            Kinds::I8 => resizer.interleave(picture, net.input::<i8>()?, |v| whole(v) as i8),
            Kinds::U8 => resizer.interleave(picture, net.input::<u8>()?, |v| whole(v) as u8),
            _ => resizer.interleave(picture, net.input::<f32>()?, |v| v),
        }
    }

    fn infer(&mut self, map: &mut ImageMap) -> Result<()> {
        self.runner.run()?;
        [map.dim, map.height, map.width] = self.shape;
        take(&self.runner.net, self.map, &mut map.values)
    }

    fn engine(&self) -> String {
        self.runner.about.clone()
    }

    fn trouble(&mut self) -> Option<String> {
        self.runner.trouble.take()
    }
}

struct TfliteAudio {
    runner: Runner,
    embedding: usize,
    tags: Option<usize>,
}

impl TfliteAudio {
    fn open(pack: &Pack, runner: Runner) -> Result<TfliteAudio> {
        let [rows, columns] = pack.manifest.audio.front_end().open().shape();
        let net = &runner.net;
        input(net, &[1, rows, columns, 1], &[Kinds::F32])?;
        let embedding = output(net, "embedding", &[1, pack.manifest.embedding])?;
        let count = pack.labels.tags.len();
        let tags = (count > 0).then(|| output(net, "tags", &[1, count])).transpose()?;
        Ok(TfliteAudio { runner, embedding, tags })
    }
}

impl AudioEncoder for TfliteAudio {
    fn encode(&mut self, patch: &[f32], sound: &mut SoundVector) -> Result<()> {
        let input = self.runner.net.input::<f32>()?;
        let (wanted, found) = (input.len(), patch.len());
        if wanted != found {
            let wrong = format!("takes {wanted} values, but the patch has {found}");
            return Err(Error::new(Kind::Pack, self.runner.net.path().display(), wrong));
        }
        input.copy_from_slice(patch);
        self.runner.run()?;
        let net = &self.runner.net;
        take(net, self.embedding, &mut sound.embedding)?;
        sound.tags.clear();
        match self.tags {
            Some(tags) => take(net, tags, &mut sound.tags),
            None => Ok(()),
        }
    }

    fn engine(&self) -> String {
        self.runner.about.clone()
    }

    fn trouble(&mut self) -> Option<String> {
        self.runner.trouble.take()
    }
}
