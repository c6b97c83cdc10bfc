"""Reader of checkpoints as PyTorch has written them since 1.6: a ZIP file with one pickle and raw data.

Written out here so that converting a checkpoint needs no framework. A checkpoint may hold anything
beside its tensors (an optimiser, the arguments of the run): nothing of that is executed, unknown
classes become inert placeholders.
"""
import collections
import pickle
import zipfile

import numpy as np

TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8",
         "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?"}


class Placeholder(dict):
    """Stands for an object of a class that is not wanted here."""

    def __init__(self, *arguments, **named):
        super().__init__()

    def __setstate__(self, state):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass


class Unpickler(pickle.Unpickler):
    def __init__(self, file, data):
        super().__init__(file, encoding="latin1")
        self.data = data

    def persistent_load(self, pid):
        _, kind, key, _, _ = pid[:5]
        return self.data(key, kind)

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *rest: data
        if name in TYPES:
            return name
        return Placeholder


def tensor(storage, offset, size, stride, *rest):
    if not isinstance(storage, np.ndarray):
        return None
    step = [n * storage.itemsize for n in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, step).copy()


def read(path):
    """Everything in the file; tensors are arrays, what is of no use here None or a placeholder."""
    if not zipfile.is_zipfile(path):
        raise SystemExit(f"{path}: is no checkpoint of PyTorch 1.6 or later; load it there and save it again")
    with zipfile.ZipFile(path) as archive:
        pickled = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
        if pickled is None:
            raise SystemExit(f"{path}: holds no data.pkl")
        root = pickled[:-len("data.pkl")]

        def data(key, kind):
            return np.frombuffer(archive.read(f"{root}data/{key}"), TYPES[kind]) if kind in TYPES else None

        with archive.open(pickled) as file:
            return Unpickler(file, data).load()


def state(path):
    """{name: array} of a model's state, wherever the checkpoint keeps it and however it was wrapped."""
    whole = read(path)
    for key in ("model_state_dict", "state_dict", "model"):
        if isinstance(whole, dict) and isinstance(whole.get(key), dict):
            whole = whole[key]
            break
    if not isinstance(whole, dict):
        raise SystemExit(f"{path}: holds no state of a model")
    return {name.removeprefix("module."): array for name, array in whole.items() if isinstance(array, np.ndarray)}
