"""Recordings of the packages, and instruments and speech synthesised, as 16 kHz samples."""
import io
import pathlib
import random
import re
import struct
import subprocess
import tempfile

import numpy as np
import scipy.signal
import soundfile

import names

RATE = 16000
LONGEST = 8  # seconds of a recording that are read
PASSED_OVER = re.compile(r"_desc|/symbols/|/Electronic/|/music/|/interface/|_[a-z]{2}(_[A-Za-z]{2})?\.ogg$")

# General MIDI programs (from 0; -1 is the drum kit) and the notes they play in.
PROGRAMS = {
    "Piano": ((0, 1, 2), (40, 84)), "Xylophone": ((9, 11, 12, 13), (60, 90)), "Organ": ((16, 18, 19), (48, 79)),
    "Accordion": ((21, 23), (48, 79)), "Harmonica": ((22,), (48, 79)), "Guitar": ((24, 25, 26, 27, 30), (40, 72)),
    "Violin": ((40, 41, 48), (55, 86)), "Cello": ((42, 43), (36, 60)), "Harp": ((46,), (48, 79)),
    "Trumpet": ((56, 59), (54, 80)), "Trombone": ((57,), (40, 64)), "Horn": ((58, 60), (41, 65)),
    "Saxophone": ((64, 65, 66, 67), (45, 76)), "Clarinet, oboe or bassoon": ((68, 69, 70, 71), (48, 79)),
    "Flute": ((72, 73, 74), (60, 86)), "Banjo": ((104, 105), (48, 79)), "Steel drum": ((114,), (48, 79)),
    "Drum": ((-1, -1, 47, 116), (35, 60)),
}
SENTENCES = ("Hello, can you hear me over there?", "The weather is lovely this morning, is it not?",
             "I have never seen anything like it in my whole life.", "One, two, three, four, five, six, seven.",
             "Come here! Come here right now!", "We will meet again on Thursday at half past nine.")
VOICES = ("en", "en-us", "de", "fr", "es", "it", "pl", "ru", "sv", "tr")


def trimmed(samples, rate):
    """Mono at 16 kHz without the silence around it, its peak at one half; None if nothing is left."""
    mono = samples if samples.ndim == 1 else samples.mean(1)
    common = np.gcd(rate, RATE)
    mono = scipy.signal.resample_poly(mono, RATE // common, rate // common)[:LONGEST * RATE]
    peak = np.abs(mono).max(initial=0)
    if peak < 0.01:
        return None
    loud = np.flatnonzero(np.abs(mono) > 0.02 * peak)
    mono = mono[loud[0]:loud[-1] + 1]
    return (mono / peak / 2).astype(np.float32) if len(mono) > RATE // 10 else None


def decoded(source):
    try:
        samples, rate = soundfile.read(source, dtype="float32")
    except soundfile.LibsndfileError:
        return None
    return trimmed(samples, rate)


def resources(path, ending):
    """(name, bytes) of the uncompressed files of a Qt resource file."""
    data = path.read_bytes()
    _, version, tree, files, texts = struct.unpack(">4sIIII", data[:20])
    size = 14 if version < 2 else 22

    def walk(index):
        node = data[tree + index * size:tree + (index + 1) * size]
        text, flags = struct.unpack(">IH", node[:6])
        length, = struct.unpack(">H", data[texts + text:texts + text + 2])
        name = data[texts + text + 6:texts + text + 6 + 2 * length].decode("utf-16-be") if index else ""
        if flags & 2:
            count, child = struct.unpack(">II", node[6:14])
            for i in range(count):
                yield from walk(child + i)
        elif name.endswith(ending) and not flags & 5:
            at = files + struct.unpack(">I", node[10:14])[0]
            yield name, data[at + 4:at + 4 + struct.unpack(">I", data[at:at + 4])[0]]
    yield from walk(0)


def catalogue(path):
    """(name, bytes) of the sounds of an OpenTTD sound set."""
    data = path.read_bytes()
    count = (struct.unpack("<I", data[:4])[0] & 0x7FFFFFFF) // 8
    for i in range(count):
        at, length = struct.unpack("<II", data[8 * i:8 * i + 8])
        at &= 0x7FFFFFFF
        name = data[at + 1:at + data[at]].split(b"\0")[0].decode("latin1")
        yield name, data[at + 1 + data[at]:at + 1 + data[at] + length]


def recorded(packages):
    """(package, path or name, samples) in a fixed order."""
    for package, folder in sorted(packages.items()):
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            if path.suffix in (".ogg", ".wav", ".mp3", ".aif", ".aiff") and not PASSED_OVER.search("/" + str(inner)):
                yield package, path, decoded(path)
            elif path.name in ("instruments.rcc", "explore_farm_animals.rcc"):
                for name, data in resources(path, ".ogg"):
                    yield package, pathlib.Path(name), decoded(io.BytesIO(data))
            elif path.name == "opensfx.cat":
                for name, data in catalogue(path):
                    yield package, pathlib.Path(name), decoded(io.BytesIO(data))


def quantity(n):
    out = [n & 127]
    while n := n >> 7:
        out.insert(0, n & 127 | 128)
    return bytes(out)


def tune(program, low, high, rng):
    """A few seconds of a seeded tune as a MIDI file."""
    channel, events, now, tempo = 9 if program < 0 else 0, [], 0, rng.choice([70, 100, 140])
    if program >= 0:
        events.append((0, bytes([0xC0, program])))
    base = rng.randint(low, max(low, high - 12))
    while now < 48 * tempo:
        length = rng.choice([120, 240, 240, 480, 960])
        for third in range(1 if rng.random() < 0.7 else 3):
            note = rng.choice([35, 36, 38, 40, 41, 42, 45, 46, 49]) if channel else (
                min(high, base + 4 * third + rng.choice([0, 2, 4, 5, 7, 9, 11, 12])))
            events += [(now, bytes([0x90 | channel, note, rng.randint(70, 120)])),
                       (now + int(length * 0.95), bytes([0x80 | channel, note, 0]))]
        now += length
    track, last = b"\x00\xff\x51\x03" + struct.pack(">I", 60_000_000 // tempo)[1:], 0
    for at, event in sorted(events, key=lambda e: (e[0], e[1][0] & 0xF0 == 0x90)):
        track, last = track + quantity(at - last) + event, at
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track


def synthesised(font, seed=1):
    """(concept, name, samples) of tunes (fluidsynth) and sentences (espeak-ng)."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = pathlib.Path(folder, "a.mid"), pathlib.Path(folder, "a.wav")
        for concept, (programs, (low, high)) in PROGRAMS.items():
            for i in range(max(4, 2 * len(programs))):
                midi.write_bytes(tune(programs[i % len(programs)], low, high, rng))
                subprocess.run(["fluidsynth", "-niq", "-r", str(RATE), "-g", "0.6", "-F", wave, font, midi],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                yield concept, f"{concept} {i}", decoded(wave)
        for i in range(50):
            voice = VOICES[i % len(VOICES)] + rng.choice(["", "+f2", "+f4", "+m3", "+m7", "+f5"])
            subprocess.run(["espeak-ng", "-v", voice, "-s", str(rng.randint(120, 190)), "-p", str(rng.randint(20, 80)),
                            "-w", wave, SENTENCES[i % len(SENTENCES)]], check=True, stderr=subprocess.DEVNULL)
            yield "Person", f"speech {i}", decoded(wave)


def material(packages, chosen=lambda path: True):
    """[(concept, samples)] of the recordings whose names tell what they are."""
    [font] = packages["fluid-soundfont-gm"].rglob("FluidR3_GM.sf2")
    recordings = ((names.concept(path), samples) for _, path, samples in recorded(packages) if chosen(path))
    tunes = ((concept, samples) for concept, name, samples in synthesised(font)
             if chosen(pathlib.Path(name.replace(" ", "-"))))
    return [(concept, samples) for part in (recordings, tunes) for concept, samples in part
            if concept and samples is not None]
