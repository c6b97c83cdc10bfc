"""The frozen ear and the bridge, as the training scripts need them."""
import csv
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import evaluate  # noqa: E402  (the recipe lies one folder up)
import logmel  # noqa: E402
import networks  # noqa: E402
import readers  # noqa: E402
from bridge import Bridge  # noqa: E402
from onnxgraph import Graph  # noqa: E402


def bridge(files):
    names = [row["display_name"] for row in csv.DictReader(files["yamnet_class_map.csv"].open())]
    return Bridge(HERE.parent / "concepts.toml", names, json.loads(files["imagenet_names.json"].read_text()))


class Ear:
    """YAMNet: (embedding, tags) of each patch of a sound."""

    def __init__(self, files):
        g = Graph("frozen-ear", "float32")
        embedding, tags = networks.yamnet(g, g.input("patch", (1, 1, logmel.FRAMES, logmel.BANDS)),
                                          readers.tensorflow_checkpoint(str(files["yamnet.index"]).removesuffix(".index")))
        g.output(embedding, "embedding")
        g.output(tags, "tags")
        self.session = evaluate.session(g.model().SerializeToString())

    def hear(self, samples):
        """(patches, 1024) and (patches, 521)."""
        rows = [self.session.run(None, {"patch": patch[None, None]}) for patch in logmel.patches(samples)]
        return np.stack([e.ravel() for e, _ in rows]), np.stack([t.ravel() for _, t in rows])
