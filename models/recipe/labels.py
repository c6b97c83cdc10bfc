"""The labels of a pack: names, where they sit in the space, and which tags speak for them."""
import json
import pathlib

import numpy as np

import audio
from bridge import parse

# "Animal" is true of every dog: a general name must be clearer than the particular one to be told.
GENERAL = 0.6

# A dimension that sounds of all kinds raise says less of where to look than one that only its own
# do: it weighs 1 / sqrt(1 + r / RARE), r the value that 2 % of other sounds pass (train/rarity.py).
RARE = 0.2


def map_weights(bridge):
    """One weight a dimension, for the map alone."""
    rarity = json.loads((pathlib.Path(__file__).parent / "rarity.json").read_text())
    return [round((1 + rarity[row["name"]] / RARE) ** -0.5, 4) for row in bridge.rows] + [1.0]


def spoken(row):
    return [[int(i), round(float(row[i]), 4)] for i in np.flatnonzero(row)]


def labels(bridge, sound_names):
    """One label a concept (several for people), one a family, one an unseen sound.

    The prototype is the embedding of a sound that is the concept's beyond doubt: all that names
    it, and the general name of each of its families, as YAMNet scores them together.
    """
    families = {f["name"]: f for f in bridge.families}
    special = {}
    for label in bridge.labels:
        special.setdefault(label["concept"], []).append(label)
    out = []
    for i, row in enumerate(bridge.rows):
        strong = bridge.sounds[i] >= 0.9
        if not strong.any():  # no sound of its own (an elephant): what it shares must do
            strong = bridge.sounds[i] >= bridge.sounds[i].max()
        for kin in row.get("kin", []):
            strong = strong | (np.arange(len(sound_names)) == parse(families[kin]["sounds"][0], sound_names, kin)[0][0])
        prototype = audio.embed(bridge, strong.astype(np.float32))
        prototype = [round(float(x), 5) for x in prototype / np.linalg.norm(prototype)]
        if row.get("label") is False:
            continue
        visible = row not in bridge.unseen
        general = GENERAL if row in bridge.families else 1.0
        for label in special.get(row["name"], [row]):
            weights = np.zeros(len(sound_names), np.float32)
            for entry in label["sounds"]:
                for j, weight in parse(entry, sound_names, label["name"]):
                    weights[j] = weight * general
            out.append({"name": label["name"], "visible": visible,
                        "general": row in bridge.families, "sounds": spoken(weights), "prototype": prototype})
    first = len(bridge.concepts)
    families = list(range(first, first + len(bridge.families)))
    return {"dimensions": bridge.names, "families": families, "weights": map_weights(bridge),
            "labels": out, "tags": sound_names}
