//! The embedded default: both nets run in tract, which is pure Rust.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{AudioEncoder, Encoders, ImageEncoder, ImageMap, Pack, SoundVector};
use crate::capture::Picture;
use crate::error::{Error, Kind, Result};
use crate::signal::Resizer;

/// Loads and optimises both nets of a pack.
///
/// # Errors
/// Kind [`Kind::Pack`], naming the file: it is no ONNX net that tract can run, or its inputs
/// or outputs are not what the manifest says.
pub fn open(pack: &Pack) -> Result<Encoders> {
    let m = &pack.manifest;
    let ([width, height], [across, down]) = (m.image.size, m.image.map);
    let image = Net::load(
        &pack.image_file(),
        ("picture", &[1, 3, height, width]),
        &[("map", &[1, m.embedding, down, across])],
    )?;
    let outputs: [(&str, &[usize]); 2] =
        [("embedding", &[1, m.embedding]), ("tags", &[1, pack.labels.tags.len()])];
    let outputs = if pack.labels.tags.is_empty() { &outputs[..1] } else { &outputs };
    let [rows, columns] = m.audio.front_end().open().shape();
    let audio = Net::load(&pack.audio_file(), ("patch", &[1, 1, rows, columns]), outputs)?;
    Ok(Encoders {
        image: Box::new(TractImage {
            net: image,
            resizer: Resizer::new(
                width as u32,
                height as u32,
                m.image.filter,
                m.image.mean,
                m.image.std,
            ),
            planar: Vec::new(),
            shape: [m.embedding, down, across],
        }),
        audio: Box::new(TractAudio { net: audio }),
    })
}

/// A net that is ready to run, with one input.
struct Net {
    path: PathBuf,
    plan: Arc<TypedRunnableModel>,
    shape: Vec<usize>,
}

impl Net {
    /// tract trusts the graph in places (names without a producer, for one) and panics over a
    /// damaged one; to the caller that is a bad file like any other.
    fn load(path: &Path, input: (&str, &[usize]), outputs: &[(&str, &[usize])]) -> Result<Net> {
        catch_unwind(|| Net::build(path, input, outputs)).unwrap_or_else(|_| {
            Err(Error::new(
                Kind::Pack,
                path.display(),
                "holds a graph that tract cannot make sense of",
            ))
        })
    }

    fn build(
        path: &Path,
        (input, shape): (&str, &[usize]),
        outputs: &[(&str, &[usize])],
    ) -> Result<Net> {
        let wrong = |what: String| Error::new(Kind::Pack, path.display(), what);
        let fail = |what: &str, e: TractError| wrong(what.to_owned()).because(cause(&e));

        let mut model = tract_onnx::onnx()
            .model_for_path(path)
            .map_err(|e| fail("is not an ONNX net that tract can read", e))?;
        model
            .set_input_names([input])
            .and_then(|()| model.set_input_fact(0, f32::fact(shape).into()))
            .map_err(|e| fail(&format!("has no input {input:?} of shape {shape:?}"), e))?;
        let names = outputs.iter().map(|(name, _)| *name);
        model.select_outputs_by_name(names).map_err(|e| fail("lacks an output", e))?;
        let model = model
            .into_optimized()
            .map_err(|e| fail(&format!("does not accept {input:?} of shape {shape:?}"), e))?;

        for (i, (name, wanted)) in outputs.iter().enumerate() {
            let fact = model.output_fact(i).map_err(|e| fail("lacks an output", e))?;
            let found = fact.shape.as_concrete();
            if found != Some(*wanted) || fact.datum_type != f32::datum_type() {
                let (kind, shape) = (fact.datum_type, &fact.shape);
                return Err(wrong(format!(
                    "output {name:?} is {kind:?} of shape [{shape:?}], but the manifest wants F32 of shape {wanted:?}"
                )));
            }
        }
        let plan = model.into_runnable().map_err(|e| fail("cannot be run by tract", e))?;
        Ok(Net { path: path.to_owned(), plan, shape: shape.to_vec() })
    }

    /// Runs the net; `take` gets the outputs in the order that `load` named them.
    fn run(&self, input: &[f32], mut take: impl FnMut(usize, &[f32])) -> Result<()> {
        let wrong = |what: &str| Error::new(Kind::Pack, self.path.display(), what);
        let fail = |e: TractError| wrong("failed while running").because(cause(&e));

        let input = Tensor::from_shape(&self.shape, input).map_err(fail)?;
        let outputs = self.plan.run(tvec!(input.into_tvalue())).map_err(fail)?;
        for (i, output) in outputs.iter().enumerate() {
            let plain = output.try_as_plain_ram().map_err(fail)?;
            let values = plain.as_slice::<f32>().map_err(fail)?;
            if !values.iter().all(|v| v.is_finite()) {
                return Err(wrong("gave values that are not finite")
                    .hint("the net's weights are damaged, or its input was"));
            }
            take(i, values);
        }
        Ok(())
    }
}

/// The chain of causes on one line; the last one is what matters, the first says where.
fn cause(error: &TractError) -> String {
    let chain: Vec<String> = error.chain().map(|e| e.to_string().replace('\n', " ")).collect();
    chain.join(": ")
}

fn copy(values: &[f32], out: &mut Vec<f32>) {
    out.clear();
    out.extend_from_slice(values);
}

struct TractImage {
    net: Net,
    resizer: Resizer,
    planar: Vec<f32>,
    shape: [usize; 3],
}

impl ImageEncoder for TractImage {
    fn prepare(&mut self, picture: &Picture) -> Result<()> {
        self.resizer.run(picture, &mut self.planar)
    }

    fn infer(&mut self, map: &mut ImageMap) -> Result<()> {
        [map.dim, map.height, map.width] = self.shape;
        self.net.run(&self.planar, |_, values| copy(values, &mut map.values))
    }

    fn engine(&self) -> String {
        "tract".to_owned()
    }
}

struct TractAudio {
    net: Net,
}

impl AudioEncoder for TractAudio {
    fn encode(&mut self, patch: &[f32], sound: &mut SoundVector) -> Result<()> {
        sound.tags.clear();
        self.net.run(patch, |i, values| {
            copy(values, if i == 0 { &mut sound.embedding } else { &mut sound.tags });
        })
    }

    fn engine(&self) -> String {
        "tract".to_owned()
    }
}
