#!/usr/bin/env python3
"""Trains alignment heads over the bridge by the paper's objective, and measures what each part brings.

alignment.py [--cache DIR] [--scenes 400] [--steps 150] --dev DIR

Both encoders and the bridge are frozen. A head on the classifier's last map adds to the picture's
vector at every place, a head on YAMNet's embedding and tags adds to the sound's; both begin at
nothing, so that the bridge and the label prototypes are where the training starts, and are held
near it (`ANCHOR`), because the material knows only some of the concepts.

Multi-positive InfoNCE both ways over {picture, its augmentation, a neighbour} x {sound, its
augmentation, a neighbour}, once with the localisation similarity (soft tri-map of the cosines, the
picture's background as further negatives) and once with the semantic one (pooled picture against
sound through projections that are used in training alone). Neighbours are drawn from the nearest
in the frozen encoders' own spaces.
"""
import argparse
import json
import math
import pathlib
import pickle
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance, ImageFilter

import frozen
import material
import names
import scenes
import sounds

import audio  # noqa: E402  (frozen.py opens the recipe's folder)
import evaluate  # noqa: E402
import heads  # noqa: E402
import image  # noqa: E402
import labels  # noqa: E402
import look  # noqa: E402
import readers  # noqa: E402
import sources  # noqa: E402

CELLS, HIDDEN, PROJECTED = 16, 64, 64
BATCH, RATE, DECAY, TEMPERATURE = 32, 1e-3, 1e-3, 0.07
POSITIVE, NEGATIVE, SHARPNESS = 0.40, 0.20, 0.03  # of the tri-map; cosines here are lower than the paper's
ANCHOR = 10.0  # weight of how far the vectors turn from the bridge's, 1 - cosine
NEIGHBOURS = 10
CROPS = 3  # of each recording


class Encoders:
    """The frozen halves: {"v", "x"} of a picture, {"a", "x"} of a sound."""

    def __init__(self, files):
        self.bridge = frozen.bridge(files)
        seer = image.encoder(readers.legacy_torch(files["efficientnet-lite0.pth"]),
                             readers.frozen_graph(files["ssd_mobilenet_v2.pb"]), self.bridge, heads.load("foreground"),
                             features=True)
        self.seer = evaluate.session(seer.SerializeToString())
        self.ear = frozen.Ear(files)

    def see(self, picture):
        pixels = (np.asarray(picture.convert("RGB").resize((image.SIZE,) * 2, Image.BILINEAR), np.float32) - 127) / 128
        v, x = self.seer.run(["map", "features"], {"picture": pixels.transpose(2, 0, 1)[None]})
        return {"v": v[0].astype(np.float16), "x": x[0].astype(np.float16)}

    def hear(self, samples):
        """Maximum over the patches, as the pack pools; `x` is the mean embedding and the pooled tags."""
        embedding, tags = self.ear.hear(samples)
        embedding, tags = embedding.mean(0), tags.max(0)
        return {"a": audio.embed(self.bridge, tags), "x": np.concatenate([embedding, np.sqrt(tags)]).astype(np.float32)}


def scene(named, silent, pictures, rng):
    """(picture, [(concept, cover of each cell)]): one, two or four places with one named thing each,
    now and then beside a thing that makes no sound of these."""
    size = scenes.SIZE
    pixels, things = np.zeros((size, size, 3), np.float32), []
    columns, rows = rng.choice([(1, 1), (2, 1), (2, 1), (2, 2)])
    for concept, place in zip(rng.sample(sorted(named), columns * rows), range(columns * rows)):
        w, h = size // columns, size // rows
        x0, y0 = place % columns * w, place // columns * h
        pixels[y0:y0 + h, x0:x0 + w] = np.asarray(scenes.part_of(rng.choice(pictures), w, h, rng), np.float32)
        for thing, name in [(rng.choice(silent), None)] * (rng.random() < 0.4) + [(rng.choice(named[concept]), concept)]:
            scale = math.sqrt(w * h) * rng.uniform(*((0.15, 0.4) if name is None else (0.3, 0.9)))
            shape = math.sqrt(thing.width / thing.height)
            fit = min(1, 0.98 * w / (scale * shape), 0.98 * h / (scale / shape))
            tw, th = max(8, int(scale * shape * fit)), max(8, int(scale / shape * fit))
            x, y = x0 + rng.randint(0, w - tw), y0 + rng.randint(0, h - th)
            mask = np.zeros((size, size), np.float32)
            scenes.paste(pixels, mask, thing, (x, y, x + tw, y + th), rng, True)
            if name:
                things.append((name, mask.reshape(CELLS, size // CELLS, CELLS, -1).mean((1, 3))))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), things


def jittered(picture, rng):
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = change(picture).enhance(rng.uniform(0.6, 1.4))
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2)))


def crops(samples, rng, noise):
    """A crop, and one of another place, level and noise."""
    def crop(gain, hiss):
        length = int(sounds.RATE * rng.choice([1, 2, 3]))
        start = rng.randint(0, max(0, len(samples) - length))
        part = samples[start:start + length] * gain
        return part + noise.normal(0, hiss * np.sqrt(np.mean(part ** 2)), len(part)).astype(np.float32)
    return crop(1, 0), crop(10 ** rng.uniform(-1, 0.2), 10 ** rng.uniform(-2, -0.5))


def gather(encoders, packages, count, seed, validation):
    """Pictures [(views, things)] and sounds {concept: [views of a recording]}, features only."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    named, silent = {}, []
    for path in scenes.cut_outs(packages):
        thing = scenes.held_out(path) == validation and scenes.cut_out(path)
        if thing and (concept := names.concept(path)):
            named.setdefault(concept, []).append(thing)
        elif thing:
            silent.append(thing)
    recordings = {}
    for concept, samples in sounds.material(packages, lambda path: scenes.held_out(path) == validation):
        if concept in named:
            pairs = [crops(samples, rng, noise) for _ in range(CROPS)]
            recordings.setdefault(concept, []).append([[encoders.hear(part) for part in pair] for pair in pairs])
    named = {concept: named[concept] for concept in sorted(named) if concept in recordings}
    print(f"{len(named)} concepts, {sum(map(len, named.values()))} cut-outs, "
          f"{sum(map(len, recordings.values()))} recordings, {count} scenes", flush=True)
    pictures = [scenes.background(p) for p in scenes.backgrounds(packages) if scenes.held_out(p) == validation]
    composed = []
    for _ in range(count):
        picture, things = scene(named, silent, pictures, rng)
        views = [encoders.see(view) for view in (picture, jittered(picture, rng))]
        for view in views:
            view["v"] = view["v"].reshape(-1, CELLS, 2, CELLS, 2).astype(np.float32).mean((2, 4)).astype(np.float16)
        composed.append((views, things))
    return composed, recordings


class Heads(torch.nn.Module):
    def __init__(self, dimensions, picture, sound, scale_x, mean_s, scale_s, seen, heard):
        super().__init__()
        for name, value in (("scale_x", scale_x), ("mean_s", mean_s), ("scale_s", scale_s)):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))
        self.seen, self.heard = seen, heard
        self.see1, self.see2 = torch.nn.Conv2d(picture, HIDDEN, 1), torch.nn.Conv2d(HIDDEN, dimensions, 1)
        self.hear1, self.hear2 = torch.nn.Linear(sound, HIDDEN), torch.nn.Linear(HIDDEN, dimensions)
        for layer in (self.see2, self.hear2):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        self.project_v, self.project_a = torch.nn.Linear(dimensions, PROJECTED), torch.nn.Linear(dimensions, PROJECTED)

    def picture(self, v, x):
        if self.seen:
            new = self.see2(F.dropout2d(F.relu(self.see1(x / self.scale_x[:, None, None])), 0.2, self.training))
            v = F.relu(v + F.interpolate(new, size=v.shape[-2:], mode="bilinear", align_corners=False))
        return F.normalize(v, dim=1)

    def sound(self, a, x):
        if self.heard:
            x = F.dropout((x - self.mean_s) / self.scale_s, 0.2, self.training)
            a = F.relu(a + self.hear2(F.relu(self.hear1(x))))
        return F.normalize(a, dim=1)


def similarities(heads_, v, a):
    """(s_L, hard negatives, s_A), each pictures x sounds, the negatives one a pair of the diagonal."""
    cosines = torch.einsum("idp,jd->ijp", v.flatten(2), a)
    inside = torch.sigmoid((cosines - POSITIVE) / SHARPNESS) + 1e-4
    outside = 1 - torch.sigmoid((cosines - NEGATIVE) / SHARPNESS) + 1e-4
    weighed = lambda weight: (weight * cosines).sum(-1) / weight.sum(-1)  # noqa: E731
    pooled = F.normalize(heads_.project_v(v.flatten(2).mean(-1)), dim=1)
    return weighed(inside), weighed(outside).diagonal(), pooled @ F.normalize(heads_.project_a(a), dim=1).T


def nce(similarity, foreign, extra=None):
    """InfoNCE both ways; `foreign` (pictures x sounds) is true where the two do not belong together."""
    logits = similarity / TEMPERATURE
    logits = logits.masked_fill(~(foreign | torch.eye(len(logits), dtype=torch.bool)), -1e4)
    target = torch.arange(len(logits))
    rows = logits if extra is None else torch.cat([logits, extra[:, None] / TEMPERATURE], 1)
    return F.cross_entropy(rows, target) + F.cross_entropy(logits.T, target)


def nearest(features):
    features = features - features.mean(0)
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    return np.argsort(-(unit @ unit.T), axis=1)[:, 1:NEIGHBOURS + 1]


def train(composed, recordings, dimensions, steps, localise, align, augment, concepts, anchor=ANCHOR, seen=True, heard=True, seed=0):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    items = [(i, name, cover) for i, (_, things) in enumerate(composed) for name, cover in things]
    flat = [(name, views) for name, rows in recordings.items() for pairs in rows for views in pairs]
    of = {name: [i for i, (other, _) in enumerate(flat) if other == name] for name in recordings}
    x = np.stack([views[0]["x"] for views, _ in composed[:100]]).astype(np.float32)
    s = np.stack([views[0]["x"] for _, views in flat])
    heads_ = Heads(dimensions, x.shape[1], s.shape[1], x.std((0, 2, 3)) + 1e-3, s.mean(0), s.std(0) + 0.05, seen, heard)
    like_picture = nearest(np.stack([(composed[i][0][0]["x"].astype(np.float32) * cover).sum((1, 2)) / max(cover.sum(), 1e-3)
                                     for i, _, cover in items]))
    like_sound = nearest(s)
    optimiser = torch.optim.AdamW(heads_.parameters(), RATE, weight_decay=DECAY)
    for _ in range(steps):
        rows = rng.choice(len(items), BATCH, replace=False)
        ears = [rng.choice(of[items[r][1]]) for r in rows]
        pictures, tones = [(rows, 0)], [(ears, 0)]
        if augment:
            pictures, tones = pictures + [(rows, 1)], tones + [(ears, 1)]
        if concepts:
            pictures = pictures + [([rng.choice(like_picture[r]) for r in rows], 0)]
            tones = tones + [([rng.choice(like_sound[e]) for e in ears], 0)]
        present = [{name for name, _ in composed[items[r][0]][1]} for r in rows]
        foreign = torch.tensor([[flat[e][0] not in there for e in ears] for there in present])
        vs, tones_, turned = [], [], 0
        for chosen, k in pictures:
            views = [composed[items[r][0]][0][k] for r in chosen]
            v, x = (torch.from_numpy(np.stack([view[key] for view in views]).astype(np.float32)) for key in "vx")
            vs.append(heads_.picture(v, x))
            turned = turned + (1 - F.cosine_similarity(vs[-1], v, dim=1)).mean() / len(pictures)
        for chosen, k in tones:
            a, x = (torch.from_numpy(np.stack([flat[e][1][k][key] for e in chosen]).astype(np.float32)) for key in "ax")
            tones_.append(heads_.sound(a, x))
            turned = turned + (1 - F.cosine_similarity(tones_[-1], a, dim=1)).mean() / len(tones)
        loss = 0
        for v in vs:
            for a in tones_:
                local, hard, semantic = similarities(heads_, v, a)
                loss = loss + localise * nce(local, foreign, hard) + align * nce(semantic, foreign)
        loss = loss / (len(vs) * len(tones_)) + anchor * turned
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return heads_.eval()


def measure(heads_, seen, heard, sets, families, weights, score):
    """"which: pairs, quads | adaptive: singles, pairs, quads | point: singles, pairs, quads"."""
    with torch.no_grad():
        pictures = {name: heads_.picture(*(torch.from_numpy(f[k].astype(np.float32))[None] for k in "vx"))[0].numpy()
                    for name, f in seen.items()}
        tones = {name: heads_.sound(*(torch.from_numpy(f[k])[None] for k in "ax"))[0].numpy() for name, f in heard.items()}
    which, adaptive, point = {}, {}, {}
    for name, rows in sets.items():
        for row in rows:
            found = score.resize(look.focused(pictures[row["image"]], tones[row["audio"]] * weights, families))
            own = score.mask(row["boxes"])
            adaptive.setdefault(name, []).append(score.ciou(found, own, True) >= 0.5)
            point.setdefault(name, []).append(own.flat[found.argmax()])
            if row.get("others"):
                which.setdefault(name, []).append(
                    found[own].max() > max(found[score.mask(o["boxes"])].max() for o in row["others"]))
    return " | ".join(", ".join(f"{100 * np.mean(v):.1f}" for v in kind.values()) for kind in (which, adaptive, point))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=frozen.HERE.parent / ".cache")
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--dev", type=pathlib.Path, required=True, help="folder with manifests and score.py; measured on only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(args.dev))
    import score

    encoders = Encoders(sources.fetch(args.cache))
    packages = material.fetch(args.cache / "material", material.PACKAGES | material.SOUNDS)
    kept = args.cache / f"alignment-{args.scenes}.pickle"
    if not kept.exists():
        kept.write_bytes(pickle.dumps(gather(encoders, packages, args.scenes, 1, False)))
    composed, recordings = pickle.loads(kept.read_bytes())
    sets = {name: [json.loads(line) for line in (args.dev / f"{name}.jsonl").open()] for name in ("singles", "pairs", "quads")}
    rows = [row for rows in sets.values() for row in rows]
    print(f"seeing and hearing {args.dev}", flush=True)
    seen = {name: encoders.see(Image.open(args.dev / name)) for name in sorted({row["image"] for row in rows})}
    heard = {name: encoders.hear(evaluate.read_sound(args.dev / name)) for name in sorted({row["audio"] for row in rows})}
    first = len(encoders.bridge.concepts)
    families = list(range(first, first + len(encoders.bridge.families)))
    weights = np.array(labels.map_weights(encoders.bridge))

    plain = dict(localise=0, align=0, augment=False, concepts=False)
    both = plain | dict(localise=1, align=1)
    runs = {
        "bridge without the heads": plain | dict(steps=0),
        "+ localisation": plain | dict(localise=1),
        "+ alignment": plain | dict(align=1),
        "+ both": both,
        "+ both, not anchored": both | dict(anchor=0.0),
        "+ both, picture head alone": both | dict(heard=False),
        "+ both, sound head alone": both | dict(seen=False),
        "+ both, conceptual positives": both | dict(concepts=True),
        "+ both, augmentation": both | dict(augment=True),
        "+ both, conceptual positives, augmentation": both | dict(concepts=True, augment=True),
    }
    print("| | which: pairs, quads | adaptive: singles, pairs, quads | point: singles, pairs, quads |\n|---|---|---|---|")
    for name, options in runs.items():
        trained = train(composed, recordings, len(encoders.bridge.names), **({"steps": args.steps} | options))
        print(f"| {name} | {measure(trained, seen, heard, sets, families, weights, score)} |", flush=True)


if __name__ == "__main__":
    main()
