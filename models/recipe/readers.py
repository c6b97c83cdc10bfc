"""Readers of the weight files: a legacy PyTorch pickle, a TensorFlow checkpoint and a frozen graph.

Written out here so that the recipe needs neither framework: each is several hundred megabytes,
and all that is wanted of them is named arrays.
"""
import collections
import io
import pickle
import struct

import numpy as np


# --- protocol buffers -------------------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Top-level fields of one message: {number: [value, ...]}; submessages stay bytes."""
    out, at = collections.defaultdict(list), 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            value, at = bytes(data[at:at + size]), at + size
        else:
            size = {1: 8, 5: 4}[kind]
            value, at = bytes(data[at:at + size]), at + size
        out[key >> 3].append(value)
    return out


def shape_of(message):
    return tuple(fields(d).get(1, [0])[0] for d in fields(message).get(2, []))


# --- TensorFlow checkpoint (a LevelDB table of BundleEntry messages, and raw data) -------------

def table_block(data, offset, size):
    """Key-value pairs of one uncompressed table block."""
    assert data[offset + size] == 0, "compressed block"
    block = data[offset:offset + size]
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at:at + fresh]
        at += fresh
        yield key, block[at:at + length]
        at += length


def tensorflow_checkpoint(prefix):
    """{variable name: float32 array} of PREFIX.index and PREFIX.data-00000-of-00001."""
    index = open(prefix + ".index", "rb").read()
    raw = open(prefix + ".data-00000-of-00001", "rb").read()
    at = len(index) - 48
    for _ in range(2):
        _, at = varint(index, at)  # the handle of the metaindex block, which is not needed
    offset, at = varint(index, at)
    size, at = varint(index, at)
    out = {}
    for _, handle in table_block(index, offset, size):
        start, then = varint(handle, 0)
        length, _ = varint(handle, then)
        for key, value in table_block(index, start, length):
            entry = fields(value)
            if key and entry.get(1, [0])[0] == 1:  # DT_FLOAT
                begin, count = entry.get(4, [0])[0], entry[5][0]
                shape = shape_of(entry[2][0]) if entry.get(2) else ()
                out[key.decode()] = np.frombuffer(raw[begin:begin + count], "<f4").reshape(shape)
    return out


# --- TensorFlow frozen graph ---------------------------------------------------------------------

def frozen_graph(path):
    """{node name: float32 array} of every float constant of a GraphDef."""
    out = {}
    for node in fields(open(path, "rb").read())[1]:
        node = fields(node)
        if node[2] != [b"Const"]:
            continue
        for attr in node[5]:
            attr = fields(attr)
            value = fields(attr[2][0])
            if attr[1] != [b"value"] or 8 not in value:
                continue
            tensor = fields(value[8][0])
            if tensor.get(1) == [1] and 4 in tensor:
                shape = shape_of(tensor[2][0]) if tensor.get(2) else ()
                out[node[1][0].decode()] = np.frombuffer(tensor[4][0], "<f4").reshape(shape)
    return out


# --- PyTorch, the format before 1.6 --------------------------------------------------------------

class Unpickler(pickle.Unpickler):
    """Knows only what a state dict of float tensors needs; anything else is refused."""

    def persistent_load(self, pid):
        _, kind, key, _, count = pid[:5]
        return kind, key, count

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *rest: (storage, offset, size, stride)
        if module == "torch" and name in ("FloatStorage", "LongStorage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in a weight file")


def legacy_torch(path):
    """{name: array} of a state dict."""
    stream = io.BytesIO(open(path, "rb").read())
    for _ in range(3):  # magic number, protocol version, system information
        Unpickler(stream).load()
    state, keys = Unpickler(stream).load(), Unpickler(stream).load()
    kinds = {t[0][1]: t[0][0] for t in state.values()}
    storages = {}
    for key in keys:
        count = struct.unpack("<q", stream.read(8))[0]
        dtype = np.dtype({"FloatStorage": "<f4", "LongStorage": "<i8"}[kinds[key]])
        storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype)
    out = {}
    for name, ((_, key, _), offset, size, stride) in state.items():
        flat = storages[key][offset:]
        step = [n * flat.itemsize for n in stride]
        out[name] = np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, size, step))
    return out
