"""TFLite files taken apart and joined: a quantised graph and the float graph that goes on from it."""
import copy

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema


CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


def kind(model, operator):
    """The operator's number; older files have it in a byte."""
    code = model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def read(content):
    return schema.ModelT.InitFromPackedBuf(content, 0)


def write(model):
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def named(model, inputs, outputs):
    """The model with its inputs and outputs called so, and nothing in it but what runs."""
    graph = model.subgraphs[0]
    for names, tensors in ((inputs, graph.inputs), (outputs, graph.outputs)):
        for name, tensor in zip(names, tensors, strict=True):
            graph.tensors[tensor].name = name.encode()
    model.signatureDefs, model.metadata, model.metadataBuffer = [], [], []
    model.description = b"tyto-recipe"
    return model


def joined(first, second):
    """One model: the outputs of `first` are the inputs of `second`, in order."""
    a, b = first.subgraphs[0], second.subgraphs[0]
    codes, buffers, tensors = len(first.operatorCodes), len(first.buffers), len(a.tensors)
    place = {old: new for old, new in zip(b.inputs, a.outputs, strict=True)}

    def moved(index):
        return index if index < 0 else place.get(index, index + tensors)

    for tensor in b.tensors:
        tensor.buffer += buffers
    for operator in b.operators:
        operator.opcodeIndex += codes
        operator.inputs = [moved(i) for i in operator.inputs]
        operator.outputs = [moved(i) for i in operator.outputs]
    first.operatorCodes += second.operatorCodes
    first.buffers += second.buffers
    a.tensors += b.tensors
    a.operators += b.operators
    a.outputs = [moved(i) for i in b.outputs]
    return swept(first)


def alone(model, operator):
    """A model of one operator: its moving inputs, and its outputs. What is constant is shared."""
    graph, out, lone = model.subgraphs[0], schema.ModelT(), schema.SubGraphT()
    used = [int(i) for i in dict.fromkeys((*operator.inputs, *operator.outputs)) if i >= 0]
    place = {old: new for new, old in enumerate(used)}
    node = copy.copy(operator)
    node.opcodeIndex = 0
    node.inputs = [place.get(int(i), -1) for i in operator.inputs]
    node.outputs = [place[int(i)] for i in operator.outputs]
    lone.tensors = [copy.copy(graph.tensors[i]) for i in used]
    out.buffers = [schema.BufferT()]
    for tensor in lone.tensors:
        data = model.buffers[tensor.buffer].data
        constant = data is not None and len(data) > 0
        if constant:
            out.buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = len(out.buffers) - 1 if constant else 0
    lone.inputs = [i for i in node.inputs if i >= 0 and lone.tensors[i].buffer == 0]
    lone.outputs, lone.operators = node.outputs, [node]
    out.version, out.subgraphs = 3, [lone]
    out.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    return out


def swept(model):
    """Without tensors and buffers that nothing uses."""
    graph = model.subgraphs[0]
    used = sorted({int(i) for o in graph.operators for i in (*o.inputs, *o.outputs) if i >= 0}
                  | {int(i) for i in (*graph.inputs, *graph.outputs)})
    place = {old: new for new, old in enumerate(used)}
    for operator in graph.operators:
        operator.inputs = [place.get(int(i), -1) for i in operator.inputs]
        operator.outputs = [place.get(int(i), -1) for i in operator.outputs]
    graph.inputs = [place[int(i)] for i in graph.inputs]
    graph.outputs = [place[int(i)] for i in graph.outputs]
    graph.tensors = [graph.tensors[i] for i in used]
    kept = [schema.BufferT()]
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            tensor.buffer = 0
        else:
            kept.append(model.buffers[tensor.buffer])
            tensor.buffer = len(kept) - 1
    model.buffers = kept
    return model


def narrowed(model, least):
    """Float weights of convolutions with `least` values or more as bytes, one scale for each
    output channel, made floats again by a node that runtimes fold when they load the graph."""
    graph = model.subgraphs[0]
    axes = dict(zip(CONVOLUTIONS, (0, 3)))
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5
    model.operatorCodes.append(code)
    front = []
    for operator in graph.operators:
        axis = axes.get(kind(model, operator))
        if axis is None:
            continue
        weight = graph.tensors[operator.inputs[1]]
        data = model.buffers[weight.buffer].data
        if weight.type != schema.TensorType.FLOAT32 or data is None or len(data) < 4 * least:
            continue
        values = np.frombuffer(np.asarray(data).tobytes(), np.float32).reshape(weight.shape)
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        buffer, narrow, node = schema.BufferT(), schema.TensorT(), schema.OperatorT()
        buffer.data = np.frombuffer(np.rint(values / scale).astype(np.int8).tobytes(), np.uint8)
        model.buffers.append(buffer)
        narrow.name, narrow.type, narrow.shape = weight.name + b"_narrow", schema.TensorType.INT8, weight.shape
        narrow.buffer = len(model.buffers) - 1
        narrow.quantization = schema.QuantizationParametersT()
        narrow.quantization.scale = scale.ravel().astype(np.float32)
        narrow.quantization.zeroPoint = np.zeros(scale.size, np.int64)
        narrow.quantization.quantizedDimension = axis
        graph.tensors.append(narrow)
        weight.buffer = 0
        node.opcodeIndex, node.inputs, node.outputs = len(model.operatorCodes) - 1, [len(graph.tensors) - 1], [operator.inputs[1]]
        node.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
        node.builtinOptions = schema.DequantizeOptionsT()
        front.append(node)
    graph.operators = front + graph.operators
    return swept(model)
