"""The concept table as matrices: from sounds, pictures and things to the shared space."""
import tomllib

import numpy as np

# COCO class numbers of those the table may name; the detector's numbering has gaps.
COCO = {
    "person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "airplane": 5, "bus": 6, "train": 7,
    "truck": 8, "boat": 9, "bird": 16, "cat": 17, "dog": 18, "horse": 19, "sheep": 20, "cow": 21,
    "elephant": 22, "bear": 23, "zebra": 24, "giraffe": 25, "sports ball": 37, "skateboard": 41,
    "tennis racket": 43, "toilet": 70, "tv": 72, "laptop": 73, "keyboard": 76, "cell phone": 77,
    "microwave": 78, "oven": 79, "toaster": 80, "sink": 81, "clock": 85, "hair drier": 89,
}


def parse(entry, names, where):
    """"Name*0.5" or "a .. b" -> [(index, weight), ...]."""
    name, _, weight = entry.partition("*")
    first, _, last = name.partition(" .. ")
    if first not in names or (last and last not in names):
        raise KeyError(f"{where}: no class is called {name!r}")
    if last:
        indices = range(names.index(first), names.index(last) + 1)
    else:
        indices = [i for i, n in enumerate(names) if n == first]
    return [(i, float(weight or 1)) for i in indices]


class Bridge:
    """Dimensions in order: concepts, families, unseen sounds, background."""

    def __init__(self, path, sound_names, picture_names):
        table = tomllib.load(open(path, "rb"))
        self.concepts, self.families = table["concept"], table["family"]
        self.unseen, self.labels = table["unseen"], table["label"]
        self.rows = self.concepts + self.families + self.unseen
        self.names = [row["name"] for row in self.rows] + ["Background"]
        self.coco = sorted({COCO[t.partition("*")[0]] for c in self.concepts for t in c.get("things", [])})
        n = len(self.concepts)
        self.sounds = np.zeros((len(self.rows), len(sound_names)), np.float32)
        self.pictures = np.zeros((n, len(picture_names)), np.float32)
        self.things = np.zeros((n, len(self.coco)), np.float32)
        self.kin = np.zeros((len(self.families), n), np.float32)
        family = [f["name"] for f in self.families]
        for i, row in enumerate(self.rows):
            for entry in row["sounds"]:
                for j, weight in parse(entry, sound_names, row["name"]):
                    self.sounds[i, j] = weight
        for i, row in enumerate(self.concepts):
            for entry in row.get("pictures", []):
                for j, weight in parse(entry, picture_names, row["name"]):
                    self.pictures[i, j] = max(self.pictures[i, j], weight)
            for entry in row.get("things", []):
                thing, _, weight = entry.partition("*")
                self.things[i, self.coco.index(COCO[thing])] = float(weight or 1)
            for name in row["kin"]:
                self.kin[family.index(name), i] = 1
        # A class shared by several concepts gives no more mass than it has.
        self.pictures /= np.maximum(self.pictures.sum(0), 1)
