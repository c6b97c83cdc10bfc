#!/usr/bin/env python3
"""Writes the reference vectors for src/signal with implementations that share no code with it.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 pillow==13.0.0
    venv/bin/python tests/vectors/make_signal.py

Log-mel: numpy, written from YAMNet's features.py and the definition of
tf.signal.linear_to_mel_weight_matrix, in 64 bits. Resampling: scipy.signal.resample_poly with a
long Kaiser filter. Spectrograms: scipy.signal.spectrogram. Resizing: Pillow's BILINEAR and
BICUBIC. The mel bands of TensorFlow itself are in
mel_bands.f32, which only `--tensorflow` writes anew (pip install tensorflow-cpu==2.21.0).

All files are little-endian; tests/signal_vectors.rs reads them.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import wavfile
from scipy.signal import firwin, resample_poly, spectrogram

OUT = Path(__file__).parent / "signal"
CLIPS = Path(__file__).parent.parent / "clips"
RATE = 16_000
SEED = 20_240_607


def store(name, values):
    values = np.ascontiguousarray(values)
    suffix = {"float32": "f32", "uint8": "u8"}[values.dtype.name]
    path = OUT / f"{name}.{suffix}"
    path.write_bytes(values.astype(values.dtype.newbyteorder("<")).tobytes())
    print(f"{path.name}: {values.shape}, {path.stat().st_size} bytes")


def hertz_to_mel(hertz):
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def mel_weights(bands=64, bins=257, lower=125.0, upper=7500.0):
    spectrum = hertz_to_mel(np.linspace(0.0, RATE / 2, bins)[1:])[:, None]
    edges = np.linspace(hertz_to_mel(lower), hertz_to_mel(upper), bands + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    up, down = (spectrum - left) / (centre - left), (right - spectrum) / (right - centre)
    return np.vstack([np.zeros((1, bands)), np.maximum(0.0, np.minimum(up, down))])


def log_mel(samples):
    starts = np.arange(0, len(samples) - 400 + 1, 160)
    frames = np.stack([samples[s : s + 400] for s in starts]).astype(np.float64)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    magnitude = np.abs(np.fft.rfft(frames * window, 512))
    return np.log(magnitude @ mel_weights() + 0.001)


def write_log_mel():
    # A loud tone beside silence, a sweep beneath it, and noise at -80 dB: the worst for rounding.
    t = np.arange(RATE) / RATE
    noise = np.random.default_rng(SEED).normal(0.0, 1e-4, RATE)
    sweep = 0.01 * np.sin(2 * np.pi * (200 * t + 3500 * t * t))
    loud = 0.9 * np.sin(2 * np.pi * 997 * t) * (t < 0.5)
    tones = (loud + sweep * (t > 0.2) + noise * (t > 0.8)).astype(np.float32)
    store("tones", tones)
    store("tones_log_mel", log_mel(tones).astype(np.float32))
    rate, dog = wavfile.read(CLIPS / "dog.wav")
    assert rate == RATE and dog.dtype == np.int16
    store("dog_log_mel", log_mel(dog / 32768.0).astype(np.float32))


def write_spectrogram():
    """Every 37th of the 299 frames: density, and what the encoder sees of it."""
    tones = np.float32(1.5) * np.frombuffer((OUT / "tones.f32").read_bytes(), "<f4")
    samples = np.clip(np.tile(tones, 3).astype(np.float64), -1, 1)
    _, _, density = spectrogram(samples, RATE, nperseg=512, noverlap=353)
    assert density.shape == (257, 299)
    seen = np.log(density + 1e-7) / 12
    store("tones_density", density[:, ::37].T.astype(np.float32))
    store("tones_spectrogram", seen[:, ::37].T.astype(np.float32))
    print("full spectrogram: sum", seen.sum())


def write_resampled():
    """Chords, faded in and out, so that no edge and no filter's roll-off lies between."""
    random = np.random.default_rng(SEED)
    seconds = 0.4
    chord = [
        {"hertz": float(f), "amplitude": 0.08, "phase": float(p)}
        for f, p in zip(
            np.round(np.geomspace(90, 3_600, 8)), np.round(random.uniform(0, 6.28, 8), 3)
        )
    ]
    rates = [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 44_101]
    for rate in rates:
        t = np.arange(round(seconds * rate)) / rate
        fade = np.sin(np.pi * t / seconds) ** 2
        wave = sum(
            c["amplitude"] * np.sin(2 * np.pi * c["hertz"] * t + c["phase"]) for c in chord
        )
        # The program is given 32-bit samples, so the reference is too.
        wave = (wave * fade).astype(np.float32).astype(np.float64)
        step = np.gcd(rate, RATE)
        up, down = RATE // step, rate // step
        if up * down > 10_000_000:  # no polyphase filter of a sane length: the ideal itself
            t = np.arange(round(seconds * RATE)) / RATE
            fade = np.sin(np.pi * t / seconds) ** 2
            wave = fade * sum(
                c["amplitude"] * np.sin(2 * np.pi * c["hertz"] * t + c["phase"]) for c in chord
            )
        else:


            half = 64 * max(up, down)
            taps = firwin(2 * half + 1, 1 / max(up, down), window=("kaiser", 12.0))
            wave = resample_poly(wave, up, down, window=taps)
        store(f"chord_{rate}", wave.astype(np.float32))
    (OUT / "chord.json").write_text(
        json.dumps({"seconds": seconds, "rates": rates, "tones": chord}, indent=1) + "\n"
    )


def pattern(width, height):
    """Slopes, edges and noise from integers, so that the test can make the same picture."""
    x, y, c = np.meshgrid(
        np.arange(width, dtype=np.uint32),
        np.arange(height, dtype=np.uint32),
        np.arange(3, dtype=np.uint32),
        indexing="xy",
    )
    noise = ((x * 2654435761 + y * 40503 + c * 69069) * np.uint32(2246822519)) >> 24
    slope = (x * 200 // width + y * 55 // height) & 255
    edge = np.where((x // 17 + y // 11) % 2 == 0, 230, 20)
    kind = (x * 3 // width + c) % 3
    return np.choose(kind, [slope, edge, noise]).astype(np.uint8)


def write_resized():
    cases = [
        (640, 480, 128, 96),
        (1999, 1333, 96, 96),
        (37, 53, 96, 80),
        (416, 416, 416, 104),
        (1, 1, 8, 8),
        (3, 200, 64, 16),
    ]
    rows = []
    for width, height, to_width, to_height in cases:
        name = f"resized_{width}x{height}_{to_width}x{to_height}"
        picture = Image.fromarray(pattern(width, height), "RGB")
        store(name, np.asarray(picture.resize((to_width, to_height), Image.BILINEAR)))
        rows.append({"from": [width, height], "to": [to_width, to_height], "name": name})
    (OUT / "resized.json").write_text(json.dumps(rows, indent=1) + "\n")


def write_cubic():
    """Pillow's images of floats are neither rounded nor cut between its two passes or after."""
    cases = [(640, 480, 48, 64), (37, 53, 64, 48), (3, 200, 32, 16)]
    rows = []
    for width, height, to_width, to_height in cases:
        name = f"cubic_{width}x{height}_{to_width}x{to_height}"
        planes = np.moveaxis(pattern(width, height), 2, 0).astype(np.float32)
        size = (to_width, to_height)
        scaled = [np.asarray(Image.fromarray(p).resize(size, Image.BICUBIC)) for p in planes]
        store(name, np.stack(scaled))
        rows.append({"from": [width, height], "to": [to_width, to_height], "name": name})
    (OUT / "cubic.json").write_text(json.dumps(rows, indent=1) + "\n")


def write_tensorflow():
    import tensorflow as tf

    print("tensorflow", tf.__version__)
    weights = tf.signal.linear_to_mel_weight_matrix(64, 257, RATE, 125.0, 7500.0).numpy()
    print("largest difference from numpy:", np.abs(weights - mel_weights()).max())
    store("mel_bands", weights.astype(np.float32))


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    if "--tensorflow" in sys.argv:
        write_tensorflow()
    else:
        write_log_mel()
        write_spectrogram()
        write_resampled()
        write_resized()
        write_cubic()
