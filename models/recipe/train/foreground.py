#!/usr/bin/env python3
"""Trains the foreground head of the picture graph; writes ../foreground.npz.

foreground.py [--cache DIR] [--scenes 3000] [--epochs 6] [--out ../foreground.npz]

The classifier is frozen: its maps of every scene are computed once (ONNX Runtime, one thread) and
kept; the head (31,000 weights, 48 channels) is trained on them. On a machine with a GPU the head
trains there. Seeds are fixed; the last bits of the weights still depend on the machine.
"""
import argparse
import csv
import json
import pathlib
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import evaluate  # noqa: E402  (the recipe lies one folder up)
import image  # noqa: E402
import material  # noqa: E402
import networks  # noqa: E402
import readers  # noqa: E402
import scenes  # noqa: E402
import sources  # noqa: E402
from bridge import Bridge  # noqa: E402
from onnxgraph import Graph  # noqa: E402

CELLS, WIDTH = scenes.SIZE // 16, 48
CHANNELS = {"t2": 40, "t4": 112, "t6": 320, "p": None}
BATCH, RATE, DECAY, DROP = 8, 4e-3, 0.02, 0.2


def encoder(state):
    """The classifier with the maps the head sees, and its logits."""
    g = Graph("frozen", "float32")
    maps, logits = networks.lite0(g, g.input("picture", (1, 3, scenes.SIZE, scenes.SIZE)), state)
    for name, tensor in (("t2", maps[2]), ("t4", maps[4]), ("t6", maps[6]), ("logits", logits)):
        g.output(tensor, name)
    return evaluate.session(g.model().SerializeToString())


def masses(logits, bridge):
    """The concepts' masses at every place, as the picture graph computes them."""
    blur = image.smoothing(logits.shape[1], image.BEFORE)
    logits = np.einsum("ij,cjk,lk->cil", blur, logits, blur) / image.TEMPERATURE
    odds = np.exp(logits - logits.max(0))
    return np.einsum("ck,kij->cij", bridge.pictures, odds / odds.sum(0))


def features(session, bridge, picture):
    pixels = (np.asarray(picture, np.float32) - 127) / 128
    t2, t4, t6, logits = (out[0] for out in session.run(None, {"picture": pixels.transpose(2, 0, 1)[None]}))
    t2 = t2.reshape(len(t2), CELLS, 2, CELLS, 2).mean((2, 4))
    roots = np.sqrt(np.maximum(masses(logits, bridge), 0))
    return {"t2": t2, "t4": t4, "t6": t6, "p": roots}


def examples(session, bridge, packages, count, seed, validation):
    """{name: (count, channels, h, w) float16} and the masks' cover of each cell."""
    things, pictures = scenes.material(packages, validation)
    print(f"{len(things)} things, {len(pictures)} backgrounds, {count} scenes", flush=True)
    rng, out, cover = random.Random(seed), {name: [] for name in CHANNELS}, []
    for _ in range(count):
        picture, mask = scenes.scene(things, pictures, rng)
        for name, value in features(session, bridge, picture).items():
            out[name].append(value.astype(np.float16))
        cover.append(mask.reshape(CELLS, 16, CELLS, 16).mean((1, 3)).astype(np.float32))
    return {name: np.stack(values) for name, values in out.items()}, np.stack(cover)


class Head(torch.nn.Module):
    """The same arithmetic as `foreground` in ../image.py."""

    def __init__(self, concepts, scales):
        super().__init__()
        for name, scale in scales.items():
            self.register_buffer(f"scale_{name}", scale)
        self.inputs = torch.nn.ModuleDict({name: torch.nn.Conv2d(channels or concepts, WIDTH, 1, bias=name == "t4")
                                           for name, channels in CHANNELS.items()})
        self.depthwise = torch.nn.Conv2d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH, padding_mode="replicate")
        self.pointwise = torch.nn.Conv2d(WIDTH, WIDTH, 1)
        self.out = torch.nn.Conv2d(WIDTH, 1, 1)

    def forward(self, maps):
        total = 0
        for name, layer in self.inputs.items():
            scale = getattr(self, f"scale_{name}", 1.0)
            part = F.dropout2d(layer(maps[name] / scale), DROP, self.training)
            total = total + F.interpolate(part, size=(CELLS, CELLS), mode="bilinear", align_corners=False)
        total = F.relu6(total)
        near = F.relu6(self.depthwise(total))
        return self.out(F.relu6(self.pointwise(near) + total))[:, 0]

    def weights(self):
        out = {}
        for name, layer in self.inputs.items():
            scale = getattr(self, f"scale_{name}", torch.ones(1, 1, 1, 1))
            out[name] = (layer.weight / scale)[:, :, 0, 0]
        out["bias"] = self.inputs["t4"].bias
        for name in ("depthwise", "pointwise", "out"):
            weight = getattr(self, name).weight
            out[name] = weight if name == "depthwise" else weight[:, :, 0, 0]
            out[f"{name}_bias"] = getattr(self, name).bias
        return {name: value.detach().cpu().numpy().astype(np.float32) for name, value in out.items()}


def batch(maps, rows, device):
    return {name: torch.from_numpy(values[rows].astype(np.float32)).to(device) for name, values in maps.items()}


def score(head, maps, cover, device):
    """(cross-entropy, intersection over union at one half) on held-out scenes."""
    head.eval()
    with torch.no_grad():
        logits = torch.cat([head(batch(maps, slice(i, i + 16), device)).cpu() for i in range(0, len(cover), 16)])
    head.train()
    truth = torch.from_numpy(cover)
    found, there = logits > 0, truth > 0.5
    return (float(F.binary_cross_entropy_with_logits(logits, truth)),
            float((found & there).sum() / (found | there).sum()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=HERE.parent / ".cache")
    parser.add_argument("--scenes", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "foreground.npz")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    files = sources.fetch(args.cache)
    names = [row["display_name"] for row in csv.DictReader(files["yamnet_class_map.csv"].open())]
    bridge = Bridge(HERE.parent / "concepts.toml", names, json.loads(files["imagenet_names.json"].read_text()))
    session = encoder(readers.legacy_torch(files["efficientnet-lite0.pth"]))
    packages = material.fetch(args.cache / "material")
    held, held_cover = examples(session, bridge, packages, 150, 9, True)
    maps, cover = examples(session, bridge, packages, args.scenes, 1, False)

    scales = {name: torch.from_numpy(maps[name][:100].astype(np.float32).std((0, 2, 3)) + 1e-3)[None, :, None, None]
              for name in ("t2", "t4", "t6")}
    head = Head(len(bridge.concepts), scales).to(device)
    optimiser = torch.optim.AdamW(head.parameters(), RATE / 2, weight_decay=DECAY)
    steps = args.epochs * len(cover) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps + 1)
    rng = np.random.default_rng(0)
    for step in range(steps):
        rows = np.sort(rng.choice(len(cover), BATCH, replace=False))
        x, y = batch(maps, rows, device), torch.from_numpy(cover[rows]).to(device)
        if rng.random() < 0.5:
            x, y = {name: value.flip(-1) for name, value in x.items()}, y.flip(-1)
        loss = F.binary_cross_entropy_with_logits(head(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % max(1, steps // 6) == 0 or step + 1 == steps:
            print("step {} of {}: held out, cross-entropy {:.3f}, IoU {:.3f}".format(
                step + 1, steps, *score(head, held, held_cover, device)), flush=True)
    np.savez(args.out, **head.weights())
    print(f"{args.out}: sha256 {sources.sha256(args.out)} (enter it in heads.py)")


if __name__ == "__main__":
    main()
