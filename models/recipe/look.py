"""The look: labels, several sources, their own vectors. The daemon does the same in Rust."""
import numpy as np

MOST = 3         # sources in one look
SHARE = 0.3      # a further source weighs at least this part of the first
FLOOR = 0.05     # and every source at least this much by itself
HEARSAY = 0.1    # label scores below this point nowhere: brown noise is "breathing" at 0.096
RIVAL = 0.75     # next to an invisible label, a visible one must match this well to be believed
KIN = 0.4        # prototypes closer than this are the same source under another name
BREADTH = 6      # what stands out must do so over this part of the picture's width
ALIKE = 3        # how sharply a map keeps to places that look like its peak


class Labels:
    def __init__(self, content):
        self.rows, self.families = content["labels"], content["families"]
        self.prototypes = np.array([row["prototype"] for row in self.rows])
        self.weights = np.array(content["weights"])
        self.table = np.zeros((len(self.rows), len(content["tags"])))
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

    def own_vectors(self, vector, found):
        """One vector a source: the whole less what the other sources explain of it."""
        if len(found) < 2:
            return [vector] * max(len(found), 1)
        parts, rest = [], vector.copy()
        for i, _ in found:
            parts.append((self.prototypes[i] @ rest) * self.prototypes[i])
            rest = np.maximum(rest - parts[-1], 0)
        own = [np.maximum(vector - sum(parts) + part, 0) for part in parts]
        return [v if v.any() else vector for v in own]


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


def strength(seen, own, label, score, labels, sure):
    """How well the picture bears the sound out: what stands out of the map, in cosine.

    A sure label must be borne out by itself: a bark does not come from the cat because both are
    animals. Then the family dimensions do not count.
    """
    if not labels.rows[label]["visible"] or score < HEARSAY:
        return 0.0
    borne = stands_out(cosine(seen, own))
    if labels.rows[label]["general"] or score < sure:
        return borne
    particular = own.copy()
    particular[labels.families] = 0
    return min(borne, stands_out(cosine(seen, particular)))


def look(seen, vector, tags, labels, on_screen, sure):
    """The sources of one look: [{"label", "label_score", "map", "peak", "strength", "on_screen"}, ...].

    Two sources are told apart only where the picture bears it out: each with its own map above
    the threshold, at peaks further apart than a cell and a tenth of the map. Otherwise the sound
    is one source, and its map is that of the whole vector, which a wrong second label cannot spoil.
    """
    found, scores = labels.explain(vector, tags), labels.scores(tags)

    def source(i, own):
        similarity = drawn(seen, own, labels)
        borne = strength(seen, own, i, scores[i], labels, sure)
        return {"label": labels.rows[i]["name"], "label_score": float(scores[i]), "map": similarity,
                "peak": np.unravel_index(similarity.argmax(), similarity.shape), "strength": borne,
                "on_screen": borne >= on_screen}

    apart, near = [], max(1, max(seen.shape[1:]) // 10)
    if len(found) > 1:
        for (i, _), own in zip(found, labels.own_vectors(vector, found)):
            new = source(i, own)
            if new["on_screen"] and all(np.abs(np.subtract(new["peak"], old["peak"])).max() > near for old in apart):
                apart.append(new)
    if len(apart) > 1:
        return apart
    if not found:
        return []
    seeable = [i for i, match in found if labels.rows[i]["visible"] and match >= RIVAL * found[0][1]]
    return [source(seeable[0] if seeable else found[0][0], vector)]
