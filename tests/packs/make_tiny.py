#!/usr/bin/env python3
"""Makes tests/packs/tiny: a pack of a few KB whose answers a test can know beforehand.

Its picture encoder sees colours, its sound encoder hears pitch, and they meet where
low = red, middle = green, high = blue; the fourth dimension is the grey background, the fifth
broadband noise, which no picture shows. Needs: pip install onnx==1.23.2 numpy==2.4.6
Run it from anywhere; the output is the same, byte for byte.
"""
import hashlib
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).parent / "tiny"
WIDTH, HEIGHT, CELL = 64, 48, 8
NAMES = ["Red", "Green", "Blue"]
D = 5


def save(name, nodes, constants, inputs, outputs):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(v, n) for n, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
                              producer_name="tiny")
    onnx.checker.check_model(model)
    (OUT / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def image():
    # Each colour minus half of the two others; grey gives the background's constant alone.
    # Half floats and a Cast, as shipped packs have them.
    colour = np.full((3, 3), -0.5) + 1.5 * np.eye(3)
    weights = np.zeros((D, 3, 1, 1), np.float16)
    weights[:3, :, 0, 0] = colour
    background = np.array([0, 0, 0, 0.25, 0], np.float32).reshape(1, D, 1, 1)
    save("image", [
        helper.make_node("Cast", ["weights"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["picture"], ["cells"], kernel_shape=[CELL] * 2, strides=[CELL] * 2),
        helper.make_node("Conv", ["cells", "w"], ["differences"]),
        helper.make_node("Relu", ["differences"], ["colours"]),
        helper.make_node("Add", ["colours", "background"], ["map"]),
    ], {"weights": weights, "background": background},
        [("picture", [1, 3, HEIGHT, WIDTH])], [("map", [1, D, HEIGHT // CELL, WIDTH // CELL])])


def audio():
    # Mean over time, then the strongest band of each third of the scale: above the mean of all
    # bands by more than 2 it is a tone. Noise is loud in all bands.
    thirds = [0, 21, 42, 64]
    parts = [f"third{i}" for i in range(3)]
    nodes = [
        helper.make_node("AveragePool", ["patch"], ["bands"], kernel_shape=[96, 1]),
        helper.make_node("ReduceMean", ["bands"], ["all"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Split", ["bands", "lengths"], parts, axis=3),
    ]
    nodes += [helper.make_node("ReduceMax", [p], [p + "_max"], axes=[1, 2, 3], keepdims=1) for p in parts]
    nodes += [
        helper.make_node("Concat", [p + "_max" for p in parts], ["loudest"], axis=3),
        helper.make_node("Sub", ["loudest", "all"], ["above"]),
        helper.make_node("Sub", ["above", "two"], ["clear"]),
        helper.make_node("Relu", ["clear"], ["tones"]),
        helper.make_node("Concat", ["tones", "nothing"], ["four"], axis=3),
        helper.make_node("Add", ["all", "three"], ["louder"]),
        helper.make_node("Relu", ["louder"], ["noise"]),
        helper.make_node("Concat", ["four", "noise"], ["five"], axis=3),
        helper.make_node("Reshape", ["five", "shape"], ["embedding"]),
        helper.make_node("Sub", ["embedding", "one"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["tags"]),
    ]
    save("audio", nodes, {
        "lengths": np.diff(thirds).astype(np.int64), "two": np.float32(2), "one": np.float32(1),
        "three": np.float32(3), "nothing": np.zeros((1, 1, 1, 1), np.float32),
        "shape": np.array([1, D], np.int64),
    }, [("patch", [1, 1, 96, 64])], [("embedding", [1, D]), ("tags", [1, D])])


def labels():
    # Crimson shares Red's prototype: only the tags tell the two apart.
    rows = [(name, True, i, [[i, 1.0]]) for i, name in enumerate(NAMES)]
    rows += [("Crimson", True, 0, [[0, 0.5]]), ("Noise", False, 4, [[4, 1.0]])]
    data = {
        "dimensions": NAMES + ["Background", "Noise"],
        "families": [],
        "labels": [{"name": n, "visible": v, "prototype": [float(d == i) for d in range(D)], "sounds": s}
                   for n, v, i, s in rows],
        "tags": ["low", "middle", "high", "grey", "noise"],
    }
    (OUT / "labels.json").write_text(json.dumps(data) + "\n")


def manifest():
    def digest(name):
        return hashlib.sha256((OUT / name).read_bytes()).hexdigest()

    (OUT / "pack.toml").write_text(f'''schema = 1
name = "tiny"
version = "0.1.0"
embedding = {D}

[image]
file = "image.onnx"
sha256 = "{digest("image.onnx")}"
size = [{WIDTH}, {HEIGHT}]
mean = [127, 127, 127]
std = [128, 128, 128]
map = [{WIDTH // CELL}, {HEIGHT // CELL}]

[audio]
file = "audio.onnx"
sha256 = "{digest("audio.onnx")}"
front_end = "yamnet-log-mel"
pooling = "level-weighted"

[labels]
file = "labels.json"
sha256 = "{digest("labels.json")}"

[calibration]
on_screen = 0.5
confidence = [10.0, -5.0]
sure_label = 0.3
sound_floor_dbfs = -60.0

[licence]
spdx = "MIT OR Apache-2.0"

[[source]]
name = "weights written by hand"
package = "tests/packs/make_tiny.py"
version = "0.1.0"
sha256 = []
licence = "MIT OR Apache-2.0"
use = "both nets"
''')


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    image()
    audio()
    labels()
    manifest()
