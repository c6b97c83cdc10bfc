"""The audio encoder: YAMNet, its 521 scores grouped to the concept space."""
import numpy as np

import networks
from logmel import BANDS, FRAMES
from onnxgraph import Graph

POWER = 0.5   # score to coordinate: YAMNet's scores of rare classes are low
FAMILY = 1.0  # weight of the family dimensions
UNSEEN = 1.0  # weight of the sounds without a visible source


def weights(bridge):
    """(D - 1, 521); the last dimension, the background, is never heard."""
    scale = np.ones(len(bridge.rows), np.float32)
    n, families = len(bridge.concepts), len(bridge.families)
    scale[n:n + families] = FAMILY ** (1 / POWER)
    scale[n + families:] = UNSEEN ** (1 / POWER)
    return bridge.sounds * scale[:, None]


def embed(bridge, scores):
    """The head in numpy: the strongest of a concept's sounds speaks for it."""
    best = (weights(bridge) * scores).max(1)
    return np.append(best ** POWER, 0).astype(np.float32)


def encoder(variables, bridge, large="float16"):
    g = Graph("tyto-audio", large)
    patch = g.input("patch", (1, 1, FRAMES, BANDS))
    _, scores = networks.yamnet(g, patch, variables)
    tags = g.node("Reshape", [scores, g.constant(np.array([1, 521], np.int64))], (1, 521))
    table = weights(bridge)
    spread = g.node("Mul", [g.constant(table, "float16"), tags], table.shape)
    best = g.node("ReduceMax", [spread], (len(table), 1), axes=[1], keepdims=1)
    best = g.node("Reshape", [best, g.constant(np.array([1, len(table)], np.int64))], (1, len(table)))
    power = g.node("Pow", [best, g.constant(np.float32(POWER))], (1, len(table)))
    silent = g.constant(np.zeros((1, 1), np.float32))
    g.output(g.node("Concat", [power, silent], (1, len(table) + 1), axis=1), "embedding")
    g.output(tags, "tags")
    return g.model()
