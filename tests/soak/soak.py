#!/usr/bin/env python3
"""Runs the daemon on a replayed clip for hours and watches what it holds.

    tests/soak/soak.py --hours 0.5 --tyto target/release/tyto --out target/soak

Every few seconds it notes resident memory, descriptors, threads and processor time of the daemon
and what its status counts; a subscriber reads all the while and checks that no event is lost and
that tracks start before they end. It writes soak.csv and soak.svg, and fails if memory or
descriptors grow, or an event is lost.
"""

import argparse
import csv
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# Memory is settled when caches, arenas and the percentiles of a minute are full.
SETTLED_S = 180
# What the program holds between two looks changes by the maps and pictures that it keeps for a
# while; resident memory by the pages that the allocator keeps of a look. What leaks raises the
# lowest they come back to, and that may be so much higher in the last quarter than in the first.
HEAP_GROWTH_KIB = 512
RESIDENT_GROWTH_KIB = 16384
FIELDS = ["s", "heap_kib", "rss_kib", "descriptors", "threads", "cpu_s", "looks", "events", "events_lost",
          "samples_lost", "look_ms_p50", "look_ms_p99", "blocks_waiting"]


class Subscriber(threading.Thread):
    """Reads every event, and keeps what is wrong with them."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.lines = connect(path)
        self.live, self.seq, self.events, self.faults = set(), None, 0, []
        self.state = None

    def run(self):
        for text in self.lines:
            line = json.loads(text)
            if line["type"] == "sound":
                self.sound(line)
            elif line["type"] == "lost":
                self.faults.append(f"lost {line['events']} events")
            elif line["type"] == "status" and line["state"] != self.state:
                self.state = line["state"]
                print(f"state: {self.state} {line.get('reason', '')}".rstrip(), flush=True)

    def sound(self, line):
        self.events += 1
        if self.seq is not None and line["seq"] != self.seq + 1:
            self.faults.append(f"event {line['seq']} came after {self.seq}")
        self.seq = line["seq"]
        known = line["track"] in self.live
        if known == (line["phase"] == "start"):
            self.faults.append(f"track {line['track']}: {line['phase']} at the wrong time")
        (self.live.discard if line["phase"] == "end" else self.live.add)(line["track"])


def connect(path):
    """The lines that the daemon sends to one that connects."""
    end = time.monotonic() + 60
    while True:
        stream = socket.socket(socket.AF_UNIX)
        try:
            stream.connect(path)
            return stream.makefile("rw")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Daemon:
    """The daemon and what /proc and its status tell of it."""

    def __init__(self, args, folder):
        self.path = str(folder / "events.sock")
        self.log = open(args.out / "daemon.log", "w")
        command = [args.tyto, "run", "--source", f"clip:{args.clip}", "--repeat",
                   "--socket", self.path]
        self.process = subprocess.Popen(command, stderr=self.log)
        self.subscriber = Subscriber(self.path)
        self.subscriber.start()
        self.asking = connect(self.path)
        self.began = time.monotonic()

    def status(self):
        self.asking.write('{"query":"status"}\n')
        self.asking.flush()
        for text in self.asking:
            line = json.loads(text)
            if line["type"] == "status":
                return line
        raise SystemExit("the daemon has gone")

    def sample(self):
        pid = self.process.pid
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        # Behind the name, which may hold anything: user and system time are the 12th and 13th.
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        told = self.status()
        counters = told["counters"]
        return {
            "s": round(time.monotonic() - self.began, 1),
            "heap_kib": told["host"].get("heap_bytes", 0) // 1024,
            "rss_kib": int(fields["VmRSS"].split()[0]),
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(fields["Threads"]),
            "cpu_s": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
            "blocks_waiting": told.get("queues", {}).get("blocks_waiting", 0),
            **{name: counters[name] for name in FIELDS if name in counters},
        }

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.subscriber.join(10)
        return code


def faults(rows, daemon, code):
    """What is wrong, as lines for people."""
    wrong = list(daemon.subscriber.faults[:10])
    if code != 0:
        wrong.append(f"the daemon ended with {code}")
    if daemon.subscriber.live:
        wrong.append(f"tracks {sorted(daemon.subscriber.live)} were never ended")
    settled = [row for row in rows if row["s"] >= min(SETTLED_S, rows[-1]["s"] / 4)]
    quarter = max(1, len(settled) // 4)

    def middle(part, name):
        return statistics.median(row[name] for row in part)

    def lowest(part, name):
        return min(row[name] for row in part)

    for name, measure, allowed in [("heap_kib", lowest, HEAP_GROWTH_KIB),
                                   ("rss_kib", lowest, RESIDENT_GROWTH_KIB),
                                   ("descriptors", middle, 4), ("threads", middle, 1)]:
        first, last = measure(settled[:quarter], name), measure(settled[-quarter:], name)
        print(f"{name}: {first:.0f} at first, {last:.0f} at last, "
              f"{max(row[name] for row in rows)} at most")
        if last - first > allowed:
            wrong.append(f"{name} grew from {first:.0f} to {last:.0f}")
    hours = (rows[-1]["s"] - rows[0]["s"]) / 3600
    print(f"{hours:.2f} h, {rows[-1]['looks']} looks, {daemon.subscriber.events} events read, "
          f"{rows[-1]['cpu_s'] / rows[-1]['s'] * 100:.0f} % of a processor")
    if daemon.subscriber.events == 0:
        wrong.append("no event came")
    return wrong


def plot(rows, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot

    hours = [row["s"] / 3600 for row in rows]
    figure, axes = pyplot.subplots(3, 1, sharex=True, figsize=(9, 7), layout="constrained")
    axes[0].plot(hours, [row["rss_kib"] / 1024 for row in rows], label="resident")
    axes[0].plot(hours, [row["heap_kib"] / 1024 for row in rows], label="held between looks")
    axes[0].legend()
    axes[0].set(ylabel="memory, MiB", ylim=(0, None), title="tyto run on a replayed clip")
    axes[1].plot(hours, [row["descriptors"] for row in rows], label="descriptors")
    axes[1].plot(hours, [row["threads"] for row in rows], label="threads")
    axes[1].set(ylim=(0, None))
    axes[1].legend()
    axes[2].plot(hours, [row["look_ms_p50"] for row in rows], label="median")
    axes[2].plot(hours, [row["look_ms_p99"] for row in rows], label="99 %")
    axes[2].set(ylabel="a look, ms", xlabel="hours", ylim=(0, None))
    axes[2].legend()
    figure.savefig(path, metadata={"Date": None})


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=0.5)
    parser.add_argument("--tyto", default=root / "target/release/tyto")
    parser.add_argument("--clip", default=root / "tests/clips/farm.mp4")
    parser.add_argument("--out", type=Path, default=root / "target/soak")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two samples")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    os.chdir(root)
    rows = []
    with tempfile.TemporaryDirectory() as folder, open(args.out / "soak.csv", "w") as file:
        daemon = Daemon(args, Path(folder))
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        try:
            while time.monotonic() - daemon.began < args.hours * 3600:
                rows.append(daemon.sample())
                table.writerow(rows[-1])
                file.flush()
                time.sleep(args.every)
        except KeyboardInterrupt:
            print("ends early")
        code = daemon.stop()
    wrong = faults(rows, daemon, code)
    try:
        plot(rows, args.out / "soak.svg")
    except ImportError:
        print("no plot: matplotlib is not installed")
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"{args.out}/soak.csv, soak.svg, daemon.log")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
