"""A small writer of ONNX graphs with static shapes and half-precision weights."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


class Graph:
    """Collects nodes; every tensor's shape is known as soon as its node is added."""

    def __init__(self, name, large="float16"):
        self.name, self.nodes, self.weights, self.large = name, [], [], large
        self.inputs, self.outputs, self.shapes, self.clip = [], [], {}, []

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.shapes[name] = tuple(shape)
        return name

    def output(self, tensor, name):
        """Names are given by a last node, so that inner names stay free of the contract."""
        self.nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        self.shapes[name] = self.shapes[tensor]
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shapes[name]))

    def node(self, op, inputs, shape, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.shapes[name] = tuple(shape)
        return name

    def constant(self, array, store="float32"):
        """A weight tensor; "float16" is cast back and "int8" (one scale for each output channel)
        cast and scaled back by nodes that runtimes fold when they load the graph."""
        name = f"w{len(self.weights)}"
        array = np.ascontiguousarray(array)
        if array.dtype == np.int64:
            store = "int64"
        scale = None
        if store == "int8":
            peak = np.abs(array).max(axis=tuple(range(1, array.ndim)), keepdims=True)
            scale = np.maximum(peak, 1e-12) / 127
            array = np.rint(array / scale)
        self.weights.append(numpy_helper.from_array(array.astype(store), name))
        self.shapes[name] = array.shape
        if store in ("float32", "int64"):
            return name
        name = self.node("Cast", [name], array.shape, to=TensorProto.FLOAT)
        return name if scale is None else self.node("Mul", [name, self.constant(scale)], array.shape)

    def weight(self, array):
        """A layer's weights, stored by size: small tensors hold little and lose most."""
        return self.constant(array, self.large if array.size >= 1 << 15 else "float16")

    def conv(self, x, weight, bias, stride=1, groups=1, act=None, lead=False):
        """Convolution with TensorFlow's SAME padding, whose odd row and column lie at the right
        and below; `lead` puts them at the left and above."""
        _, _, h, w = self.shapes[x]
        out, _, kh, kw = weight.shape
        oh, ow = -(-h // stride), -(-w // stride)
        ph, pw = max((oh - 1) * stride + kh - h, 0), max((ow - 1) * stride + kw - w, 0)
        pads = [ph // 2, pw // 2, ph - ph // 2, pw - pw // 2]
        if lead:
            pads = pads[2:] + pads[:2]
        y = self.node("Conv", [x, self.weight(weight), self.constant(bias)],
                      (1, out, oh, ow), kernel_shape=[kh, kw], strides=[stride, stride],
                      pads=pads, group=groups)
        return self.activate(y, act)

    def activate(self, x, act):
        if act is None:
            return x
        shape = self.shapes[x]
        if act == "relu6":
            return self.node("Clip", [x, *self.bounds()], shape)
        return self.node(act, [x], shape)

    def bounds(self):
        if not self.clip:
            self.clip = [self.constant(np.float32(0)), self.constant(np.float32(6))]
        return self.clip

    def mix(self, x, matrix, bias=None, exact=False):
        """A 1x1 convolution by a dense matrix (out, in); `exact` keeps it in float32."""
        matrix = np.asarray(matrix, np.float32)[:, :, None, None]
        inputs = [x, self.constant(matrix) if exact else self.weight(matrix)]
        if bias is not None:
            inputs.append(self.constant(bias))
        return self.node("Conv", inputs, (1, len(matrix), *self.shapes[x][2:]), kernel_shape=[1, 1])

    def resize(self, x, size):
        """Bilinear, half-pixel centres, to (height, width)."""
        n, c, _, _ = self.shapes[x]
        sizes = self.constant(np.array([n, c, *size], np.int64))
        self.shapes[""] = ()
        return self.node("Resize", [x, "", "", sizes], (n, c, *size), mode="linear",
                         coordinate_transformation_mode="half_pixel")

    def place(self, x, rows, columns):
        """x resampled by two static matrices: rows (h', h) and columns (w', w)."""
        n, c, _, w = self.shapes[x]
        x = self.node("MatMul", [self.constant(rows), x], (n, c, len(rows), w))
        return self.node("MatMul", [x, self.constant(columns.T)], (n, c, len(rows), len(columns)))

    def part(self, x, start, end, shape):
        """Channels start..end."""
        bounds = [self.constant(np.array([n], np.int64)) for n in (start, end, 1)]
        return self.node("Slice", [x, *bounds], shape)

    def apply(self, op, a, b):
        """Elementwise with a scalar, a constant array or another tensor of the same shape."""
        b = b if isinstance(b, str) else self.constant(np.asarray(b, np.float32))
        return self.node(op, [a, b], self.shapes[a])

    def add_bias(self, x, bias):
        """One value for each channel."""
        return self.node("Add", [x, self.constant(np.asarray(bias, np.float32).reshape(1, -1, 1, 1))], self.shapes[x])

    def border(self, x, width):
        """The map with its border repeated `width` times on every side."""
        _, _, h, w = self.shapes[x]
        return self.place(x, *(np.eye(n)[np.clip(np.arange(-width, n + width), 0, n - 1)] for n in (h, w)))

    def add(self, a, b):
        return self.node("Add", [a, b], self.shapes[a])

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version, model.producer_name = 8, "tyto-recipe"
        onnx.checker.check_model(model, full_check=True)
        return model


def fold(weight, gamma, beta, mean, variance, epsilon):
    """Batch normalisation folded into the convolution before it: (weight, bias)."""
    scale = gamma / np.sqrt(variance + epsilon)
    return weight * scale[:, None, None, None], beta - mean * scale
