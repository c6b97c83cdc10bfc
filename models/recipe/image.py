"""The image encoder: EfficientNet-Lite0 and a trimmed detector, joined in the concept space, on a
map twice as fine that a trained head tells things from background on."""
import numpy as np

import networks
from onnxgraph import Graph

SIZE = 512           # the picture's side
CELLS = SIZE // 16   # of the map: twice as fine as the classifier's own
DETECTOR_SIZE = 300  # what the detector was trained at: its cells lie on the picture without a shift
LEVELS = 4           # of its six: the last two see the whole picture at once
TEMPERATURE = 1.8    # of the classifier's softmax; above 1, the whole object answers, not its face
BEFORE, AFTER = 0.5, 0.8  # smoothing of the logits and of the concept maps, 0 none, 1 binomial
POWER = 1.0          # concept mass to coordinate
FAMILY = 0.5         # weight of the family dimensions
BACKGROUND = 1.8     # weight of the mass that belongs to no concept: how sure a peak must be
RIVALS = ("Animal", "Vehicle")  # families of which a place shows one member
TRUST = 0.25         # power of the trained foreground; 0 leaves the classifiers alone
DOUBT = 0.02         # what it leaves everywhere: what it has never seen may sound as well


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


def foreground(g, maps, mass, head, cells):
    """(1, 1, cells, cells) in 0..1: how likely a thing, of whatever kind, is at each place.

    Trained (train/foreground.py). It sees the classifier's maps of strides 8, 16 and 32 and the
    concepts' masses, all brought to 48 channels by one matrix each and added.
    """
    def spread(x):
        n = g.shapes[x][2]
        return x if n == cells else g.place(x, stretching(cells, n), stretching(cells, n))

    _, channels, h, _ = g.shapes[maps[2]]
    halves = g.node("AveragePool", [maps[2]], (1, channels, h // 2, h // 2), kernel_shape=[2, 2], strides=[2, 2])
    roots = g.node("Sqrt", [g.apply("Max", mass, 1e-9)], g.shapes[mass])
    parts = [spread(g.mix(x, head[name], exact=True))
             for name, x in (("t2", halves), ("t4", maps[4]), ("t6", maps[6]), ("p", roots))]
    both = g.add(g.add(parts[0], parts[1]), g.add(parts[2], parts[3]))
    width = len(head["bias"])
    both = g.node("Clip", [g.add_bias(both, head["bias"]), *g.bounds()], g.shapes[both])
    # Its border repeats: a pad of zeros would look like an edge of the picture's own.
    around = g.border(both, 2)
    near = g.node("Conv", [around, g.constant(head["depthwise"]), g.constant(head["depthwise_bias"])],
                  g.shapes[both], kernel_shape=[5, 5], group=width)
    near = g.node("Clip", [near, *g.bounds()], g.shapes[both])
    near = g.add(g.mix(near, head["pointwise"], head["pointwise_bias"], exact=True), both)
    near = g.node("Clip", [near, *g.bounds()], g.shapes[both])
    logit = g.mix(near, head["out"], head["out_bias"], exact=True)
    return g.node("Sigmoid", [logit], g.shapes[logit])


def unrivalled(g, seen, bridge):
    """(1, concepts, cells, cells): how much of each concept a relative's detection leaves.

    What the detector takes for a cow is not a dog, however much the classifier, which knows 118
    dogs, sees of one in a calf's face. Only in families whose members the detector tells apart.
    """
    _, count, h, w = g.shapes[seen]
    rows = [row for row, family in zip(bridge.kin, bridge.families) if family["name"] in RIVALS]
    tops = [g.node("ReduceMax", [g.node("Gather", [seen, g.constant(np.flatnonzero(row).astype(np.int64))],
                                        (1, int(row.sum()), h, w), axis=1)],
                   (1, 1, h, w), axes=[1], keepdims=1) for row in rows]
    tops = g.mix(g.node("Concat", tops, (1, len(rows), h, w), axis=1), np.array(rows).T, exact=True)
    lead = g.apply("Max", g.add(tops, g.apply("Mul", seen, -1.0)), 0.0)
    return g.apply("Add", g.apply("Mul", lead, -1.0), 1.0)


def encoder(state, constants, bridge, head, size=SIZE, large="int8", features=False):
    """`features` adds what a training run needs of the classifier: its map before the last layer."""
    g = Graph("tyto-image", large)
    picture = g.input("picture", (1, 3, size, size))
    maps, logits = networks.lite0(g, picture, state)
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
    believed = g.node("Mul", [mass, unrivalled(g, seen, bridge)], shape)
    lacking = g.apply("Add", g.apply("Mul", believed, -1.0), 1.0)
    both = g.apply("Add", g.apply("Mul", g.apply("Mul", lacking, absent), -1.0), 1.0)

    rest = g.node("ReduceSum", [mass, g.constant(np.array([1], np.int64))], one, keepdims=1)
    rest = g.apply("Max", g.apply("Add", g.apply("Mul", rest, -1.0), 1.0), 0.0)
    rest = g.apply("Mul", rest, g.node("ReduceMin", [absent], one, axes=[1], keepdims=1))

    fine = size // 16
    finer = stretching(fine, cells) @ smoothing(cells, AFTER)
    both, rest = g.place(both, finer, finer), g.place(rest, finer, finer)
    # What the head takes for background is taken from every concept and given to the background.
    thing = g.apply("Add", foreground(g, maps, mass, head, fine), DOUBT)
    thing = g.node("Pow", [thing, g.constant(np.float32(TRUST))], g.shapes[thing])
    both = g.node("Mul", [both, thing], g.shapes[both])
    some = g.node("Mul", [g.apply("Add", g.apply("Mul", rest, -1.0), 1.0), thing], g.shapes[rest])
    rest = g.apply("Add", g.apply("Mul", some, -1.0), 1.0)
    cells, one = fine, (1, 1, fine, fine)
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
    if features:
        g.output(maps[6], "features")
    return g.model()
