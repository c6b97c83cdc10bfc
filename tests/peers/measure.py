#!/usr/bin/env python3
"""Measure tyto beside ONNX Runtime on the same files in the same run; print a Markdown table.

    pip install numpy==2.4.6 onnxruntime==1.32.0
    cargo build --release && python3 tests/peers/measure.py [--seconds 60]

Encoders: the pack's two graphs, one thread each, tyto and ONNX Runtime by turns.
Daemon: `tyto run` on the shipped clip in real time, with one subscriber.
"""
import argparse
import json
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import tomllib

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYTO = ROOT / "target/release/tyto"
PACK = ROOT / "models/owlet"
CLIPS = ROOT / "tests/clips"
STAGE = re.compile(r"(picture encoder|log-mel|sound encoder) \d+ × ([\d.]+) ms")


def tyto_stages(folder):
    """Milliseconds a run of each stage, from one manifest of every still with every sound."""
    rows = [{"id": f"{i}-{s}", "image": str(CLIPS / f"{i}.jpg"), "audio": str(CLIPS / f"{s}.wav")}
            for i in ("cow", "sheep", "dog") for s in ("cow", "sheep", "dog")]
    manifest = pathlib.Path(folder) / "m.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run([TYTO, "-v", "locate", "--manifest", manifest, "--out", "/dev/null"],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    return {name: float(ms) for name, ms in STAGE.findall(done.stderr)}


def peer():
    """A function that gives ONNX Runtime's milliseconds a run of each encoder."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    spec = tomllib.loads((PACK / "pack.toml").read_text())
    rng, runs = np.random.default_rng(1), {}
    for stage, part, name, shape in (
            ("picture encoder", "image", "picture", (1, 3, *spec["image"]["size"])),
            ("sound encoder", "audio", "patch", (1, 1, 96, 64))):
        session = onnxruntime.InferenceSession(PACK / spec[part]["file"], options,
                                               providers=["CPUExecutionProvider"])
        runs[stage] = (session, {name: rng.normal(size=shape).astype(np.float32)})

    def once():
        times = {}
        for stage, (session, feed) in runs.items():
            session.run(None, feed)
            start = time.perf_counter()
            session.run(None, feed)
            times[stage] = 1e3 * (time.perf_counter() - start)
        return times

    return once


def daemon(folder, seconds):
    """Latencies of the events one subscriber gets, and the daemon's resident memory in MB."""
    path = str(pathlib.Path(folder) / "events.sock")
    process = subprocess.Popen([TYTO, "-q", "run", "--source", f"clip:{CLIPS / 'farm.mp4'}", "--repeat",
                                "--socket", path], cwd=ROOT)
    client = socket.socket(socket.AF_UNIX)
    until = time.monotonic() + seconds
    while True:
        try:
            client.connect(path)
            break
        except OSError:
            time.sleep(0.05)
    client.settimeout(1.0)
    text, status = b"", pathlib.Path(f"/proc/{process.pid}/status")
    while time.monotonic() < until:
        try:
            text += client.recv(65536)
        except TimeoutError:
            pass
    memory = {k: int(v) / 1e3 for k, v in re.findall(r"(VmRSS|VmHWM):\s+(\d+)", status.read_text())}
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    events = [json.loads(line) for line in text.split(b"\n")[:-1]]
    return [e["latency_ms"] for e in events if e["type"] == "sound" and e["phase"] != "end"], memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    ours, theirs, once = [], [], peer()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            ours.append(tyto_stages(folder))
            theirs.append(once())
        latencies, memory = daemon(folder, args.seconds)
    print("| stage, ms a run, one thread (median) | tyto (tract) | ONNX Runtime | ratio |\n|---|---|---|---|")
    for stage in ours[0]:
        mine = statistics.median(row[stage] for row in ours)
        if stage in theirs[0]:
            other = statistics.median(row[stage] for row in theirs)
            print(f"| {stage} | {mine:.1f} | {other:.1f} | {mine / other:.2f} |")
        else:
            print(f"| {stage} | {mine:.1f} | – | – |")
    cut = sorted(latencies)
    print(f"\n{len(cut)} starts and updates in {args.seconds:.0f} s: last sample used to the write, "
          f"p50 {cut[len(cut) // 2]:.0f} ms, p99 {cut[int(0.99 * len(cut))]:.0f} ms")
    print(f"resident memory {memory['VmRSS']:.0f} MB, at its highest {memory['VmHWM']:.0f} MB")


if __name__ == "__main__":
    main()
