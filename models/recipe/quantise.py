"""Floats to bytes: a TFLite graph with the ranges of its tensors becomes one of integers.

Two things are done beyond what TensorFlow's converter does. Ranges are those of the least square
error instead of the widest ever seen: a tensor's one largest value in a million need not cost all
others a bit. And each layer's bias takes back what rounding adds to the mean of each of its
channels, layer after layer from the picture on, as these errors add up and do not cancel.
"""
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize

import tfjoin

PICTURES = 14   # that ranges and means are taken of
SAMPLE = 20000  # values of a tensor, of each picture
LEAST = 0.3     # of the widest range
ROUNDS = 2      # of correction: behind a bend (ReLU6) a step of the bias is not one of the mean


class Run:
    """An interpreter of reference kernels that keeps every tensor."""

    def __init__(self, model):
        kernels = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.lite = tf.lite.Interpreter(model_content=tfjoin.write(model), num_threads=2,
                                        experimental_preserve_all_tensors=True, experimental_op_resolver_type=kernels)
        self.lite.allocate_tensors()
        self.input = self.lite.get_input_details()[0]
        self.names = {t["name"]: t["index"] for t in self.lite.get_tensor_details()}

    def __call__(self, picture):
        if self.input["dtype"] == np.int8:
            scale, zero = self.input["quantization"]
            picture = np.rint(picture / scale + zero).astype(np.int8)
        self.lite.set_tensor(self.input["index"], picture)
        self.lite.invoke()
        return self.lite.get_tensor


def channels(values):
    return values.mean(tuple(range(values.ndim - 1)), dtype=np.float64)


def narrow(model, pictures):
    """Ranges of the least square error; the input keeps its own."""
    graph, rng = model.subgraphs[0], np.random.default_rng(0)
    tensors = [i for i, t in enumerate(graph.tensors) if i not in graph.inputs and t.quantization is not None
               and t.quantization.min is not None and len(t.quantization.min) == 1 and model.buffers[t.buffer].data is None]
    run, samples = Run(model), {i: [] for i in tensors}
    for picture in pictures:
        tensor = run(picture)
        for i in tensors:
            values = tensor(i).ravel()
            samples[i].append(values if len(values) < SAMPLE else values[rng.integers(0, len(values), SAMPLE)])
    for i in tensors:
        values, range_ = np.concatenate(samples[i]), graph.tensors[i].quantization
        low, high = min(0.0, float(range_.min[0])), max(0.0, float(range_.max[0]))
        best, kept = None, 1.0
        for part in np.arange(1, LEAST - 1e-9, -0.05):
            scale = max((high - low) * part / 255, 1e-9)
            zero = np.rint(-low * part / scale)
            error = np.square((np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale - values).mean()
            if best is None or error < 0.995 * best:
                best, kept = error, part
        range_.min, range_.max = np.array([low * kept], np.float32), np.array([high * kept], np.float32)


class Layer:
    """One operator by itself."""

    def __init__(self, model, operator):
        kernels = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.lite = tf.lite.Interpreter(model_content=tfjoin.write(tfjoin.alone(model, operator)), num_threads=2,
                                        experimental_op_resolver_type=kernels)
        self.lite.allocate_tensors()
        self.inputs = [t["index"] for t in self.lite.get_input_details()]
        self.outputs = [t["index"] for t in self.lite.get_output_details()]

    def __call__(self, values):
        for index, value in zip(self.inputs, values, strict=True):
            self.lite.set_tensor(index, value)
        self.lite.invoke()
        return [self.lite.get_tensor(index) for index in self.outputs]


def level(model, floats, pictures):
    """Every layer's mean, channel by channel, brought to that of the float graph: one layer after
    the other, each on what the ones before it, corrected, give."""
    graph, run, wanted = model.subgraphs[0], Run(floats), {}
    names = {graph.tensors[o.outputs[0]].name.decode(): int(o.outputs[0]) for o in graph.operators
             if tfjoin.kind(model, o) in tfjoin.CONVOLUTIONS and len(o.inputs) > 2}
    for picture in pictures:
        tensor = run(picture)
        for name, index in names.items():
            if name in run.names:
                wanted[index] = wanted.get(index, 0) + channels(tensor(run.names[name])) / len(pictures)

    [start] = graph.inputs
    code = graph.tensors[start].quantization
    given = {int(start): [np.rint(p / code.scale[0] + code.zeroPoint[0]).astype(np.int8) for p in pictures]}
    for number, operator in enumerate(graph.operators):
        moving = [int(i) for i in operator.inputs if int(i) in given]
        outputs = [int(i) for i in operator.outputs]
        for last in range(ROUNDS, -1, -1):
            layer = Layer(model, operator)
            found = [layer([given[i][n] for i in moving]) for n in range(len(pictures))]
            if outputs[0] not in wanted or last == 0:
                break
            into, weight, bias = (graph.tensors[i] for i in operator.inputs)
            code = graph.tensors[outputs[0]].quantization
            mean = sum((channels(f[0]) - code.zeroPoint[0]) * code.scale[0] for f in found) / len(pictures)
            scale = float(into.quantization.scale[0]) * np.asarray(weight.quantization.scale, np.float64)
            buffer = model.buffers[bias.buffer]
            values = np.frombuffer(np.asarray(buffer.data, np.uint8).tobytes(), np.int32)
            moved = (values + np.rint((wanted[outputs[0]] - mean) / scale)).astype(np.int32)
            buffer.data = np.frombuffer(moved.tobytes(), np.uint8)
        for k, index in enumerate(outputs):
            given[index] = [f[k] for f in found]
        later = {int(i) for o in graph.operators[number + 1:] for i in o.inputs}
        given = {index: values for index, values in given.items() if index in later}


def quantised(calibrated, pictures):
    """The graph in integers, its outputs in floats again, from one whose tensors have ranges."""
    shown = [pictures[i] for i in np.linspace(0, len(pictures) - 1, PICTURES).astype(int)]
    ranged = tfjoin.read(tfjoin.write(calibrated))
    narrow(ranged, shown)
    content = mlir_quantize(tfjoin.write(ranged), False, input_data_type=tf.int8, output_data_type=tf.float32)
    model = tfjoin.read(content)
    level(model, calibrated, shown)
    return model
