#!/usr/bin/env python3
"""Measures how high sounds of other kinds raise each dimension of the bridge; writes ../rarity.json.

rarity.py [--cache DIR] [--out ../rarity.json]

Of each dimension: the value that 2 % of the patches of sounds of other concepts pass (of a family:
of any), every concept counting the same. Sounds of the packages, names as labels (names.py).
"""
import argparse
import json
import pathlib

import numpy as np

import frozen
import material
import sounds

import audio  # noqa: E402  (frozen.py opens the recipe's folder)
import sources  # noqa: E402

PASSED = 0.02


def quantile(values, weights, part):
    order = np.argsort(values)
    reached = np.searchsorted(np.cumsum(weights[order]) / weights.sum(), part)
    return values[order][min(reached, len(values) - 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=frozen.HERE.parent / ".cache")
    parser.add_argument("--out", type=pathlib.Path, default=frozen.HERE.parent / "rarity.json")
    args = parser.parse_args()
    files = sources.fetch(args.cache)
    bridge, ear = frozen.bridge(files), frozen.Ear(files)
    packages = material.fetch(args.cache / "material", material.PACKAGES | material.SOUNDS)
    values, concepts, recordings = [], [], {}
    for concept, samples in sounds.material(packages):
        patches = [audio.embed(bridge, tags, even=True) for tags in ear.hear(samples)[1]]
        values += patches
        concepts += [(concept, len(patches))] * len(patches)
        recordings[concept] = recordings.get(concept, 0) + 1
    print(f"{sum(recordings.values())} recordings of {len(recordings)} concepts, {len(values)} patches")
    values = np.array(values)
    weights = np.array([1 / (patches * recordings[concept]) for concept, patches in concepts])
    rows = {}
    for i, row in enumerate(bridge.rows):
        others = np.array([concept != row["name"] for concept, _ in concepts])
        rows[row["name"]] = round(float(quantile(values[:, i], weights * others, 1 - PASSED)), 3)
    args.out.write_text(json.dumps(rows, indent=0, ensure_ascii=False) + "\n")
    print(f"{args.out} written")


if __name__ == "__main__":
    main()
