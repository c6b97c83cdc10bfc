#!/usr/bin/env python3
"""Runs a pack with ONNX Runtime on a manifest of pictures and sounds; writes prediction rows.

evaluate.py --pack ../owlet --manifest $DEV/pairs.jsonl --out pairs.pred.jsonl
"""
import argparse
import json
import math
import pathlib
import tomllib

import numpy as np
import onnxruntime
import scipy.io.wavfile
import scipy.signal
from PIL import Image

import logmel
from look import Labels, drawn, one


def session(path, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def read_sound(path):
    """Mono float samples at 16 kHz."""
    rate, samples = scipy.io.wavfile.read(path)
    if samples.dtype.kind == "u":
        samples = (samples.astype(np.float32) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples / float(2 ** (8 * samples.dtype.itemsize - 1))
    if samples.ndim > 1:
        samples = samples.mean(1)
    if rate != logmel.RATE:
        common = math.gcd(rate, logmel.RATE)
        samples = scipy.signal.resample_poly(samples, logmel.RATE // common, rate // common)
    return samples.astype(np.float32)


class Pack:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.spec = tomllib.loads((folder / "pack.toml").read_text())
        self.image = session(folder / self.spec["image"]["file"])
        self.audio = session(folder / self.spec["audio"]["file"])
        self.labels = Labels(json.loads((folder / self.spec["labels"]["file"]).read_text()))

    def see(self, picture):
        """(D, h, w) of a PIL picture, normalised over the channels."""
        spec = self.spec["image"]
        pixels = np.asarray(picture.convert("RGB").resize(spec["size"], Image.BILINEAR), np.float32)
        pixels = (pixels - np.float32(spec["mean"])) / np.float32(spec["std"])
        found = self.image.run(["map"], {"picture": pixels.transpose(2, 0, 1)[None]})[0][0]
        return found / np.maximum(np.linalg.norm(found, axis=0), 1e-9)

    def hear(self, samples):
        """(D vector, tag scores), pooled over the patches as the pack says."""
        pool = {"mean": np.mean, "max": np.max}[self.spec["audio"]["pooling"]]
        rows = [self.audio.run(["embedding", "tags"], {"patch": p[None, None]}) for p in logmel.patches(samples)]
        return pool([e[0] for e, _ in rows], axis=0), pool([t[0] for _, t in rows], axis=0)

    def row(self, seen, samples):
        """One prediction: the map of the whole sound, and what is said of it as one source."""
        calibration = self.spec["calibration"]
        level = 20 * math.log10(max(float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0, 1e-9))
        vector, tags = self.hear(samples)
        out = {"map": drawn(seen, vector, self.labels).round(6).tolist(), "confidence": 0.0, "on_screen": False}
        if level < calibration["sound_floor_dbfs"]:
            return out
        source = one(seen, vector, tags, self.labels, calibration["on_screen"], calibration["sure_label"])
        if source:
            slope, offset = calibration["confidence"]
            certainty = 1 / (1 + math.exp(-(slope * source["strength"] + offset)))
            out["confidence"] = round(calibration.get("ceiling", 1.0) * certainty, 6)
            out.update(on_screen=source["on_screen"], label=source["label"])
        return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default=pathlib.Path(__file__).parent.parent / "owlet")
    parser.add_argument("--manifest", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    args = parser.parse_args()
    pack, seen, sounds = Pack(args.pack), {}, {}
    with args.out.open("w") as out:
        for row in map(json.loads, args.manifest.open()):
            if row["image"] not in seen:
                seen[row["image"]] = pack.see(Image.open(args.manifest.parent / row["image"]))
            if row["audio"] not in sounds:
                sounds[row["audio"]] = read_sound(args.manifest.parent / row["audio"])
            json.dump({"id": row["id"], **pack.row(seen[row["image"]], sounds[row["audio"]])}, out)
            out.write("\n")


if __name__ == "__main__":
    main()
