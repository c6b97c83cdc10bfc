//! Wide layers that only feed a depthwise one are computed a few channels at a time.
//!
//! The blocks of a mobile net widen their tensor six-fold, filter each of its channels by itself,
//! and narrow it again. In the first blocks the wide tensor is the largest that there is, and it
//! decides how much memory a run takes; nothing needs all of its channels at once.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::TypedConcat;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

/// Bytes that a part of a wide tensor has at the most.
const PART: usize = 5_000_000;

/// Channels of a part come in so many.
const STEP: usize = 8;

/// A convolution, element-wise operations with a constant, and a depthwise convolution: each feeds
/// the next and nothing else.
struct Block<'model> {
    wide: &'model TypedNode,
    /// The operations, and which of their inputs is the constant; the last first.
    between: Vec<(&'model TypedNode, usize)>,
    deep: &'model TypedNode,
}

/// Splits the blocks of `model` whose wide tensor has more than [`PART`] bytes.
///
/// # Errors
/// tract finds the net inconsistent.
pub fn split(model: &mut TypedModel) -> TractResult<()> {
    model.prop_consts()?;
    let blocks = model.nodes().iter().filter_map(|node| Block::find(model, node));
    let patches: Vec<_> = blocks.map(|block| block.split(model)).collect::<TractResult<_>>()?;
    patches.into_iter().flatten().try_for_each(|patch| patch.apply(model))
}

fn constant(model: &TypedModel, outlet: OutletId) -> Option<Arc<Tensor>> {
    model.outlet_fact(outlet).ok()?.konst.clone()
}

/// A node's convolution, if its channels can be told apart: with constant weights and biases.
fn convolution<'model>(model: &TypedModel, node: &'model TypedNode) -> Option<&'model Conv> {
    let conv = node.op_as::<Conv>()?;
    let known = node.inputs.iter().skip(1).all(|input| constant(model, *input).is_some());
    let usual =
        conv.kernel_fmt == KernelFormat::OIHW && conv.pool_spec.data_format == DataFormat::NCHW;
    (known && usual && conv.q_params.is_none()).then_some(conv)
}

impl<'model> Block<'model> {
    fn find(model: &'model TypedModel, deep: &'model TypedNode) -> Option<Block<'model>> {
        let conv = convolution(model, deep)?;
        let channels = conv.output_channels();
        if channels == 1 || conv.group != channels || conv.input_channels() != channels {
            return None;
        }
        let mut between = Vec::new();
        let mut outlet = *deep.inputs.first()?;
        loop {
            let node = model.node(outlet.node);
            let alone = node.outputs.len() == 1 && node.outputs[0].successors.len() == 1;
            if !alone || model.outputs.contains(&outlet) {
                return None;
            }
            if convolution(model, node).is_some_and(|conv| conv.group == 1) {
                return Some(Block { wide: node, between, deep });
            }
            node.op_as::<TypedBinOp>()?;
            let [first, second] = node.inputs.as_slice() else { return None };
            let scalar = |outlet| constant(model, outlet).is_some_and(|value| value.len() == 1);
            let (slot, other) = if scalar(*second) { (1, *first) } else { (0, *second) };
            scalar(node.inputs[slot]).then_some(())?;
            between.push((node, slot));
            outlet = other;
        }
    }

    /// What replaces the block, if it is worth it.
    fn split(&self, model: &TypedModel) -> TractResult<Option<TypedModelPatch>> {
        let Some(shape) = self.wide.outputs[0].fact.shape.as_concrete() else { return Ok(None) };
        let (channels, values) = (shape[1], shape.iter().product::<usize>());
        let parts = (values * size_of::<f32>()).div_ceil(PART);
        if parts < 2 {
            return Ok(None);
        }
        let step = channels.div_ceil(parts).next_multiple_of(STEP);
        let mut patch = TypedModelPatch::default();
        let input = patch.tap_model(model, self.wide.inputs[0])?;
        let mut joined = tvec!();
        for from in (0..channels).step_by(step) {
            let to = channels.min(from + step);
            let mut wire = part(model, &mut patch, self.wide, input, from..to)?;
            for (node, slot) in self.between.iter().rev() {
                let value = patch.tap_model(model, node.inputs[*slot])?;
                let inputs = if *slot == 1 { [wire, value] } else { [value, wire] };
                wire = patch.wire_node(name(node, from), node.op.clone(), &inputs)?[0];
            }
            joined.push(part(model, &mut patch, self.deep, wire, from..to)?);
        }
        let whole = format!("{}.joined", self.deep.name);
        let whole = patch.wire_node(whole, TypedConcat { axis: 1 }, &joined)?;
        patch.shunt_outside(model, self.deep.id.into(), whole[0])?;
        Ok(Some(patch))
    }
}

fn name(node: &TypedNode, from: usize) -> String {
    format!("{}.from-{from}", node.name)
}

/// Adds the `channels` of a convolution to `patch`.
fn part(
    model: &TypedModel,
    patch: &mut TypedModelPatch,
    node: &TypedNode,
    input: OutletId,
    channels: std::ops::Range<usize>,
) -> TractResult<OutletId> {
    let conv = node.op_as::<Conv>().context("not a convolution")?;
    let mut inputs = tvec!(input);
    for (i, outlet) in node.inputs.iter().enumerate().skip(1) {
        let value = constant(model, *outlet).context("not constant")?;
        // A bias may be one for all.
        let own = if value.rank() == 0 {
            value
        } else {
            value.slice(0, channels.start, channels.end)?.into_arc_tensor()
        };
        inputs.push(patch.add_const(format!("{}.{i}", name(node, channels.start)), own)?);
    }
    let count = channels.len();
    let alone = conv.group > 1;
    let (group, input_channels) = if alone { (count, count) } else { (1, conv.input_channels()) };
    let pool_spec = PoolSpec { input_channels, output_channels: count, ..conv.pool_spec.clone() };
    let conv = Conv { pool_spec, group, ..conv.clone() };
    Ok(patch.wire_node(name(node, channels.start), conv, &inputs)?[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tensor_of_the_shipped_net_of_pictures_has_more_than_ten_megabytes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/owlet/image.onnx");
        let model = tract_onnx::onnx().model_for_path(path).unwrap().into_typed().unwrap();
        let largest = |model: &TypedModel| {
            let facts = model.nodes().iter().flat_map(|node| &node.outputs).map(|o| &o.fact);
            let values = facts.filter_map(|fact| fact.shape.as_concrete());
            4 * values.map(|shape| shape.iter().product::<usize>()).max().unwrap()
        };
        assert!(largest(&model) > 25_000_000);
        let mut model = model;
        split(&mut model).unwrap();
        let model = model.into_optimized().unwrap();
        assert!(largest(&model) < 10_000_000, "{}", largest(&model));
    }
}
