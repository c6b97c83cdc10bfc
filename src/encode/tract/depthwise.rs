//! Depthwise convolutions of 3×3 and 5×5, a row at a time.
//!
//! tract walks over the output's points and gathers each one's inputs. A row of outputs is a sum of
//! shifted rows of inputs instead, which processors add many at a time (docs/performance.md), and
//! the limits that follow it in a mobile net are kept while they are at hand.

// The loops exist a second time for processors with wider registers, and an output that is filled
// at once need not be filled with zeros before.
#![allow(unsafe_code)]

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::math::{Max, Min};

use super::split::{constant, convolution};

/// A convolution of each channel with a square of its own: an input of shape
/// `[1, channels, height, width]`, which zeros surround.
#[derive(Clone, Debug, PartialEq)]
struct Depthwise {
    /// `[channels, 1, side, side]`.
    kernel: Arc<Tensor>,
    /// One for each channel, or one for all.
    bias: Arc<Tensor>,
    stride: usize,
    /// Zeros above, and to the left.
    before: [usize; 2],
    /// Height and width of the output.
    size: [usize; 2],
    least: f32,
    most: f32,
}

// No limit is NaN: `limit` makes sure.
impl Eq for Depthwise {}

/// Replaces the depthwise convolutions of `model` that this can do, with the limits behind them.
///
/// # Errors
/// tract finds the net inconsistent.
pub fn replace(model: &mut TypedModel) -> TractResult<()> {
    model.prop_consts()?;
    let mut patches = Vec::new();
    for node in model.nodes() {
        let Some(mut depthwise) = Depthwise::of(model, node) else { continue };
        let mut last = node;
        while let Some(next) = depthwise.limit(model, last) {
            last = next;
        }
        let mut patch = TypedModelPatch::default();
        let input = patch.tap_model(model, node.inputs[0])?;
        let made = patch.wire_node(format!("{}.rows", node.name), depthwise, &[input])?;
        patch.shunt_outside(model, last.id.into(), made[0])?;
        patches.push(patch);
    }
    patches.into_iter().try_for_each(|patch| patch.apply(model))
}

impl Depthwise {
    /// The convolution of a node, if it is one of these.
    fn of(model: &TypedModel, node: &TypedNode) -> Option<Depthwise> {
        let conv = convolution(model, node)?;
        let channels = conv.output_channels();
        let [input, kernel, bias] = node.inputs.as_slice() else { return None };
        let fact = model.outlet_fact(*input).ok()?;
        let &[1, inputs, height, width] = fact.shape.as_concrete()? else { return None };
        let spec = &conv.pool_spec;
        let (side, stride) = (*spec.kernel_shape.first()?, spec.stride(0));
        let square = spec.kernel_shape.as_slice() == [side, side] && spec.stride(1) == stride;
        let alone = conv.group == channels && inputs == channels;
        let plain = spec.dilations().iter().all(|dilation| *dilation == 1);
        let known = [3, 5].contains(&side) && [1, 2].contains(&stride);
        if !(square && alone && plain && known && fact.datum_type == f32::datum_type()) {
            return None;
        }
        let (kernel, bias) = (constant(model, *kernel)?, constant(model, *bias)?);
        let whole =
            kernel.shape() == [channels, 1, side, side] && [1, channels].contains(&bias.len());
        let floats = [&kernel, &bias].iter().all(|t| t.datum_type() == f32::datum_type());
        let padding = spec.computed_padding(&[height, width]);
        let [y, x] = padding.as_slice() else { return None };
        let near = [y, x].iter().all(|dim| dim.pad_before < side && dim.convoluted > 0);
        (whole && floats && near).then(|| Depthwise {
            kernel,
            bias,
            stride,
            before: [y.pad_before, x.pad_before],
            size: [y.convoluted, x.convoluted],
            least: f32::NEG_INFINITY,
            most: f32::INFINITY,
        })
    }

    /// Takes in the limit that `node` alone goes into, and gives its node.
    fn limit<'model>(
        &mut self,
        model: &'model TypedModel,
        node: &TypedNode,
    ) -> Option<&'model TypedNode> {
        let [outlet] = node.outputs.as_slice() else { return None };
        let [next] = outlet.successors.as_slice() else { return None };
        if model.outputs.contains(&node.id.into()) {
            return None;
        }
        let next = model.node(next.node);
        let limit = next.op_as::<TypedBinOp>()?;
        let other = next.inputs.iter().find(|input| input.node != node.id)?;
        let value = constant(model, *other).filter(|value| value.len() == 1)?;
        let value = *value.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?.first()?;
        let same = next.outputs.first()?.fact.shape == outlet.fact.shape;
        if value.is_nan() || !same {
            return None;
        }
        // What has an upper limit already is not given a lower one above it.
        if limit.0.is::<Max>() && value <= self.most {
            self.least = self.least.max(value);
        } else if limit.0.is::<Min>() && value >= self.least {
            self.most = self.most.min(value);
        } else {
            return None;
        }
        Some(next)
    }

    fn run<const SIDE: usize>(
        &self,
        input: &[f32],
        planes: Planes,
        output: &mut [f32],
    ) -> TractResult<()> {
        let kernel = self.kernel.try_as_plain_ram()?;
        let (kernels, _) = kernel.as_slice::<f32>()?.as_chunks::<SIDE>();
        let bias = self.bias.try_as_plain_ram()?;
        let bias = bias.as_slice::<f32>()?.iter().cycle();
        let Planes { height, width } = planes;
        let [rows, columns] = self.size;
        let mut framed = Framed::new(self.size, SIDE, self.stride);
        let channels =
            input.chunks_exact(height * width).zip(output.chunks_exact_mut(rows * columns));
        for (((from, to), kernel), bias) in channels.zip(kernels.chunks_exact(SIDE)).zip(bias) {
            framed.fill(from, width, self.before);
            let filter = Filter { kernel, bias: *bias, least: self.least, most: self.most };
            filter.run(&framed, to, columns);
        }
        Ok(())
    }
}

/// Height and width of a channel.
#[derive(Clone, Copy)]
struct Planes {
    height: usize,
    width: usize,
}

/// Outputs of a row that are computed together.
const BLOCK: usize = 16;

/// A channel within its frame of zeros. With a stride of 2 each row holds its even columns and
/// then its odd ones, so that what neighbouring outputs need lies side by side.
struct Framed {
    values: Vec<f32>,
    /// Columns of one kind.
    run: usize,
    stride: usize,
}

impl Framed {
    /// The frame for a kernel of so many rows and columns, and for whole blocks.
    fn new([rows, columns]: [usize; 2], side: usize, stride: usize) -> Framed {
        let run = columns.next_multiple_of(BLOCK) + (side - 1) / stride;
        let height = (rows - 1) * stride + side;
        Framed { values: vec![0.0; height * run * stride], run, stride }
    }

    /// A row's values.
    fn width(&self) -> usize {
        self.run * self.stride
    }

    /// Puts a channel into the frame, whose zeros stay; what lies beyond is never needed.
    fn fill(&mut self, plane: &[f32], width: usize, [above, left]: [usize; 2]) {
        let (run, stride) = (self.run, self.stride);
        let rows = self.values.chunks_exact_mut(run * stride).skip(above);
        for (row, from) in rows.zip(plane.chunks_exact(width)) {
            // `left` is less than a kernel's side, which a row of either kind has room for.
            if stride == 1 {
                let row = &mut row[left..];
                let room = row.len().min(width);
                row[..room].copy_from_slice(&from[..room]);
                continue;
            }
            let (even, odd) = row.split_at_mut(run);
            let (even, odd) = if left % 2 == 0 {
                (&mut even[left / 2..], &mut odd[left / 2..])
            } else {
                (&mut odd[left / 2..], &mut even[left / 2 + 1..])
            };
            let (pairs, rest) = from.as_chunks::<2>();
            for ((even, odd), pair) in even.iter_mut().zip(odd).zip(pairs) {
                [*even, *odd] = *pair;
            }
            if let Some((place, last)) = even.get_mut(pairs.len()).zip(rest.first()) {
                *place = *last;
            }
        }
    }
}

/// What is done to one channel.
struct Filter<'a, const SIDE: usize> {
    kernel: &'a [[f32; SIDE]],
    bias: f32,
    least: f32,
    most: f32,
}

impl<const SIDE: usize> Filter<'_, SIDE> {
    /// Writes the whole output, rows of so many columns.
    fn run(&self, framed: &Framed, output: &mut [f32], columns: usize) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { self.run_wide(framed, output, columns) };
        }
        self.run_rows::<{ cfg!(target_arch = "aarch64") }>(framed, output, columns);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn run_wide(&self, framed: &Framed, output: &mut [f32], columns: usize) {
        self.run_rows::<true>(framed, output, columns);
    }

    /// With `FUSED` for processors that multiply and add in one.
    #[inline(always)]
    fn run_rows<const FUSED: bool>(&self, framed: &Framed, output: &mut [f32], columns: usize) {
        let (run, stride, width) = (framed.run, framed.stride, framed.width());
        let rows = framed.values.windows(SIDE * width).step_by(stride * width);
        for (rows, output) in rows.zip(output.chunks_exact_mut(columns)) {
            for (output, from) in output.chunks_mut(BLOCK).zip((0..).step_by(BLOCK)) {
                let mut sums = [self.bias; BLOCK];
                for (row, weights) in rows.chunks_exact(width).zip(self.kernel) {
                    for (tap, weight) in weights.iter().enumerate() {
                        let values = row.get(tap % stride * run + tap / stride + from..);
                        // A frame has room for whole blocks.
                        let values = values.and_then(|values| values.first_chunk::<BLOCK>());
                        let Some(values) = values else { continue };
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum = if FUSED {
                                value.mul_add(*weight, *sum)
                            } else {
                                value * weight + *sum
                            };
                        }
                    }
                }
                let sums = sums.map(|sum| sum.max(self.least).min(self.most));
                match output.first_chunk_mut::<BLOCK>() {
                    Some(whole) => *whole = sums,
                    None => output.iter_mut().zip(sums).for_each(|(output, sum)| *output = sum),
                }
            }
        }
    }
}

impl Op for Depthwise {
    fn name(&self) -> StaticName {
        "DepthwiseRows".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Depthwise {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let &[_, channels, height, width] = input.shape() else { bail!("not a picture") };
        let planes = Planes { height, width };
        let [rows, columns] = self.size;
        // SAFETY: any bytes are an `f32`, and each row of each channel is written below.
        let mut output = unsafe { Tensor::uninitialized::<f32>(&[1, channels, rows, columns])? };
        let plain = input.try_as_plain_ram()?;
        let (from, mut to) = (plain.as_slice::<f32>()?, output.try_as_plain_ram_mut()?);
        let to = to.as_slice_mut::<f32>()?;
        match self.kernel.shape().last() {
            Some(3) => self.run::<3>(from, planes, to)?,
            _ => self.run::<5>(from, planes, to)?,
        }
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Depthwise {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let channels = inputs[0].shape[1].clone();
        let [rows, columns] = self.size;
        Ok(tvec!(f32::datum_type().fact([1.to_dim(), channels, rows.to_dim(), columns.to_dim()])))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec, PoolSpec};
    use tract_onnx::tract_core::ops::math;
    use tract_onnx::tract_core::ops::nn::DataFormat;

    use super::*;

    fn net() -> TypedModel {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/owlet/image.onnx");
        let mut model = tract_onnx::onnx().model_for_path(path).unwrap().into_typed().unwrap();
        model.prop_consts().unwrap();
        model
    }

    /// A net of one depthwise convolution with limits, on numbers that no two places share.
    fn layer(
        (side, stride): (usize, usize),
        (height, width): (usize, usize),
        padding: PaddingSpec,
    ) -> (TypedModel, Tensor) {
        const CHANNELS: usize = 3;
        let tensor = |shape: &[usize], seed: f32| {
            let count = shape.iter().product::<usize>();
            let values: Vec<f32> = (0..count).map(|i| (seed * (i + 1) as f32).sin()).collect();
            Tensor::from_shape(shape, &values).unwrap()
        };
        let mut model = TypedModel::default();
        let shape = [1, CHANNELS, height, width];
        let input = model.add_source("input", f32::fact(shape)).unwrap();
        let mut add = |name: &str, tensor: Tensor| model.add_const(name, tensor).unwrap();
        let kernel = add("kernel", tensor(&[CHANNELS, 1, side, side], 1.7));
        let bias = add("bias", tensor(&[CHANNELS], 0.9));
        let limits = [("least", -0.5_f32), ("most", 0.7)];
        let limits = limits.map(|(name, value)| add(name, tensor4(value)));
        let spec = PoolSpec {
            data_format: DataFormat::NCHW,
            kernel_shape: tvec!(side, side),
            padding,
            dilations: None,
            strides: Some(tvec!(stride, stride)),
            input_channels: CHANNELS,
            output_channels: CHANNELS,
        };
        let conv = Conv::new(spec, KernelFormat::OIHW, CHANNELS, None);
        let conv = model.wire_node("conv", conv, &[input, kernel, bias]).unwrap();
        let conv = model.wire_node("max", math::max(), &[conv[0], limits[0]]).unwrap();
        let conv = model.wire_node("min", math::min(), &[conv[0], limits[1]]).unwrap();
        model.select_output_outlets(&conv).unwrap();
        (model, tensor(&shape, 0.7))
    }

    fn tensor4(value: f32) -> Tensor {
        Tensor::from_shape(&[1, 1, 1, 1], &[value]).unwrap()
    }

    #[test]
    fn a_layer_gives_what_tract_s_own_gives() {
        let explicit = |before: [usize; 2], after: [usize; 2]| {
            PaddingSpec::Explicit(before.as_slice().into(), after.as_slice().into())
        };
        for shape in [(3, 1), (3, 2), (5, 1), (5, 2)] {
            for size in [(5, 5), (16, 9), (17, 32), (6, 40)] {
                let paddings = [
                    PaddingSpec::Valid,
                    PaddingSpec::SameUpper,
                    PaddingSpec::SameLower,
                    explicit([1, 0], [2, 3]),
                    explicit([0, 2], [0, 1]),
                ];
                for padding in paddings {
                    let (mut model, input) = layer(shape, size, padding.clone());
                    let run = |model: TypedModel| {
                        let plan = model.into_optimized().unwrap().into_runnable().unwrap();
                        plan.run(tvec!(input.clone().into_tvalue())).unwrap().remove(0)
                    };
                    let wanted = run(model.clone());
                    replace(&mut model).unwrap();
                    assert!(model.nodes().iter().any(|node| node.op_is::<Depthwise>()));
                    assert!(!model.nodes().iter().any(|node| node.op_is::<TypedBinOp>()));
                    let found = run(model);
                    assert_eq!(found.shape(), wanted.shape());
                    let values = |tensor: &TValue| {
                        let plain = tensor.try_as_plain_ram().unwrap();
                        plain.as_slice::<f32>().unwrap().to_vec()
                    };
                    let apart = |(a, b): (&f32, &f32)| (a - b).abs();
                    let far =
                        values(&found).iter().zip(&values(&wanted)).map(apart).fold(0.0, f32::max);
                    assert!(far < 1e-5, "{shape:?} {size:?} {padding:?}: {far}");
                }
            }
        }
    }

    #[test]
    fn a_limit_that_others_need_without_it_stays() {
        let (mut model, _) = layer((3, 1), (8, 8), PaddingSpec::Valid);
        let conv = model.nodes().iter().find(|node| node.op_is::<Conv>()).unwrap().id;
        let most = model.node_id_by_name("min").unwrap();
        model.select_output_outlets(&[conv.into(), most.into()]).unwrap();
        replace(&mut model).unwrap();
        assert_eq!(model.nodes().iter().filter(|node| node.op_is::<TypedBinOp>()).count(), 2);
        let made = model.nodes().iter().find_map(|node| node.op_as::<Depthwise>()).unwrap();
        assert_eq!((made.least, made.most), (f32::NEG_INFINITY, f32::INFINITY));
    }

    #[test]
    fn the_shipped_net_of_pictures_has_all_its_depthwise_layers_done_so() {
        let mut model = net();
        let groups = |model: &TypedModel| {
            let convolutions = model.nodes().iter().filter_map(|node| convolution(model, node));
            convolutions.filter(|conv| conv.group > 1).count()
        };
        let before = groups(&model);
        assert!(before > 30, "{before}");
        replace(&mut model).unwrap();
        let made = model.nodes().iter().filter_map(|node| node.op_as::<Depthwise>());
        let limited = made.clone().filter(|conv| (conv.least, conv.most) == (0.0, 6.0)).count();
        assert_eq!((made.count(), groups(&model)), (before, 0));
        assert!(limited > 30, "{limited} of {before}");
    }
}
