#!/usr/bin/env python3
"""Write the paper's pair of encoders with random weights as a model pack: what it costs does not
depend on what it knows.

    python tests/peers/pair.py FOLDER
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/recipe"))
import paper  # noqa: E402

WIDTHS = (64, 128, 256, 512)


def weights(seed=1):
    """Tensors of two ResNet-18 under the names of the authors' checkpoint."""
    rng, tensors = np.random.default_rng(seed), {}

    def conv(name, norm, out, channels, side):
        scale = np.sqrt(2 / (channels * side * side))
        tensors[f"{name}.weight"] = rng.normal(0, scale, (out, channels, side, side)).astype(np.float32)
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            tensors[f"{norm}.{part}"] = np.full(out, value, np.float32)

    for net, first, channels in (("imgnet", "conv1", 3), ("audnet", "conv1_a", 1)):
        conv(f"{net}.{first}", f"{net}.bn1", WIDTHS[0], channels, 7)
        before = WIDTHS[0]
        for layer, width in enumerate(WIDTHS, 1):
            for block in range(2):
                name = f"{net}.layer{layer}.{block}"
                conv(f"{name}.conv1", f"{name}.bn1", width, before, 3)
                conv(f"{name}.conv2", f"{name}.bn2", width, width, 3)
                if before != width:
                    conv(f"{name}.downsample.0", f"{name}.downsample.1", width, before, 1)
                before = width
    return tensors


def write(folder):
    """Writes the pack into `folder`; returns the multiply-accumulates of both graphs."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors, cost, shapes = weights(), [], []
    for name, build in (("image", paper.image_graph), ("audio", paper.audio_graph)):
        graph, shape, _ = build(tensors)
        onnx.save(graph.model(), folder / f"{name}.onnx")
        cost.append(paper.macs(graph))
        shapes.append(shape)
    options = paper.parser().parse_args(["--name", "pair-random", "--licence", "CC0-1.0"])
    _, dim, *places = shapes[0]
    text = paper.manifest(folder, folder / "image.onnx", options, dim, places)
    (folder / "pack.toml").write_text(text)
    return cost


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    print(", ".join(f"{cost / 1e9:.2f} GMAC" for cost in write(parser.parse_args().folder)))
