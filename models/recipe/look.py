"""The look: labels, several sources, their own vectors. The daemon does the same in Rust."""
import numpy as np

MOST = 3         # sources in one look
SHARE = 0.3      # a further source weighs at least this part of the first
FLOOR = 0.05     # and every source at least this much by itself
HEARSAY = 0.1    # label scores below this point nowhere: brown noise is "breathing" at 0.096
RIVAL = 0.75     # next to an invisible label, a visible one must match this well to be believed
KIN = 0.4        # prototypes closer than this are the same source under another name


class Labels:
    def __init__(self, content):
        self.rows, self.families = content["labels"], content["families"]
        self.prototypes = np.array([row["prototype"] for row in self.rows])
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


def cosine(seen, vector):
    """(h, w): seen is normalised over its channels."""
    return np.tensordot(vector / max(np.linalg.norm(vector), 1e-9), seen, (0, 0))


def strength(seen, own, label, score, labels, sure):
    """How well the picture bears the sound out: the peak of the map, in cosine.

    A sure label must be borne out by itself: a bark does not come from the cat because both are
    animals. Then the family dimensions do not count.
    """
    if not labels.rows[label]["visible"] or score < HEARSAY:
        return 0.0
    peak = float(cosine(seen, own).max())
    if labels.rows[label]["general"] or score < sure:
        return peak
    particular = own.copy()
    particular[labels.families] = 0
    return min(peak, float(cosine(seen, particular).max()))


def look(seen, vector, tags, labels, on_screen, sure):
    """The sources of one look: [{"label", "label_score", "map", "peak", "strength", "on_screen"}, ...].

    Two sources are told apart only where the picture bears it out: each with its own map above
    the threshold, at peaks more than one cell apart. Otherwise the sound is one source, and its
    map is that of the whole vector, which a wrong second label cannot spoil.
    """
    found, scores = labels.explain(vector, tags), labels.scores(tags)

    def source(i, own):
        similarity = cosine(seen, own)
        borne = strength(seen, own, i, scores[i], labels, sure)
        return {"label": labels.rows[i]["name"], "label_score": float(scores[i]), "map": similarity,
                "peak": np.unravel_index(similarity.argmax(), similarity.shape), "strength": borne,
                "on_screen": borne >= on_screen}

    apart = []
    if len(found) > 1:
        for (i, _), own in zip(found, labels.own_vectors(vector, found)):
            new = source(i, own)
            if new["on_screen"] and all(np.abs(np.subtract(new["peak"], old["peak"])).max() > 1 for old in apart):
                apart.append(new)
    if len(apart) > 1:
        return apart
    if not found:
        return []
    seeable = [i for i, match in found if labels.rows[i]["visible"] and match >= RIVAL * found[0][1]]
    return [source(seeable[0] if seeable else found[0][0], vector)]
