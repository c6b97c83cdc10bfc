"""Trained weights: small files that train/ makes and the recipe keeps, each checked before use."""
import pathlib

import numpy as np

from sources import sha256

HERE = pathlib.Path(__file__).resolve().parent

# What a training run leaves differs in its last bits from machine to machine, so the weights
# themselves are kept; the run that made them: train/README.md.
DIGESTS = {
    "foreground": "42d9ed318ae209d365c357a653fd1a39c434dd7c39adcae72f9f1d983e0e837a",
}


def load(name):
    """{name: float32 array}."""
    path = HERE / f"{name}.npz"
    if sha256(path) != DIGESTS[name]:
        raise SystemExit(f"{path}: sha256 is {sha256(path)}, expected {DIGESTS[name]}; "
                         "after training, enter the new one in heads.py")
    with np.load(path) as file:
        return {key: file[key].astype(np.float32) for key in file.files}
