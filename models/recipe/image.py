"""The image encoder: EfficientNet-Lite0 and a trimmed detector, joined in the concept space."""
import numpy as np

import networks
from onnxgraph import Graph

SIZE = 416           # the picture's side; the map has one cell for 32 pixels
DETECTOR_SIZE = 300  # what the detector was trained at: its cells lie on the picture without a shift
LEVELS = 4           # of its six: the last two see the whole picture at once
TEMPERATURE = 1.8    # of the classifier's softmax; above 1, the whole object answers, not its face
BEFORE, AFTER = 0.5, 0.8  # smoothing of the logits and of the concept maps, 0 none, 1 binomial
POWER = 0.7          # concept mass to coordinate
FAMILY = 0.5         # weight of the family dimensions
BACKGROUND = 2.5     # weight of the mass that belongs to no concept: how sure a peak must be


def smoothing(n, amount):
    """(n, n) binomial blur that repeats the border; `amount` blends it with the identity."""
    blur = np.zeros((n, n))
    for i in range(n):
        for step, weight in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            blur[i, min(max(i + step, 0), n - 1)] += weight
    return (1 - amount) * np.eye(n) + amount * blur


def stretching(n, source):
    """(n, source) linear interpolation between cell centres."""
    matrix = np.zeros((n, source))
    for i in range(n):
        at = (i + 0.5) * source / n - 0.5
        low = int(np.floor(at))
        matrix[i, min(max(low, 0), source - 1)] += 1 - (at - low)
        matrix[i, min(max(low + 1, 0), source - 1)] += at - low
    return matrix


def thing_scores(g, picture, constants, bridge, cells):
    """(1, things, cells, cells): the best score of each COCO class around each cell."""
    x = g.resize(picture, (DETECTOR_SIZE, DETECTOR_SIZE))
    best = None
    for logits in networks.ssd(g, x, constants, LEVELS, bridge.coco):
        _, channels, h, w = g.shapes[logits]
        things = len(bridge.coco)
        shape = (channels // things, things, h, w)
        logits = g.node("Reshape", [logits, g.constant(np.array(shape, np.int64))], shape)
        logits = g.node("ReduceMax", [logits], (1, things, h, w), axes=[0], keepdims=1)
        scores = g.place(g.node("Sigmoid", [logits], (1, things, h, w)), stretching(cells, h), stretching(cells, w))
        best = scores if best is None else g.apply("Max", best, scores)
    return best


def encoder(state, constants, bridge, size=SIZE, large="int8"):
    g = Graph("tyto-image", large)
    picture = g.input("picture", (1, 3, size, size))
    _, logits = networks.lite0(g, picture, state)
    cells = g.shapes[logits][2]
    blur = smoothing(cells, BEFORE)
    # Softmax and grouping in one product: exp(logits) against the table and a row of ones. Logits
    # over the temperature stay far below what overflows; the bound is for the unforeseen.
    logits = g.apply("Min", g.apply("Mul", g.place(logits, blur, blur), 1 / TEMPERATURE), 60.0)
    odds = g.node("Exp", [logits], g.shapes[logits])
    sums = g.mix(odds, np.vstack([bridge.pictures, np.ones((1, len(bridge.pictures[0])))]), exact=True)
    count, shape = len(bridge.pictures), (1, len(bridge.pictures), cells, cells)
    one = (1, 1, cells, cells)
    total = g.part(sums, count, count + 1, one)
    mass = g.node("Div", [g.part(sums, 0, count, shape), total], shape)

    # A concept is there if the classifier or the detector says so: 1 - (1 - p)(1 - q).
    seen = g.mix(thing_scores(g, picture, constants, bridge, cells), bridge.things, exact=True)
    seen = g.apply("Min", seen, 1.0)
    absent = g.apply("Add", g.apply("Mul", seen, -1.0), 1.0)
    lacking = g.apply("Add", g.apply("Mul", mass, -1.0), 1.0)
    both = g.apply("Add", g.apply("Mul", g.apply("Mul", lacking, absent), -1.0), 1.0)

    rest = g.node("ReduceSum", [mass, g.constant(np.array([1], np.int64))], one, keepdims=1)
    rest = g.apply("Max", g.apply("Add", g.apply("Mul", rest, -1.0), 1.0), 0.0)
    rest = g.apply("Mul", rest, g.node("ReduceMin", [absent], one, axes=[1], keepdims=1))

    blur = smoothing(cells, AFTER)
    both, rest = g.place(both, blur, blur), g.place(rest, blur, blur)
    families = [g.node("ReduceMax", [g.node("Gather", [both, g.constant(np.flatnonzero(row).astype(np.int64))],
                                            (1, int(row.sum()), cells, cells), axis=1)],
                       one, axes=[1], keepdims=1) for row in bridge.kin]
    count = len(bridge.names)
    joined = g.node("Concat", [both, *families, rest], (1, shape[1] + len(families) + 1, cells, cells), axis=1)
    # Rounding may leave a mass a hair below zero, whose power is not a number.
    powers = g.node("Pow", [g.apply("Max", joined, 1e-9), g.constant(np.float32(POWER))], g.shapes[joined])
    # The unseen dimensions lie between the families and the background and stay zero.
    weights = np.zeros((count, g.shapes[joined][1]), np.float32)
    for i, name in enumerate(bridge.names):
        if i < shape[1]:
            weights[i, i] = 1
        elif i < shape[1] + len(families):
            weights[i, i] = FAMILY
    weights[-1, -1] = BACKGROUND
    g.output(g.mix(powers, weights, exact=True), "map")
    return g.model()
