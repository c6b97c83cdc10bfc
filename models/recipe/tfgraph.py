"""The recipe's ONNX graphs as TensorFlow functions: the same weights, channels last.

It knows the operators that the recipe writes, and refuses any other.
"""
import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper

# Where an axis of ONNX lies in TensorFlow's order, of tensors with four.
AXIS = (0, 3, 1, 2)

# What a quantised graph may hold: sums of products and what leaves their range alone.
PLAIN = ("Conv", "Clip", "Relu", "AveragePool", "GlobalAveragePool", "Resize", "Add")


def last(array):
    """A constant with its channels last."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


class Net:
    """An ONNX graph, its constants folded."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        self.inputs = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.input}
        self.outputs = [v.name for v in graph.output]
        self.constants = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
        self.nodes = []
        for node in graph.node:
            if not all(name in self.constants for name in node.input if name):
                self.nodes.append(node)
                continue
            values = [self.constants[name] for name in node.input]
            fold = {"Cast": lambda x: x.astype(np.float32), "Mul": np.multiply}
            self.constants[node.output[0]] = fold[node.op_type](*values)

    def moving(self, node):
        """The inputs of a node that are not constant."""
        return [name for name in node.input if name and name not in self.constants]

    def cut(self):
        """The tensors at which the sums of products end, and all else of the graph begins."""
        inside, ends = set(self.inputs), []
        for node in self.nodes:
            moving = self.moving(node)
            plain = node.op_type in PLAIN and (node.op_type != "Add" or len(moving) == 2)
            if plain and all(name in inside for name in moving):
                inside.add(node.output[0])
            else:
                ends += [name for name in moving if name in inside and name not in ends]
        return ends

    def run(self, given, wanted):
        """{name: tensor} of `wanted` from {name: tensor} `given`, of which no maker is asked."""
        values, needed = dict(given), set(wanted)
        plan = []
        for node in reversed(self.nodes):
            if node.output[0] in needed and node.output[0] not in given:
                plan.append(node)
                needed.update(self.moving(node))
        for node in reversed(plan):
            values[node.output[0]] = self.apply(node, values)
        return {name: values[name] for name in wanted}

    def apply(self, node, values):
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        operands = [values.get(name, self.constants.get(name)) for name in node.input]
        operator = getattr(self, "on_" + node.op_type.lower(), None)
        if operator is None:
            raise SystemExit(f"{node.name}: no translation of {node.op_type} is known")
        return operator(*operands, **attributes)

    @staticmethod
    def on_identity(x):
        return x

    @staticmethod
    def on_conv(x, weight, bias=None, kernel_shape=None, strides=(1, 1), pads=(0, 0, 0, 0), group=1):
        size, stride = x.shape[1:3], list(strides)
        same = []
        for n, step, k in zip(size, stride, kernel_shape):
            whole = max((-(-n // step) - 1) * step + k - n, 0)
            same.append((whole // 2, whole - whole // 2))
        top, left, bottom, right = pads
        padding = "SAME" if [(top, bottom), (left, right)] == same else "VALID"
        if padding == "VALID" and any(pads):
            x = tf.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])
        if group == 1:
            y = tf.nn.conv2d(x, weight.transpose(2, 3, 1, 0), stride, padding)
        else:
            y = tf.nn.depthwise_conv2d(x, weight.transpose(2, 3, 0, 1), [1, *stride, 1], padding)
        return y if bias is None else tf.nn.bias_add(y, bias)

    @staticmethod
    def on_clip(x, low, high):
        if (low, high) != (0, 6):
            raise SystemExit(f"a clip to {low}..{high} is not known")
        return tf.nn.relu6(x)

    @staticmethod
    def on_maxpool(x, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0)):
        top, left, bottom, right = pads
        if any(pads):
            # What is beyond the edge must never be the largest.
            x = tf.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)], constant_values=x.dtype.min)
        return tf.nn.max_pool2d(x, kernel_shape, strides, "VALID")

    @staticmethod
    def on_averagepool(x, kernel_shape, strides):
        return tf.nn.avg_pool2d(x, kernel_shape, strides, "VALID")

    @staticmethod
    def on_globalaveragepool(x):
        return tf.nn.avg_pool2d(x, x.shape[1:3], 1, "VALID")

    @staticmethod
    def on_globalmaxpool(x):
        return tf.nn.max_pool2d(x, x.shape[1:3], 1, "VALID")

    @staticmethod
    def on_flatten(x, axis):
        if list(x.shape[1:3]) != [1, 1] or axis != 1:
            raise SystemExit("only the channels of a single place are made flat")
        return tf.reshape(x, (x.shape[0], x.shape[3]))

    @staticmethod
    def on_resize(x, _, __, sizes, mode, coordinate_transformation_mode):
        if (mode, coordinate_transformation_mode) != (b"linear", b"half_pixel"):
            raise SystemExit(f"resizing by {mode}, {coordinate_transformation_mode} is not known")
        return tf.raw_ops.ResizeBilinear(images=x, size=[int(n) for n in sizes[2:]], half_pixel_centers=True)

    @staticmethod
    def on_matmul(a, b):
        """Rows or columns resampled: a constant matrix at the left or at the right."""
        if isinstance(a, np.ndarray):
            _, h, w, c = b.shape
            return tf.reshape(tf.matmul(a, tf.reshape(b, (h, w * c))), (1, len(a), w, c))
        _, h, w, c = a.shape
        b = np.broadcast_to(b.T, (h, *b.T.shape))
        return tf.reshape(tf.matmul(b, tf.reshape(a, (h, w, c))), (1, h, b.shape[1], c))

    @staticmethod
    def on_reshape(x, shape):
        """Channels told apart become a list; a single place becomes a row."""
        if len(shape) == 4:
            return tf.split(x, int(shape[0]), axis=3)
        return tf.reshape(x, shape)

    @staticmethod
    def on_reducemax(x, axes, keepdims):
        if isinstance(x, list):
            best = x[0]
            for other in x[1:]:
                best = tf.maximum(best, other)
            return best
        return tf.reduce_max(x, Net.axis(x, axes[0]), keepdims=bool(keepdims))

    @staticmethod
    def on_reducemin(x, axes, keepdims):
        return tf.reduce_min(x, Net.axis(x, axes[0]), keepdims=bool(keepdims))

    @staticmethod
    def on_reducesum(x, axes, keepdims):
        return tf.reduce_sum(x, Net.axis(x, int(axes[0])), keepdims=bool(keepdims))

    @staticmethod
    def on_gather(x, indices, axis):
        return tf.gather(x, indices.astype(np.int32), axis=Net.axis(x, axis))

    @staticmethod
    def on_slice(x, start, end, axis):
        if list(axis) != [1]:
            raise SystemExit(f"a slice of axis {axis} is not known")
        return x[..., int(start[0]):int(end[0])]

    @staticmethod
    def on_concat(*parts, axis):
        return tf.concat(parts, Net.axis(parts[0], axis))

    @staticmethod
    def on_pow(x, power):
        """Roots are quicker than powers, and as exact."""
        roots = {1.0: 0, 0.5: 1, 0.25: 2}.get(power.item())
        if roots is None:
            return tf.pow(x, power)
        for _ in range(roots):
            x = tf.sqrt(x)
        return x

    @staticmethod
    def axis(x, axis):
        return AXIS[axis] if len(x.shape) == 4 else axis


def pairwise(function):
    def operator(a, b):
        return function(*(last(v) if isinstance(v, np.ndarray) else v for v in (a, b)))
    return staticmethod(operator)


for name, function in {"add": tf.add, "mul": tf.multiply, "div": tf.divide, "max": tf.maximum, "min": tf.minimum}.items():
    setattr(Net, "on_" + name, pairwise(function))
for name, function in {"relu": tf.nn.relu, "exp": tf.exp, "sqrt": tf.sqrt, "sigmoid": tf.sigmoid}.items():
    setattr(Net, "on_" + name, staticmethod(function))
