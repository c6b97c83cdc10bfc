#!/usr/bin/env python3
"""Two sounds at once: how often a pack finds both, and how often it finds two where there is one.

mixtures.py [--pack ../owlet] --dev DIR

Of each picture of pairs.jsonl that holds two things, the recordings of both are repeated to one
length, brought to one loudness and added at -6, 0 and +6 dB. Found are both if at least two sources
are on screen and each thing has a peak in its boxes.
"""
import argparse
import json
import pathlib

import numpy as np
from PIL import Image

import evaluate
from look import look

LOUDNESS = 0.05  # RMS of each


def inside(source, boxes):
    y, x = (np.add(source["peak"], 0.5)) / source["map"].shape
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default=pathlib.Path(__file__).parent.parent / "owlet")
    parser.add_argument("--dev", type=pathlib.Path, required=True)
    args = parser.parse_args()
    pack, seen, heard = evaluate.Pack(args.pack), {}, {}
    calibration = pack.spec["calibration"]

    def found(row, vector, tags):
        if row["image"] not in seen:
            seen[row["image"]] = pack.see(Image.open(args.dev / row["image"]))
        sources = look(seen[row["image"]], vector, tags, pack.labels, calibration["on_screen"], calibration["sure_label"])
        return [source for source in sources if source["on_screen"]]

    def rows(name):
        return [json.loads(line) for line in (args.dev / f"{name}.jsonl").open()]

    groups = {}
    for row in rows("pairs"):
        groups.setdefault(row["group"], []).append(row)
    groups = [group[:2] for group in groups.values() if len(group) > 1]
    sounds = {row["audio"]: evaluate.read_sound(args.dev / row["audio"]) for group in groups for row in group}
    for decibels in (-6, 0, 6):
        both = []
        for group in groups:
            length = max(len(sounds[row["audio"]]) for row in group)
            first, second = (np.resize(sounds[row["audio"]], length) for row in group)
            first, second = (x * LOUDNESS / max(np.sqrt(np.mean(x ** 2)), 1e-9) for x in (first, second))
            mixed = (first * 10 ** (decibels / 20) + second).astype(np.float32)
            sources = found(group[0], *pack.hear(mixed))
            both.append(len(sources) > 1 and all(any(inside(s, row["boxes"]) for s in sources) for row in group))
        print(f"{decibels:+d} dB: both found in {100 * np.mean(both):.0f} % of {len(both)}", flush=True)
    for name in ("singles", "pairs", "quads"):
        second = []
        for row in rows(name):
            if row["audio"] not in heard:
                heard[row["audio"]] = pack.hear(evaluate.read_sound(args.dev / row["audio"]))
            second.append(len(found(row, *heard[row["audio"]])) > 1)
        print(f"{name}: a second source reported in {100 * np.mean(second):.1f} % of {len(second)}", flush=True)


if __name__ == "__main__":
    main()
