//! Large quantised weights stay in their bytes, and become numbers when a run needs them.
//!
//! Left alone, tract unpacks them once and holds four bytes for each; unpacking them each time
//! takes a few hundredths of a run (docs/performance.md).

// An output that is filled at once need not be filled with zeros before.
#![allow(unsafe_code)]

use std::collections::HashMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::konst::Const;

/// Values from which it pays; what is smaller is most of the tensors and little of the memory.
const LARGE: usize = 30_000;

/// A tensor of bytes, and what a step of one is worth in each of its slices along the first axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    steps: Arc<Tensor>,
    scale: Arc<Tensor>,
}

/// The large weights of a net by the name of the node that scales them: the product of a cast
/// constant and another constant.
pub fn find(model: &InferenceModel) -> HashMap<String, Weights> {
    let constant = |outlet: &OutletId| {
        model.node(outlet.node).op_as::<Const>().map(|constant| constant.val().clone())
    };
    let products = model.nodes().iter().filter(|node| node.op.name() == "Mul");
    let large = products.filter_map(|node| {
        let [cast, scale] = node.inputs.as_slice() else { return None };
        let steps = constant(model.node(cast.node).inputs.first()?)?;
        let weights = Weights { steps, scale: constant(scale)? };
        weights.are_large().then(|| (node.name.clone(), weights))
    });
    large.collect()
}

/// Puts `weights` where `model` has the numbers that were made of them.
///
/// # Errors
/// tract finds the net inconsistent.
pub fn keep(model: &mut TypedModel, weights: &HashMap<String, Weights>) -> TractResult<()> {
    let mut patches = Vec::new();
    for node in model.nodes() {
        // Where tract made a constant of a node, it calls it so.
        let name = node.name.strip_suffix(".0").unwrap_or(&node.name);
        let Some(weights) = weights.get(name) else { continue };
        let mut patch = TypedModelPatch::default();
        let kept = patch.wire_node(format!("{name}.kept"), weights.clone(), &[])?;
        patch.shunt_outside(model, node.id.into(), kept[0])?;
        patches.push(patch);
    }
    patches.into_iter().try_for_each(|patch| patch.apply(model))
}

impl Weights {
    fn are_large(&self) -> bool {
        self.steps.datum_type() == i8::datum_type()
            && self.steps.len() >= LARGE
            && self.scale.datum_type() == f32::datum_type()
            && self.scale.rank() == self.steps.rank()
            && self.scale.shape().first() == self.steps.shape().first()
            && self.scale.shape().iter().skip(1).all(|side| *side == 1)
    }
}

impl Op for Weights {
    fn name(&self) -> StaticName {
        "Weights".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Weights {
    // Whoever could have them beforehand would make a constant of them.
    not_out_of_plan!();

    fn eval(&self, _: &EvalContext, _: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let steps = self.steps.try_as_plain_ram()?;
        let scale = self.scale.try_as_plain_ram()?;
        let (steps, scale) = (steps.as_slice::<i8>()?, scale.as_slice::<f32>()?);
        // SAFETY: any bytes are an `f32`, and all are written below: `are_large` makes sure that
        // the slices, one for each scale, are of one length and make up the whole.
        let mut values = unsafe { Tensor::uninitialized::<f32>(self.steps.shape())? };
        let slice = steps.len() / scale.len();
        let mut plain = values.try_as_plain_ram_mut()?;
        let slices = plain.as_slice_mut::<f32>()?.chunks_exact_mut(slice);
        for ((values, steps), scale) in slices.zip(steps.chunks_exact(slice)).zip(scale) {
            for (value, step) in values.iter_mut().zip(steps) {
                *value = f32::from(*step) * scale;
            }
        }
        Ok(tvec!(values.into_tvalue()))
    }
}

impl TypedOp for Weights {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::fact(self.steps.shape())))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_the_first_axis_has_its_own_scale() {
        let steps = Tensor::from_shape(&[2, 3, 1], &[-128_i8, 0, 127, 1, 2, 3]).unwrap();
        let scale = Tensor::from_shape(&[2, 1, 1], &[0.5_f32, 10.0]).unwrap();
        let weights = Weights { steps: steps.into(), scale: scale.into() };
        let made = weights.eval(&EvalContext::out_of_plan(), tvec!()).unwrap();
        let wanted = [-64.0_f32, 0.0, 63.5, 10.0, 20.0, 30.0];
        assert_eq!(*made[0], Tensor::from_shape(&[2, 3, 1], &wanted).unwrap());
    }

    #[test]
    fn the_shipped_net_of_pictures_keeps_most_of_its_weights_in_bytes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/owlet/image.onnx");
        let model = tract_onnx::onnx().model_for_path(path).unwrap();
        let found = find(&model);
        let bytes: usize = found.values().map(|weights| weights.steps.len()).sum();
        assert!(bytes as u64 > std::fs::metadata(path).unwrap().len() * 8 / 10, "{bytes}");

        let mut model = model.into_typed().unwrap();
        keep(&mut model, &found).unwrap();
        let model = model.into_optimized().unwrap();
        let kept = model.nodes().iter().filter(|node| node.op_is::<Weights>()).count();
        assert_eq!(kept, found.len());
    }
}
