"""The daemon as systemd runs it: its configuration, its process, what it uses."""

import json
import os
import subprocess
import time

from devices import Picture, SoundCard
from harness import SLOW, check, exists, read, wait_until, write
from subscriber import status

UNIT = "tyto.service"
CONFIG = "/etc/tyto/tyto.toml"
MEBIBYTE = 1 << 20

# What a fault may leave behind, MiB. Of what the program holds: five maps and two pictures that
# are dropped with the camera and come back one by one. Of resident memory: the tensors of a look,
# whose pages the allocator keeps for some seconds, now more of them and now less: between 100 and
# 184 in a quarter of an hour without any fault (docs/performance.md). A leak shows in the other.
HELD_SLACK = 6
RESIDENT_SLACK = 96


# A watchdog that barks early: what it catches is the same, and the suite takes minutes less. On a
# host at eight times its capacity a look has taken more than 10 s.
WATCHDOG_SECONDS = 150 if SLOW else 30


def install():
    """Prepares what every case needs of the service."""
    os.makedirs("/etc/tyto", exist_ok=True)
    os.makedirs(f"/run/systemd/system/{UNIT}.d", exist_ok=True)
    text = f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\nTimeoutStartSec=600\nTimeoutStopSec=120\n"
    write(f"/run/systemd/system/{UNIT}.d/rig.conf", text)
    systemctl("daemon-reload")


def systemctl(*arguments, check=True):
    return subprocess.run(["systemctl", *arguments], check=check, text=True, capture_output=True)


def show(key, unit=UNIT):
    return systemctl("show", "-P", key, unit).stdout.strip()


def journal(unit=UNIT, since=None, lines=40):
    """The unit's last lines in the journal."""
    command = ["journalctl", "-q", "--no-pager", "-o", "short-monotonic", "-u", unit, "-n", str(lines)]
    if since:
        command += ["--since", since]
    subprocess.run(["journalctl", "--sync"], check=False)
    return subprocess.run(command, check=False, text=True, capture_output=True).stdout.splitlines()


def config(camera=Picture.NAME, microphone=SoundCard.NAME, hearing=None, **sections):
    """A tyto.toml for these devices; `hearing` are further keys of the microphone's, and further
    sections are given as dictionaries."""
    wanted = {
        "source": {"input": "devices"},
        "camera": {"device": camera} if camera else {},
        "microphone": ({"device": microphone} if microphone else {}) | (hearing or {}),
        # A look in tract outlasts the watchdog there.
        "engine": {"name": "tflite"} if SLOW else {},
    }
    for name, keys in sections.items():
        wanted.setdefault(name, {}).update(keys)
    text = ""
    for name, keys in wanted.items():
        # What JSON writes for a string, a number or a truth value is also TOML.
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in keys.items()]
        text += f"[{name}]\n{''.join(lines)}"
    return text


class Daemon:
    """Started with a configuration, stopped at the end of a `with`."""

    def __init__(self, text, state="running", seconds=60.0):
        write(CONFIG, text)
        systemctl("reset-failed", UNIT, check=False)
        systemctl("start", UNIT)
        self.pid = int(show("MainPID"))
        self.started = wait_until(f"the daemon is {state}", lambda: self.state() == state, seconds)

    def state(self):
        return status()["state"]

    def until(self, state, seconds=30.0):
        """Waits for a state, or one of several; how long it took."""
        states = [state] if isinstance(state, str) else state
        return wait_until(f"state {'/'.join(states)}", lambda: self.state() in states, seconds)

    def until_seeing(self, seconds=30.0):
        """Waits until it runs and pictures come."""
        return self._until_moving("frames", seconds)

    def until_hearing(self, seconds=30.0):
        """Waits until it runs and samples come."""
        return self._until_moving("samples", seconds)

    def _until_moving(self, counter, seconds):
        first = status()["counters"][counter]

        def moves():
            now = status()
            return now["state"] == "running" and now["counters"][counter] > first

        return wait_until(f"running, and more {counter}", moves, seconds)

    def signal(self, number):
        os.kill(self.pid, number)

    def until_restarted(self, seconds=60.0):
        """Waits until systemd has put a new process in the place of the one that died."""
        old = self.pid

        def new():
            pid = int(show("MainPID") or 0)
            return pid not in (0, old) and exists(f"/proc/{pid}")

        took = wait_until("a new process", new, seconds)
        self.pid = int(show("MainPID"))
        return took

    def threads(self):
        """Thread ids by name."""
        folder = f"/proc/{self.pid}/task"
        return {read(f"{folder}/{tid}/comm"): int(tid) for tid in os.listdir(folder)}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        for line in read(f"/proc/{self.pid}/status").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def held(self):
        """What the program has asked for and not freed, between two looks. Maps and events that
        are kept for a while come and go: the least of a few seconds."""
        values = []
        for _ in range(4):
            values.append(status()["host"]["heap_bytes"])
            time.sleep(1.1)  # status answers from figures that are up to a second old
        return min(values)

    def until_full(self):
        """Waits until it has as many maps as it keeps."""
        def heard():
            counters = status()["counters"]
            return counters["looks"] - counters["looks_silent"]

        first = heard()
        wait_until("eight looks with sound", lambda: heard() >= first + 8, 90, every=0.5)

    def measure(self):
        """What it uses now; once it has taken its first looks, whose memory it keeps."""
        wait_until("ten looks", lambda: status()["counters"]["looks"] >= 10, 60, every=0.5)
        return Use(self, self.descriptors(), self.held(), self.resident())

    def stop(self):
        start = time.monotonic()
        systemctl("stop", UNIT)
        return time.monotonic() - start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Use:
    """File descriptors and memory at one moment, to be back there after a fault."""

    def __init__(self, daemon, descriptors, held, resident):
        self.daemon, self.descriptors = daemon, descriptors
        self.held, self.resident = held, resident

    def check_back(self, seconds=10.0):
        """Fails unless the daemon is back there."""
        d = self.daemon
        try:
            wait_until("", lambda: d.descriptors() <= self.descriptors, seconds)
        except AssertionError:
            folder = f"/proc/{d.pid}/fd"
            now = sorted(os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder))
            check(False, f"file descriptors: {self.descriptors} before, {len(now)} after: {now}")
        grown = (d.held() - self.held) / MEBIBYTE
        check(grown <= HELD_SLACK, f"the heap grew by {grown:.1f} MiB")
        grown = (d.resident() - self.resident) / MEBIBYTE
        check(grown <= RESIDENT_SLACK, f"resident memory grew by {grown:.1f} MiB")
