//! The embedded default: both nets run in tract, which is pure Rust.

mod split;
mod weights;

use std::panic::catch_unwind;
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::onnx::{self, Signature};
use super::{Encoders, Pack};
use crate::error::Result;

/// Loads and optimises both nets of a pack.
///
/// # Errors
/// Kind [`Kind::Pack`](crate::error::Kind::Pack), naming the file: it is no ONNX net that tract
/// can run, or its inputs or outputs are not what the manifest says.
pub fn open(pack: &Pack) -> Result<Encoders> {
    onnx::open(pack, Net::load)
}

/// A net that is ready to run, with one input.
struct Net {
    signature: Signature,
    plan: Arc<TypedRunnableModel>,
}

impl Net {
    /// tract trusts the graph in places (names without a producer, for one) and panics over a
    /// damaged one; to the caller that is a bad file like any other.
    fn load(signature: Signature) -> Result<Net> {
        let plan = catch_unwind(|| build(&signature)).unwrap_or_else(|_| {
            Err(signature.wrong("holds a graph that tract cannot make sense of"))
        })?;
        Ok(Net { signature, plan })
    }
}

fn build(signature: &Signature) -> Result<Arc<TypedRunnableModel>> {
    let fail = |what: &str, e: TractError| signature.wrong(what).because(cause(&e));
    let Signature { path, input, shape, outputs } = signature;

    let mut model = tract_onnx::onnx()
        .model_for_path(path)
        .map_err(|e| fail("is not an ONNX net that tract can read", e))?;
    model
        .set_input_names([*input])
        .and_then(|()| model.set_input_fact(0, f32::fact(shape).into()))
        .map_err(|e| fail(&format!("has no input {input:?} of shape {shape:?}"), e))?;
    let names = outputs.iter().map(|(name, _)| *name);
    model.select_outputs_by_name(names).map_err(|e| fail("lacks an output", e))?;
    let large = weights::find(&model);
    let model = model
        .into_typed()
        .and_then(|mut model| {
            weights::keep(&mut model, &large)?;
            split::split(&mut model)?;
            Ok(model)
        })
        .and_then(TypedModel::into_optimized)
        .map_err(|e| fail(&format!("does not accept {input:?} of shape {shape:?}"), e))?;

    for (i, (name, wanted)) in outputs.iter().enumerate() {
        let fact = model.output_fact(i).map_err(|e| fail("lacks an output", e))?;
        let found = fact.shape.as_concrete();
        if found != Some(wanted) || fact.datum_type != f32::datum_type() {
            let (kind, shape) = (fact.datum_type, &fact.shape);
            return Err(signature.wrong(format!(
                "output {name:?} is {kind:?} of shape [{shape:?}], but the manifest wants F32 of shape {wanted:?}"
            )));
        }
    }
    model.into_runnable().map_err(|e| fail("cannot be run by tract", e))
}

impl onnx::Net for Net {
    fn run(&mut self, input: &[f32], take: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        let fail = |e: TractError| self.signature.wrong("failed while running").because(cause(&e));

        let input = Tensor::from_shape(&self.signature.shape, input).map_err(fail)?;
        let outputs = self.plan.run(tvec!(input.into_tvalue())).map_err(fail)?;
        for (i, output) in outputs.iter().enumerate() {
            let plain = output.try_as_plain_ram().map_err(fail)?;
            let values = plain.as_slice::<f32>().map_err(fail)?;
            self.signature.finite(values)?;
            take(i, values);
        }
        Ok(())
    }

    fn about(&self) -> String {
        "tract".to_owned()
    }
}

/// The chain of causes on one line; the last one is what matters, the first says where.
fn cause(error: &TractError) -> String {
    let chain: Vec<String> = error.chain().map(|e| e.to_string().replace('\n', " ")).collect();
    chain.join(": ")
}
