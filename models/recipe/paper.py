#!/usr/bin/env python3
"""Turns a checkpoint of the paper's own pair into a model pack.

    python paper.py ours_sup.pth.tar ~/packs/paper
    tyto locate --model ~/packs/paper picture.jpg sound.wav

The layout is that of kaistmm/SSLalignment, which LVS has as well: `imgnet` and `audnet`, two
ResNet-18 whose fourth layer keeps its stride at 1, so that a picture of 224² becomes 14×14 places
of 512 values and 257×299 of sound one vector of 512 after a maximum over time and frequency. Heads
that are used in training alone are ignored. The width is read from the weights.

The authors' weights have no licence and are not part of Tyto.
"""
import argparse
import hashlib
import pathlib

import numpy as np
import onnx
import paper_checkpoint
from onnxgraph import Graph, fold

PICTURE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SAMPLES, SEGMENT, OVERLAP = 48_000, 512, 353
EPSILON = 1e-5  # of batch normalisation, PyTorch's default
STRIDES = (1, 2, 2, 1)


class Net:
    """One ResNet-18 as a graph."""

    def __init__(self, weights, prefix, graph):
        self.weights, self.prefix, self.graph, self.used = weights, prefix, graph, set()

    def take(self, name):
        name = f"{self.prefix}.{name}"
        if name not in self.weights:
            raise SystemExit(f"the checkpoint has no {name}: it is not of the paper's layout")
        self.used.add(name)
        return self.weights[name].astype(np.float64)

    def conv(self, x, conv, norm, stride, act=None):
        """Convolution and the batch normalisation behind it, folded into one."""
        weight = self.take(f"{conv}.weight")
        parts = [self.take(f"{norm}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
        self.used.add(f"{self.prefix}.{norm}.num_batches_tracked")
        weight, bias = fold(weight, *parts, EPSILON)
        out, channels, side, _ = weight.shape
        _, found, height, width = self.graph.shapes[x]
        if channels != found:
            raise SystemExit(f"{self.prefix}.{conv} wants {channels} channels and gets {found}")
        pad = side // 2
        down, across = ((n + 2 * pad - side) // stride + 1 for n in (height, width))
        constants = [self.graph.constant(array.astype(np.float32)) for array in (weight, bias)]
        y = self.graph.node("Conv", [x, *constants], (1, out, down, across), kernel_shape=[side, side],
                            strides=[stride, stride], pads=[pad] * 4)
        return self.graph.activate(y, act)

    def block(self, x, name, stride):
        y = self.conv(x, f"{name}.conv1", f"{name}.bn1", stride, "Relu")
        y = self.conv(y, f"{name}.conv2", f"{name}.bn2", 1)
        if f"{self.prefix}.{name}.downsample.0.weight" in self.weights:
            x = self.conv(x, f"{name}.downsample.0", f"{name}.downsample.1", stride)
        return self.graph.activate(self.graph.add(y, x), "Relu")

    def run(self, x, first):
        x = self.conv(x, first, "bn1", 2, "Relu")
        _, channels, height, width = self.graph.shapes[x]
        down, across = (height - 1) // 2 + 1, (width - 1) // 2 + 1
        x = self.graph.node("MaxPool", [x], (1, channels, down, across), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        for layer, stride in enumerate(STRIDES, 1):
            x = self.block(x, f"layer{layer}.0", stride)
            x = self.block(x, f"layer{layer}.1", 1)
        return x


def image_graph(weights):
    graph = Graph("image")
    net = Net(weights, "imgnet", graph)
    x = net.run(graph.input("picture", (1, 3, PICTURE, PICTURE)), "conv1")
    graph.output(x, "map")
    return graph, graph.shapes[x], net.used


def audio_graph(weights):
    graph = Graph("audio")
    net = Net(weights, "audnet", graph)
    frames = (SAMPLES - SEGMENT) // (SEGMENT - OVERLAP) + 1
    x = net.run(graph.input("patch", (1, 1, SEGMENT // 2 + 1, frames)), "conv1_a")
    channels = graph.shapes[x][1]
    x = graph.node("GlobalMaxPool", [x], (1, channels, 1, 1))
    x = graph.node("Flatten", [x], (1, channels), axis=1)
    graph.output(x, "embedding")
    return graph, graph.shapes[x], net.used


def macs(graph):
    """Multiply-accumulates of the graph's convolutions."""
    convolutions = (node for node in graph.nodes if node.op_type == "Conv")
    return sum(int(np.prod(graph.shapes[node.output[0]]) * np.prod(graph.shapes[node.input[1]][1:])) for node in convolutions)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def manifest(folder, checkpoint, options, dim, places):
    scaled = [[round(255 * value, 3) for value in values] for values in (MEAN, STD)]
    return f'''schema = 1
name = "{options.name}"
version = "{options.version}"
embedding = {dim}
label = "sound"

[image]
file = "image.onnx"
sha256 = "{sha256(folder / "image.onnx")}"
size = [{PICTURE}, {PICTURE}]
filter = "bicubic"
mean = {scaled[0]}
std = {scaled[1]}
map = [{places[1]}, {places[0]}]

[audio]
file = "audio.onnx"
sha256 = "{sha256(folder / "audio.onnx")}"
front_end = "spectrogram"
pooling = "mean"

[audio.spectrogram]
samples = {SAMPLES}
segment = {SEGMENT}
overlap = {OVERLAP}
offset = 1e-7
scale = 12.0

[calibration]
on_screen = {options.on_screen}
confidence = [{options.slope}, {-options.slope * options.on_screen:.4f}]
sound_floor_dbfs = -60.0

[licence]
spdx = "{options.licence}"

[[source]]
name = "{checkpoint.name}"
package = "{options.origin}"
version = "unknown"
sha256 = ["{sha256(checkpoint)}"]
licence = "{options.licence}"
use = "both encoders"
'''


def card(checkpoint, options, dim, places, cost, ignored):
    return f'''# Model card: {options.name} {options.version}
Converted by Tyto's `models/recipe/paper.py` from `{checkpoint.name}` (SHA-256 `{sha256(checkpoint)}`), published at {options.origin}. Licence of the weights: {options.licence}.

| | picture | sound |
|---|---|---|
| net | ResNet-18, layer4 at stride 1 | the same, one input channel |
| input | whole frame stretched to {PICTURE}², bicubic, ImageNet's mean and deviation | 3 s at 16 kHz: log power spectrogram {SEGMENT // 2 + 1}×{(SAMPLES - SEGMENT) // (SEGMENT - OVERLAP) + 1} |
| output | {dim} values at {places[1]}×{places[0]} places | {dim} values, the maximum over time and frequency |
| cost | {cost[0] / 1e9:.3g} GMAC | {cost[1] / 1e9:.3g} GMAC |

The pair knows like from unlike and no names: every source is called "sound". A source is in view where the cosine reaches {options.on_screen}. Nothing of the calibration was fitted by the conversion: 0.3175 is the threshold that others published for the authors' released weights (from negatives of IS3), and the slope of the confidence is a guess.

Left out of the checkpoint: {ignored} tensors that its inference does not use.
'''


def convert(checkpoint, folder, options):
    """Writes the pack into `folder`; returns (width of the space, map's height and width)."""
    weights = paper_checkpoint.state(checkpoint)
    image, (_, dim, *places), seen = image_graph(weights)
    audio, (_, heard_dim), heard = audio_graph(weights)
    if dim != heard_dim:
        raise SystemExit(f"the picture's vectors have {dim} values and the sound's {heard_dim}")
    folder.mkdir(parents=True, exist_ok=True)
    for graph in (image, audio):
        onnx.save(graph.model(), folder / f"{graph.name}.onnx")
    ignored = len(set(weights) - seen - heard)
    (folder / "pack.toml").write_text(manifest(folder, checkpoint, options, dim, places))
    cost = (macs(image), macs(audio))
    (folder / "MODEL_CARD.md").write_text(card(checkpoint, options, dim, places, cost, ignored))
    print(f"{folder}: {dim} values at {places[1]}x{places[0]} places, {cost[0] / 1e9:.3g} + {cost[1] / 1e9:.3g} GMAC, "
          f"{ignored} tensors of the checkpoint ignored")
    return dim, places


def parser():
    options = argparse.ArgumentParser(description="Turns a checkpoint of the paper's pair into a model pack.")
    options.add_argument("--name", default="paper", help="name of the pack")
    options.add_argument("--version", default="0", help="version of the pack")
    options.add_argument("--origin", default="github.com/kaistmm/SSLalignment", help="where the checkpoint was published")
    options.add_argument("--licence", default="NONE", help="SPDX expression of the checkpoint's licence")
    options.add_argument("--on-screen", type=float, default=0.3175, help="cosine from which a source is in view")
    options.add_argument("--slope", type=float, default=20.0, help="slope of the confidence over the cosine")
    return options


if __name__ == "__main__":
    arguments = parser()
    arguments.add_argument("checkpoint", type=pathlib.Path)
    arguments.add_argument("folder", type=pathlib.Path)
    given = arguments.parse_args()
    convert(given.checkpoint, given.folder, given)
