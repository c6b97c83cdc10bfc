#!/usr/bin/env python3
"""Writes the reference vectors for src/evaluate with implementations that share no code with it.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pillow==13.0.0
    venv/bin/python tests/vectors/make_evaluate.py

Random maps and boxes from a fixed seed. Resizing: Pillow's BILINEAR. Areas: sklearn.metrics.auc.
Pixel average precision: sklearn.metrics.average_precision_score. Matching:
scipy.optimize.linear_sum_assignment. The rest is numpy, written from the formulas of the papers and
their released code. tests/evaluate_vectors.rs reads the file; array_*.pkl are pickle.dumps of one
array in the protocols 2 to 5.
"""

import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import auc, average_precision_score, fbeta_score

OUT = Path(__file__).parent / "evaluate"
N = 224
RNG = np.random.default_rng(20_240_911)


def random_map(height, width):
    """A smooth bump and noise, so that scores are neither all bad nor all good."""
    y, x = np.mgrid[0:height, 0:width]
    cy, cx = RNG.uniform(0, height), RNG.uniform(0, width)
    bump = np.exp(-((y - cy) ** 2 / height**2 + (x - cx) ** 2 / width**2) * 8)
    return np.round(bump + 0.3 * RNG.standard_normal((height, width)), 4)


def random_boxes(count):
    low = RNG.uniform(0, 0.6, (count, 2))
    high = np.minimum(low + RNG.uniform(0.1, 0.6, (count, 2)), 1)
    return np.round(np.hstack([low, high]), 4)


def filled(boxes):
    g = np.zeros((N, N))
    for box in boxes:
        x0, y0, x1, y1 = (np.clip(box, 0, 1) * N).astype(int)
        g[y0:y1, x0:x1] = 1
    return g


def resized(m, width=N, height=N):
    return np.asarray(Image.fromarray(np.asarray(m, np.float32)).resize((width, height), Image.BILINEAR))


def ciou(keep, g):
    below = g.sum() + (keep * (g == 0)).sum()
    return float((keep * g).sum() / below) if below > 0 else 0.0


def stretched(m):
    return (m.astype(np.float64) - m.min()) / (m.max() - m.min())


def half(m):
    return (m > np.sort(m, axis=None)[m.size // 2]).astype(float)


def success_area(values):
    x = [0.05 * i for i in range(21)]
    return float(auc(x, [(np.asarray(values) >= t).mean() for t in x]))


def f_max(m, g):
    """Per picture: sklearn's F with beta² = 0.3 at 255 thresholds."""
    p = stretched(m)
    thresholds = np.linspace(0, 1 - 1e-10, 255)
    y = g.ravel().astype(int)
    return [float(fbeta_score(y, (p.ravel() >= t).astype(int), beta=np.sqrt(0.3), zero_division=0)) for t in thresholds]


def singles():
    rows = []
    for n in range(24):
        height, width = [(7, 7), (13, 13), (240, 5), (5, 240)][n % 4]
        m, boxes = random_map(height, width), random_boxes(1 + n % 3)
        big, soft = resized(m), n % 5 == 4
        g = np.minimum(sum(filled([b]) for b in boxes) / 2, 1) if soft else filled(boxes)
        hard = (g > 0).astype(int)
        area = int(hard.sum())
        top = (big > np.sort(big, axis=None)[N * N - 1 - area]).astype(float)
        rows.append({
            "map": m.tolist(), "boxes": boxes.tolist(), "consensus": soft,
            "ciou": ciou(half(big), g), "adaptive": ciou(top, g),
            "at_30": ciou((stretched(big) >= 0.3).astype(float), g),
            "at_50": ciou((stretched(big) >= 0.5).astype(float), g),
            "points": bool(hard.flat[big.argmax()]),
            "pixel_ap": float(average_precision_score(hard.ravel(), big.ravel())),
            "confidence": float(np.sort(big, axis=None)[-(N * N // 4):].mean()),
            "mask_iou": float(((stretched(big) >= 0.5) & (hard == 1)).sum() / ((stretched(big) >= 0.5) | (hard == 1)).sum()),
            "f_curve": [round(v, 7) for v in f_max(big, hard)[::20]] if n < 6 else None,
            "pia_at_40": float((big > 0.4).mean()),
        })  # fmt: skip
    return rows


def detection():
    """AP and F1 as the extended sets' code computes them."""

    def pr(items, threshold):
        tp = sum(b and c >= threshold and u >= 0.5 for b, u, c in items)
        fp = sum(c >= threshold and not (b and u >= 0.5) for b, u, c in items)
        fn = sum(b and c < threshold for b, u, c in items)
        return (tp / (tp + fp) if tp + fp else 1.0), (tp / (tp + fn) if tp + fn else 1.0)

    rows = []
    for n in (1, 7, 60, 450, 1000):
        items = [(bool(RNG.random() < 0.6), round(float(RNG.random()), 4), round(float(RNG.random()), 4)) for _ in range(n)]
        confidences = np.sort([c for _, _, c in items])
        curve = [pr(items, t) for t in confidences[:-1][:: -max(1, n // 200)]]
        envelope = [max(p for p, _ in curve[i:]) for i in range(len(curve))]
        ap = sum(envelope[i] * (curve[i + 1][1] - curve[i][1]) for i in range(len(curve) - 1))
        f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r in (pr(items, t) for t in confidences[:: max(1, n // 10)])]
        visible = [u > 0.5 for b, u, _ in items if b]
        rows.append({
            "items": [[u if b else None, c] for b, u, c in items], "ap": float(ap), "max_f1": max(f1),
            "loc_acc": float(np.mean(visible)) if visible else None,
        })  # fmt: skip
    return rows


def numbers():
    values = np.round(RNG.random(97), 4)
    confidences, truths = np.round(RNG.random(300), 4), RNG.random(300) < 0.5
    bins = np.minimum((confidences * 10).astype(int), 9)
    ece = sum(
        (bins == b).mean() * abs(confidences[bins == b].mean() - truths[bins == b].mean())
        for b in range(10) if (bins == b).any()
    )  # fmt: skip
    scores = np.round(RNG.random((20, 30)), 3)
    right = RNG.random((20, 30)) < 0.1
    right[:, 0] |= ~right.any(axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    recall = [float(np.mean([right[q, order[q, :k]].any() for q in range(20)])) for k in (1, 5, 10)]
    worth = np.round(RNG.random((4, 6)), 4)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return {
        "values": values.tolist(), "auc": success_area(values),
        "auc_below": float(auc([0.05 * i for i in range(21)], [(values <= 0.05 * i).mean() for i in range(21)])),
        "third_quartile": float(np.percentile(values, 75)),
        "promises": [[float(c), bool(t)] for c, t in zip(confidences, truths)], "ece": float(ece),
        "scores": scores.tolist(), "right": right.tolist(), "recall_at_1_5_10": recall,
        "worth": worth.tolist(), "assigned": columns.tolist(),
    }  # fmt: skip


def duets():
    """Two pictures side by side, three maps of the canvas in any order."""
    rows = []
    for _ in range(8):
        boxes = [random_boxes(1)[0], random_boxes(1)[0]]
        truths = []
        for n, box in enumerate(boxes):
            canvas = np.zeros((N, 2 * N))
            canvas[:, n * N : (n + 1) * N] = filled([box])
            truths.append(canvas)
        maps = [random_map(7, 14) for _ in range(3)]
        big = [resized(m, 2 * N, N) for m in maps]
        fit = np.array([[ciou(half(m), g) for m in big] for g in truths])
        row, column = linear_sum_assignment(fit, maximize=True)
        ap = np.array([[average_precision_score(g.ravel(), m.ravel()) for m in big] for g in truths])
        best = linear_sum_assignment(ap, maximize=True)
        at = np.array([[ciou((stretched(m) >= 0.3).astype(float), g) for m in big] for g in truths])
        matched = linear_sum_assignment(at, maximize=True)
        apart = np.array([
            [ciou(half(m[:, n * N : (n + 1) * N]), g[:, n * N : (n + 1) * N]) for m in big]
            for n, g in enumerate(truths)
        ])  # fmt: skip
        first = np.unravel_index(apart.argmax(), apart.shape)
        rest = np.delete(apart[1 - first[0]], first[1]).max()
        halves = [0.0, 0.0]
        halves[first[0]], halves[1 - first[0]] = apart.max(), rest
        rows.append({
            "maps": [m.tolist() for m in maps], "boxes": [b.tolist() for b in boxes],
            "frame_wise": fit[row, column].tolist(), "cap": ap[row, column].tolist(),
            "piap": ap[best].tolist(), "score_30": at[matched].tolist(), "halves": halves,
        })  # fmt: skip
    return rows


def main():
    OUT.mkdir(exist_ok=True)
    vectors = {"singles": singles(), "detection": detection(), "numbers": numbers(), "duets": duets()}
    (OUT / "metrics.json").write_text(json.dumps(vectors, separators=(",", ":")) + "\n")
    array = np.array([[0, 1, 2], [3, 4, 5]], "<i2")
    for protocol in range(2, 6):
        (OUT / f"array_{protocol}.pkl").write_bytes(pickle.dumps(array, protocol))


if __name__ == "__main__":
    main()
