#!/usr/bin/env python3
"""The same job as `tyto replay --fast`, as one would write it in Python: OpenCV, numpy, an engine.

    python tests/peers/pipeline.py PACK CLIP --engine onnxruntime|litert

Reads the clip in blocks of 20 ms and frame by frame; each 0.24 s scales the newest frame, encodes it
and the last 0.975 s of sound, pools four patches by level, and takes the peak of the map of
cosines. No names, no tracks, no bearings, no socket. Prints one JSON object: looks, the processor
time each took, and what the whole process used.
"""
import argparse
import collections
import json
import pathlib
import resource
import subprocess
import sys
import time
import tomllib

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/recipe"))
import logmel  # noqa: E402

RATE, BLOCK, HOP, WINDOW, FLOOR_DBFS = 16_000, 320, 0.24, 4, -60.0


def onnx_net(path):
    """A function from input to outputs by name, in ONNX Runtime on one thread."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = [output.name for output in session.get_outputs()]
    return lambda x: dict(zip(outputs, session.run(None, {name: x})))


def litert_net(path):
    """The same in LiteRT on one thread; pictures and patches are given channels last."""
    from ai_edge_litert.interpreter import Interpreter
    net = Interpreter(model_path=str(path), num_threads=1)
    net.allocate_tensors()
    [given] = net.get_input_details()
    outputs = net.get_output_details()

    def run(x):
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        if given["dtype"] != np.float32:
            scale, zero = given["quantization"]
            kind = np.iinfo(given["dtype"])
            x = np.clip(np.round(x / scale + zero), kind.min, kind.max).astype(given["dtype"])
        net.set_tensor(given["index"], x)
        net.invoke()
        found = {}
        for output in outputs:
            y = net.get_tensor(output["index"])
            if output["dtype"] != np.float32:
                scale, zero = output["quantization"]
                y = (y.astype(np.float32) - zero) * scale
            name = "map" if y.ndim == 4 else "tags" if y.shape[-1] == 521 else "embedding"
            found[name] = y.transpose(0, 3, 1, 2) if y.ndim == 4 and name == "map" else y
        return found

    return run


def nets(pack, engine):
    """Picture and sound encoder of the pack, and the manifest."""
    spec = tomllib.loads((pack / "pack.toml").read_text())
    if engine == "litert":
        return [litert_net(pack / spec[part]["tflite"]["file"]) for part in ("image", "audio")] + [spec]
    return [onnx_net(pack / spec[part]["file"]) for part in ("image", "audio")] + [spec]


class Looker:
    """What a look needs."""

    def __init__(self, pack, engine):
        self.image, self.audio, spec = nets(pack, engine)
        self.size, self.mean, self.std = spec["image"]["size"], spec["image"]["mean"], spec["image"]["std"]
        self.patches = collections.deque(maxlen=WINDOW)

    def look(self, frame, samples):
        """The peak of the map and the best of the tags; None in silence."""
        level = 10 * np.log10(max(np.mean(samples ** 2), 1e-12))
        if level < FLOOR_DBFS:
            return None
        patch = logmel.log_mel(samples)[None, None]
        heard = self.audio(patch.astype(np.float32))
        self.patches.append((heard["embedding"][0], 10 ** (level / 20)))
        weights = np.array([weight for _, weight in self.patches])
        vector = (np.array([vector for vector, _ in self.patches]) * weights[:, None]).sum(0) / weights.sum()
        small = cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA)[:, :, ::-1]
        planes = ((small.astype(np.float32) - self.mean) / self.std).astype(np.float32).transpose(2, 0, 1)[None]
        seen = self.image(np.ascontiguousarray(planes))["map"][0]
        length = np.linalg.norm(seen, axis=0) * np.linalg.norm(vector)
        cosines = np.einsum("dhw,d->hw", seen, vector) / np.maximum(length, 1e-9)
        peak = np.unravel_index(cosines.argmax(), cosines.shape)
        return peak, float(cosines.max()), int(heard["tags"][0].argmax()) if "tags" in heard else -1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=pathlib.Path)
    parser.add_argument("clip")
    parser.add_argument("--engine", choices=("onnxruntime", "litert"), default="onnxruntime")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    looker = Looker(args.pack, args.engine)
    began = time.perf_counter()
    film = cv2.VideoCapture(args.clip)
    rate = film.get(cv2.CAP_PROP_FPS)
    sound = subprocess.Popen(["ffmpeg", "-v", "error", "-i", args.clip, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"],
                             stdout=subprocess.PIPE)
    kept = np.zeros(logmel.PATCH_SAMPLES, np.float32)
    frame, shown, heard, due, times, found = None, 0, 0, logmel.PATCH_SAMPLES, [], 0
    while block := sound.stdout.read(4 * BLOCK):
        samples = np.frombuffer(block, np.float32)
        kept = np.concatenate([kept, samples])[-logmel.PATCH_SAMPLES:]
        heard += len(samples)
        while shown <= heard / RATE * rate:
            more, new = film.read()
            if not more:
                break
            frame, shown = new, shown + 1
        if heard >= due and frame is not None:
            due += int(HOP * RATE)
            start = time.thread_time()
            answer = looker.look(frame, kept)
            if answer:
                times.append(1e3 * (time.thread_time() - start))
                found += 1
                json.dumps({"peak": [int(n) for n in answer[0]], "value": answer[1], "tag": answer[2]})
    wall = time.perf_counter() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    times.sort()
    print(json.dumps({
        "looks": found, "wall_s": wall, "cpu_s": used[0].ru_utime + used[0].ru_stime,
        "peak_mb": used[0].ru_maxrss / 1e3, "look_ms_p50": times[len(times) // 2] if times else None,
        "look_ms_p99": times[int(0.99 * len(times))] if times else None,
    }))


if __name__ == "__main__":
    main()
