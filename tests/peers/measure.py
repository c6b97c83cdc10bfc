#!/usr/bin/env python3
"""Measure tyto beside its peers in one run; print Markdown tables.

    make peers                                    # installs the peers into target/peers first
    python tests/peers/measure.py [--rounds 5] [--seconds 60] [--only encoders,pipeline,latency,idle]

- encoders: the pack's nets in tyto's engines (`tyto bench`), in ONNX Runtime and, if the pack has
  them, in LiteRT; then the paper's pair with random weights. Processor time, one thread, by turns.
- pipeline: `tyto replay --fast` and tests/peers/pipeline.py on the shipped clip: wall and processor
  time, memory at its highest, time of a look.
- latency: `tyto run` on the clip in real time with one subscriber.
- idle: processor time of `tyto run` over a minute of silence and over a minute of sound, with a camera
  that gives 30 pictures a second.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import pipeline

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYTO = pathlib.Path(os.environ.get("TYTO", ROOT / "target/release/tyto"))
PACK = ROOT / "models/owlet"
CLIP = ROOT / "tests/clips/farm.mp4"
PARTS = {"image": "picture encoder", "audio": "sound encoder"}


def median(values):
    return statistics.median(values)


def bench(pack, looks):
    """What `tyto bench` measures: engine → part → median milliseconds; engine → whole report."""
    done = subprocess.run([TYTO, "-q", "bench", "--json", "--looks", str(looks), "--model", pack, CLIP],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    engines = json.loads(done.stdout)["engines"]
    return {e["engine"]: {row["part"]: row["busy_ms"]["p50"] for row in e["parts"]} | {"overhead": e["overhead"]["p50"]}
            for e in engines}


def shapes(spec):
    width, height = spec["image"]["size"]
    if spec["audio"]["front_end"] == "yamnet-log-mel":
        return {"image": (1, 3, height, width), "audio": (1, 1, 96, 64)}
    return {"image": (1, 3, height, width), "audio": (1, 1, 257, 299)}


def peers(pack):
    """The engines that run this pack here: name → part → a function that runs it once."""
    rng, found = np.random.default_rng(1), {}
    for engine, name in (("onnxruntime", "ONNX Runtime"), ("litert", "LiteRT")):
        try:
            *nets, spec = pipeline.nets(pack, engine)
        except (KeyError, ImportError):
            continue
        inputs = {part: rng.normal(size=shape).astype(np.float32) for part, shape in shapes(spec).items()}
        found[name] = {part: (net, inputs[part]) for part, net in zip(PARTS, nets)}
    return found


def timed(net, x, runs=3):
    net(x)
    times = []
    for _ in range(runs):
        start = time.thread_time()
        net(x)
        times.append(1e3 * (time.thread_time() - start))
    return median(times)


def encoders(folder, rounds):
    """Tables of both packs' encoders, and the ratios between them."""
    import pair
    pair.write(folder / "pair")
    sums = {}
    for title, pack, runs in (("owlet", PACK, 2), ("the paper's pair", folder / "pair", 1)):
        others, rows = peers(pack), {}
        for _ in range(rounds):
            for engine, parts in bench(pack, 12).items():
                for part, ms in parts.items():
                    rows.setdefault(f"tyto, {engine}", {}).setdefault(part, []).append(ms)
            for engine, parts in others.items():
                for part, (net, x) in parts.items():
                    rows.setdefault(engine, {}).setdefault(PARTS[part], []).append(timed(net, x))
        table = {engine: {part: median(values) for part, values in parts.items()} for engine, parts in rows.items()}
        print(f"\n{title}, ms of processor time, one thread, median of {rounds} rounds by turns\n\n| | picture | sound, one patch | both | against ONNX Runtime |\n|---|---|---|---|---|")
        base = table["ONNX Runtime"]
        for engine, parts in table.items():
            # A look of a pack with names runs the sound's net twice.
            once = parts["sound encoder"] / (runs if engine.startswith("tyto") else 1)
            both = parts["picture encoder"] + once
            sums[title, engine] = both
            ratio = both / (base["picture encoder"] + base["sound encoder"])
            print(f"| {engine} | {parts['picture encoder']:.1f} | {once:.1f} | {both:.1f} | {ratio:.2f} |")
        for engine, parts in table.items():
            if "whole look" in parts:
                print(f"\n{engine}: a whole look {parts['whole look']:.1f} ms, {parts['overhead']:.3f} of its encoders")
    print("\n| both encoders | owlet | the pair | the pair costs |\n|---|---|---|---|")
    for (title, engine), ours in sums.items():
        theirs = sums.get(("the paper's pair", engine))
        if title == "owlet" and theirs:
            print(f"| {engine} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.2f} times as much |")


def finished(command, **options):
    """Output, wall time, processor time and highest memory (MB) of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return text, time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def whole(folder, rounds):
    """The same job on the same clip, as fast as it goes."""
    names = ["ONNX Runtime"] + (["LiteRT"] if "LiteRT" in peers(PACK) else [])
    keys = {"ONNX Runtime": "onnxruntime", "LiteRT": "litert"}
    rows = {}
    for _ in range(max(1, rounds // 2)):
        log = folder / "log"
        with log.open("w") as errors:
            _, wall, cpu, peak = finished([TYTO, "replay", CLIP, "--fast", "--json"], stderr=errors)
        looks, silent, look = re.search(r"(\d+) looks \((\d+) silent.*one in ([\d.]+) ms", log.read_text()).groups()
        rows.setdefault("tyto, tract", []).append((wall, cpu, peak, float(look), int(looks) - int(silent)))
        for name in names:
            text, _, _, _ = finished([sys.executable, ROOT / "tests/peers/pipeline.py", PACK, CLIP, "--engine", keys[name]])
            found = json.loads(text)
            rows.setdefault(f"Python, {name}", []).append(
                (found["wall_s"], found["cpu_s"], found["peak_mb"], found["look_ms_p50"], found["looks"]))
    print("\nthe shipped clip (27 s), as fast as it goes\n\n| | wall, s | processor, s | memory at its highest, MB | a look, ms | looks |\n|---|---|---|---|---|---|")
    for name, values in rows.items():
        print(f"| {name} | " + " | ".join(f"{median(column):.{digits}f}" for column, digits in zip(zip(*values), (1, 1, 0, 1, 0))) + " |")


class Daemon:
    """`tyto run` on a clip, over and over."""

    def __init__(self, clip, folder):
        self.path = str(folder / "events.sock")
        self.process = subprocess.Popen([TYTO, "-q", "run", "--source", f"clip:{clip}", "--repeat", "--socket", self.path],
                                        cwd=ROOT)
        self.client = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.client.connect(self.path)
                break
            except OSError:
                time.sleep(0.05)
        self.client.settimeout(0.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)

    def listen(self, seconds):
        """The events of so many seconds."""
        until, text = time.monotonic() + seconds, b""
        while time.monotonic() < until:
            try:
                text += self.client.recv(65536)
            except TimeoutError:
                pass
        return [json.loads(line) for line in text.split(b"\n")[:-1]]

    def cpu(self):
        """Processor seconds so far, of the daemon alone."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Resident now and at its highest, MB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(kb) / 1e3 for kb in re.search(r"VmHWM:\s+(\d+)(?:.|\n)*VmRSS:\s+(\d+)", text).groups()][::-1]

    def status(self):
        """What the daemon says of itself."""
        self.client.sendall(b'{"query":"status"}\n')
        return [line for line in self.listen(1.5) if line["type"] == "status"][-1]


def latency(folder, seconds):
    """On the shipped clip, whose pictures stand still, and on one whose picture moves all the time."""
    moving = folder / "moving.mp4"
    sway = "crop=trunc(iw*0.94/2)*2:ih:(iw-ow)/2*(1+sin(2*t)):0"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", CLIP, "-vf", sway, "-c:v", "libx264", "-preset", "veryfast",
                    "-c:a", "copy", moving], check=True)
    for name, clip in (("the shipped clip", CLIP), ("the same, swaying", moving)):
        latency_on(name, clip, folder, seconds)


def latency_on(name, clip, folder, seconds):
    with Daemon(clip, folder) as daemon:
        daemon.listen(5)
        events = [e for e in daemon.listen(seconds) if e["type"] == "sound" and e["phase"] != "end"]
        look, (now, most) = daemon.status()["stages"]["look"], daemon.memory()
    cut = sorted(e["latency_ms"] for e in events)
    p50, p99 = cut[len(cut) // 2], cut[int(0.99 * len(cut))]
    print(f"\n{name} in real time, {len(cut)} starts and updates in {seconds:.0f} s: last sample used to the write p50 {p50:.0f} ms, "
          f"p99 {p99:.0f} ms; a look p50 {look['p50_ms']:.0f} ms, p99 {look['p99_ms']:.0f} ms: "
          f"{p50 / look['p50_ms']:.2f} and {p99 / look['p50_ms']:.2f} of it")
    print(f"resident memory {now:.0f} MB, at its highest {most:.0f} MB")


def film(folder, name, sound):
    """A still at 30 pictures a second with a sound."""
    path = folder / f"{name}.mkv"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-loop", "1", "-framerate", "30", "-i", ROOT / "tests/clips/cow.jpg", *sound,
                    "-t", "20", "-vf", "scale=640:480", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "pcm_s16le", path],
                   check=True)
    return path


def idle(folder, seconds):
    print("\n| `tyto run`, 30 pictures of 640×480 a second | processor, % of one core | looks a second |\n|---|---|---|")
    quiet = film(folder, "quiet", ["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono"])
    cow = film(folder, "cow", ["-stream_loop", "-1", "-i", ROOT / "tests/clips/cow.wav"])
    for name, clip in (("silence", quiet), ("a still and sound", cow), ("the shipped clip", CLIP)):
        with Daemon(clip, folder) as daemon:
            daemon.listen(5)
            before, looks, start = daemon.cpu(), daemon.status()["counters"]["looks"], time.monotonic()
            daemon.listen(seconds)
            spent, after = daemon.cpu() - before, daemon.status()["counters"]["looks"]
            took = time.monotonic() - start
        print(f"| {name} | {100 * spent / took:.1f} | {(after - looks) / took:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", default="encoders,pipeline,latency,idle")
    args = parser.parse_args()
    wanted = args.only.split(",")
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        if "encoders" in wanted:
            encoders(folder, args.rounds)
        if "pipeline" in wanted:
            whole(folder, args.rounds)
        if "latency" in wanted:
            latency(folder, args.seconds)
        if "idle" in wanted:
            idle(folder, args.seconds)


if __name__ == "__main__":
    main()
