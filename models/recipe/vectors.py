"""Reference vectors for the encoders: what ONNX Runtime makes of a seeded picture and patch."""
import json

import numpy as np
from PIL import Image

import logmel

RATE, SECONDS = 16000, 1.5


def signal():
    """A chirp, a tone and a click train; simple enough to state as a formula."""
    t = np.arange(int(RATE * SECONDS)) / RATE
    chirp = 0.3 * np.sin(2 * np.pi * (200 * t + 900 * t * t))
    tone = 0.2 * np.sin(2 * np.pi * 3000 * t) * (t > 0.5)
    clicks = 0.5 * ((np.arange(len(t)) % 4000) == 0)
    return (chirp + tone + clicks).astype(np.float32)


def picture(width=97, height=61):
    """Seeded smooth colour with noise and a hard edge, RGB bytes."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([128 + 90 * np.sin(x / 9 + c) * np.cos(y / 7 - c) for c in range(3)], -1)
    base[:, width // 2:] += 40
    return np.clip(base + rng.normal(0, 12, base.shape), 0, 255).astype(np.uint8)


def normalised(pixels, size, mean, std):
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.BILINEAR), np.float32)
    return ((resized - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)


def write(folder, pack):
    folder.mkdir(parents=True, exist_ok=True)

    def put(name, array, kind="<f4"):
        np.ascontiguousarray(array, kind).tofile(folder / name)
        return {"file": name, "shape": list(array.shape)}

    patch, pixels, spec = logmel.patches(signal())[0], picture(), pack.spec["image"]
    whole = normalised(pixels, spec["size"], spec["mean"], spec["std"])
    found = pack.image.run(["map"], {"picture": whole[None]})[0]
    embedding, tags = pack.audio.run(["embedding", "tags"], {"patch": patch[None, None]})
    (folder / "vectors.json").write_text(json.dumps({
        "made_by": "ONNX Runtime, one thread, CPU; f32 little endian, C order",
        "image": {"picture": put("picture.rgb", pixels, "u1"), "map": put("map.f32", found)},
        "audio": {"patch": put("patch.f32", patch), "embedding": put("embedding.f32", embedding),
                  "tags": put("tags.f32", tags)}}, indent=1) + "\n")
