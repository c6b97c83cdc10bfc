"""YAMNet's front end, by its published definition, in numpy."""
import numpy as np

RATE, WINDOW, HOP, FFT = 16000, 400, 160, 512
BANDS, LOW, HIGH, OFFSET = 64, 125.0, 7500.0, 0.001
FRAMES, PATCH_HOP = 96, 48
PATCH_SAMPLES = (FRAMES - 1) * HOP + WINDOW  # 15600


def mel(hertz):
    return 1127.0 * np.log(1.0 + np.asarray(hertz, np.float64) / 700.0)


def mel_matrix():
    """(257, 64) triangular filters with corners evenly spaced in mel; the DC bin is left out."""
    bins = mel(np.linspace(0.0, RATE / 2, FFT // 2 + 1))[:, None]
    edges = np.linspace(mel(LOW), mel(HIGH), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights[0] = 0.0
    return weights


def log_mel(samples):
    """(frames, 64) of mono 16 kHz samples in [-1, 1]; only whole windows count."""
    samples = np.asarray(samples, np.float64)
    count = 1 + (len(samples) - WINDOW) // HOP
    frames = samples[np.arange(count)[:, None] * HOP + np.arange(WINDOW)]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)  # periodic
    spectrum = np.abs(np.fft.rfft(frames * hann, FFT))
    return np.log(spectrum @ mel_matrix() + OFFSET).astype(np.float32)


def patches(samples):
    """(n, 96, 64) overlapping by half. A signal shorter than one patch is padded with zeros at its
    end; a tail that fills no patch of its own is left out."""
    samples = np.asarray(samples, np.float32)
    samples = np.pad(samples, (0, max(0, PATCH_SAMPLES - len(samples))))
    frames = log_mel(samples)
    starts = list(range(0, len(frames) - FRAMES + 1, PATCH_HOP))
    return np.stack([frames[s:s + FRAMES] for s in starts])
