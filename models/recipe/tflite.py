#!/usr/bin/env python3
"""Writes the pack's nets for TFLite, from the ONNX files that build.py wrote: the same weights.

tflite.py [--pack ../owlet] [--image int8] [--audio dynamic] [--pictures DIR ...]
"""
import argparse
import functools
import pathlib
import random
import re
import sys
import tomllib

import numpy as np
import tensorflow as tf
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / "train"))

import evaluate  # noqa: E402  (what follows lies beside, or in train/)
import logmel  # noqa: E402
import material  # noqa: E402
import pack  # noqa: E402
import quantise  # noqa: E402
import scenes  # noqa: E402
import tfjoin  # noqa: E402
from tfgraph import Net  # noqa: E402

CLIPS = HERE.parent.parent / "tests" / "clips"
SCENES, SEED = 48, 1
SCHEMES = ("float32", "float16", "int8-weights", "dynamic", "int8", "int16x8")
LEAST = 1 << 10  # weights of fewer values stay floats


def placed(shape):
    """A shape of ONNX with its channels last."""
    return [shape[0], shape[2], shape[3], shape[1]] if len(shape) == 4 else list(shape)


def content(net, given, wanted, contract, settings):
    """The TFLite file of the part of `net` from `given` {name: shape, channels last} to `wanted`.
    By the pack's contract a map has its channels first; between two parts they are last."""
    module = tf.Module()

    def part(*tensors):
        found = net.run(dict(zip(given, tensors)), wanted)
        return [tf.transpose(found[n], (0, 3, 1, 2)) if contract and len(found[n].shape) == 4 else tf.identity(found[n])
                for n in wanted]

    specs = [tf.TensorSpec(shape, tf.float32, name=f"in{i}") for i, shape in enumerate(given.values())]
    module.part = tf.function(part, input_signature=specs, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.part.get_concrete_function()], module)
    settings(converter)
    model = tfjoin.read(converter.convert())
    return in_order(model, len(given), len(wanted))


def in_order(model, inputs, outputs):
    """Inputs and outputs in the order of the function's, which the signature knows by number."""
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    def number(entry):
        return int(re.search(rb"(\d+)$", entry.name).group(1))
    graph.inputs = [e.tensorIndex for e in sorted(signature.inputs, key=number)]
    graph.outputs = [e.tensorIndex for e in sorted(signature.outputs, key=number)]
    assert (len(graph.inputs), len(graph.outputs)) == (inputs, outputs)
    return model


def settings(scheme, examples):
    def apply(converter):
        if scheme in ("float32", "int8-weights"):
            return
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if scheme == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if scheme in ("int8", "int16x8"):
            converter.representative_dataset = lambda: ([x] for x in examples())
            ops = tf.lite.OpsSet.TFLITE_BUILTINS_INT8 if scheme == "int8" else \
                tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            converter.target_spec.supported_ops = [ops]
        # The ranges alone: quantise.py goes on from there.
        converter._experimental_calibrate_only = scheme == "int8"
    return apply


def plain(converter):
    """Floats."""


def convert(path, scheme, examples):
    net = Net(path)
    inputs = {name: placed(shape) for name, shape in net.inputs.items()}
    if scheme in ("int8", "int16x8"):
        cut = net.cut()
        first = content(net, inputs, cut, False, settings(scheme, examples))
        shapes = {name: list(first.subgraphs[0].tensors[t].shape) for name, t in zip(cut, first.subgraphs[0].outputs)}
        if scheme == "int8":
            first = in_order(quantise.quantised(first, examples()), len(inputs), len(cut))
        model = tfjoin.joined(first, content(net, shapes, net.outputs, True, plain))
    else:
        model = content(net, inputs, net.outputs, True, settings(scheme, examples))
    if scheme == "int8-weights":
        model = tfjoin.narrowed(model, LEAST)
    return tfjoin.write(tfjoin.named(tfjoin.swept(model), list(inputs), net.outputs))


def calibration(cache, size, mean, std):
    """Pictures that say how large each tensor's values grow: composed scenes and the demo's."""
    packages = material.fetch(cache / "material")
    things, pictures = scenes.material(packages, False)
    rng = random.Random(SEED)
    shown = [scenes.scene(things, pictures, rng)[0] for _ in range(SCENES)]
    shown += [Image.open(path).convert("RGB").resize(size, Image.BILINEAR) for path in sorted(CLIPS.glob("*.jpg"))]
    # The input's own range is known: with both ends in one picture a byte is a byte.
    ends = np.zeros((*size[::-1], 3), np.uint8)
    ends[: size[1] // 2] = 255
    for picture in (*shown, ends):
        yield ((np.asarray(picture, np.float32) - np.float32(mean)) / np.float32(std))[None]


def sounds():
    """Patches of the demo's sounds."""
    for path in sorted(CLIPS.glob("*.wav")):
        for patch in logmel.patches(evaluate.read_sound(path)):
            yield patch[None, :, :, None].astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=HERE / ".cache")
    parser.add_argument("--pack", type=pathlib.Path, default=HERE.parent / "owlet")
    parser.add_argument("--out", type=pathlib.Path, help="another folder for the files, which the pack is not told of")
    parser.add_argument("--image", choices=SCHEMES, default="int8")
    parser.add_argument("--audio", choices=SCHEMES, default="dynamic")
    args = parser.parse_args()

    spec = tomllib.loads((args.pack / "pack.toml").read_text())
    shown = functools.cache(lambda: list(calibration(args.cache, spec["image"]["size"], spec["image"]["mean"], spec["image"]["std"])))
    heard = functools.cache(lambda: list(sounds()))
    folder = args.out or args.pack
    folder.mkdir(parents=True, exist_ok=True)
    for part, scheme, examples in (("image", args.image, shown), ("audio", args.audio, heard)):
        file = folder / f"{part}.tflite"
        file.write_bytes(convert(args.pack / spec[part]["file"], scheme, examples))
        print(f"{file}: {scheme}, {file.stat().st_size / 1e6:.1f} MB", flush=True)
    if not args.out:
        pack.add_tflite(args.pack)


if __name__ == "__main__":
    main()
