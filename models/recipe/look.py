"""The look: labels, several sources, their own vectors. The daemon does the same in Rust."""
import numpy as np

MOST = 3         # sources in one look
SHARE = 0.3      # a further source weighs at least this part of the first
FLOOR = 0.05     # and every source at least this much by itself
HEARSAY = 0.1    # label scores below this point nowhere: brown noise is "breathing" at 0.096
DOUBTLESS = 0.9  # of a label heard this well something of its own must be seen, or the rest twice as well
RIVAL = 0.75     # next to an invisible label, a visible one must match this well to be believed
KIN = 0.4        # prototypes closer than this are the same source under another name
TOGETHER = 0.03  # each of several things is heard and seen at least this well together
RELATIVE = 3     # relatives sound alike: beside one found each must be heard and seen that much better
SEEN = 3         # the power of what is seen beside the root of what is heard
BREADTH = 6      # a sure label's own dimensions must stand out over this part of the picture's width
TRACE = 0.1      # and the map of the whole sound shows at least this much there
ALIKE = 3        # how sharply a map keeps to places that look like its peak


class Labels:
    def __init__(self, content):
        self.rows, self.families = content["labels"], content["families"]
        self.prototypes = np.array([row["prototype"] for row in self.rows])
        self.weights = np.array(content["weights"])
        self.table = np.zeros((len(self.rows), len(content["tags"])))
        particular = self.prototypes.copy()
        particular[:, self.families] = 0
        self.tells = self.weights[particular.argmax(1)]  # how much a label's own dimension says
        for i, row in enumerate(self.rows):
            for tag, weight in row["sounds"]:
                self.table[i, tag] = weight

    def scores(self, tags):
        """(labels,) in [0, 1]: the strongest of the sounds that speak for each."""
        return (self.table * tags).max(1)

    def explain(self, vector, tags):
        """[(label index, weight), ...] strongest first: the vector as a sum of few prototypes."""
        trust = np.sqrt(self.scores(tags))
        rest, found = vector.copy(), []
        free = np.ones(len(self.rows), bool)
        while len(found) < MOST and free.any():
            # A prototype alone says what could sound like this; the tags say what was heard.
            match = np.where(free, self.prototypes @ rest * trust, -1.0)
            best = int(match.argmax())
            if match[best] < FLOOR or (found and match[best] < SHARE * found[0][1]):
                break
            found.append((best, float(match[best])))
            rest = np.maximum(rest - (self.prototypes[best] @ rest) * self.prototypes[best], 0)
            free &= self.prototypes @ self.prototypes[best] < KIN
        return found


def drawn(seen, vector, labels):
    """(h, w): the map of a sound. What all sorts of sounds raise says little of where to look."""
    return focused(seen, vector * labels.weights, labels.families)


def cosine(seen, vector):
    """(h, w): seen is normalised over its channels."""
    return np.tensordot(vector / max(np.linalg.norm(vector), 1e-9), seen, (0, 0))


def focused(seen, vector, families):
    """(h, w): the cosine map, kept to what looks like the place of its peak.

    What agrees with the sound at the peak (its dimensions there times the sound's, families left
    out unless there is nothing else) is looked for everywhere: the whole of the thing and others
    of its kind have it, a relative that only shares a family or a faint second meaning has not.
    """
    similarity = cosine(seen, vector)
    y, x = np.unravel_index(similarity.argmax(), similarity.shape)
    shared = seen[:, y, x] * vector
    particular = shared.copy()
    particular[families] = 0
    alike = cosine(seen, particular if particular.any() else shared)
    if alike[y, x] <= 0:
        return similarity
    return similarity * np.clip(alike / alike[y, x], 0, 1) ** ALIKE


def breadth(cells):
    """The odd number of cells that is a sixth of the map, 1 for a coarse one."""
    return max(1, (cells // BREADTH - 1) // 2 * 2 + 1)


def stands_out(similarity):
    """The highest mean over a square of cells, its border repeated: one cell alone is easily high."""
    reach = breadth(max(similarity.shape)) // 2
    padded = np.pad(similarity, reach, mode="edge")
    squares = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1,) * 2)
    return float(squares.mean((2, 3)).max())


def strength(seen, vector, label, score, labels, sure):
    """How well the picture bears the sound out, in cosine: (for the confidence, for the decision).

    That is the highest of its map. A sure label must be borne out by itself: a bark does not come
    from the cat because both are animals. Then a map without the family dimensions must be as high,
    and for the decision stand out as high.
    """
    if not labels.rows[label]["visible"] or score < HEARSAY:
        return 0.0, -1.0
    weighed = vector * labels.weights
    peak = float(cosine(seen, weighed).max())
    if labels.rows[label]["general"] or score < sure:
        return peak, peak
    weighed[labels.families] = 0
    own = cosine(seen, weighed)
    return float(min(peak, own.max())), min(peak, stands_out(own))


def needed(seen, label, score, labels, on_screen, sure):
    """The strength that puts a sound in view: twice `on_screen` where its label is beyond doubt and
    nothing of its own is seen. A rooster in which a dog is heard faintly is not the dog."""
    if labels.rows[label]["general"] or score < max(sure, DOUBTLESS):
        return on_screen
    own = labels.prototypes[label] * labels.weights
    own[labels.families] = 0
    return on_screen * (2 if cosine(seen, own).max() < on_screen / 2 else 1)


def told_apart(seen, vector, labels, scores):
    """[(label index, cell), ...]: what is heard and seen at places of its own, the best first."""
    whole, near = cosine(seen, vector * labels.weights), max(1, max(seen.shape[1:]) // 10)
    candidates, families = [], labels.prototypes[:, labels.families]
    for i, row in enumerate(labels.rows):
        heard = np.sqrt(scores[i]) * labels.tells[i] ** 2
        if row["visible"] and not row["general"] and heard >= TOGETHER:
            similarity = cosine(seen, labels.prototypes[i] * labels.weights)
            cell = np.unravel_index(similarity.argmax(), similarity.shape)
            fit = heard * max(similarity[cell], 0) ** SEEN
            if fit >= TOGETHER and whole[cell] >= TRACE:
                candidates.append((fit, i, cell))
    found = []
    for fit, i, cell in sorted(candidates, key=lambda c: -c[0]):
        if len(found) < MOST and all(
                labels.prototypes[i] @ labels.prototypes[j] < KIN
                and np.abs(np.subtract(cell, place)).max() > near
                and (fit >= RELATIVE * TOGETHER or families[i] @ families[j] <= 0) for j, place in found):
            found.append((i, cell))
    return found if len(found) > 1 else []


def likeliest(vector, tags, labels):
    """The label of a sound that is one thing, None if none explains it: one that can be seen if it
    fits about as well as the best."""
    found = labels.explain(vector, tags)
    seeable = [i for i, match in found if labels.rows[i]["visible"] and match >= RIVAL * found[0][1]]
    return (seeable or [i for i, _ in found] or [None])[0]


def one(seen, vector, tags, labels, on_screen, sure):
    """The source of a sound that is one thing, None if no label explains it."""
    label, scores = likeliest(vector, tags, labels), labels.scores(tags)
    if label is None:
        return None
    similarity = drawn(seen, vector, labels)
    sureness, borne = strength(seen, vector, label, scores[label], labels, sure)
    return {"label": labels.rows[label]["name"], "label_score": float(scores[label]), "map": similarity,
            "peak": np.unravel_index(similarity.argmax(), similarity.shape), "strength": sureness,
            "on_screen": borne >= needed(seen, label, scores[label], labels, on_screen, sure)}


def look(seen, vector, tags, labels, on_screen, sure):
    """The sources of one look: [{"label", "label_score", "map", "peak", "strength", "on_screen"}, ...].

    Two sources are told apart where sound and picture together name them, each with the map of its
    prototype, and as strong as the map of the whole sound is at its peak; not if the sound as a
    whole is likelier one that cannot be seen. Otherwise the sound is one source.
    """
    scores, whole = labels.scores(tags), cosine(seen, vector * labels.weights)
    label = likeliest(vector, tags, labels)
    seeable = label is not None and labels.rows[label]["visible"]
    several = [{"label": labels.rows[i]["name"], "label_score": float(scores[i]),
                "map": drawn(seen, labels.prototypes[i], labels), "peak": cell,
                "strength": float(whole[cell]), "on_screen": True}
               for i, cell in (told_apart(seen, vector, labels, scores) if seeable else [])]
    single = None if several else one(seen, vector, tags, labels, on_screen, sure)
    return several or ([single] if single else [])
