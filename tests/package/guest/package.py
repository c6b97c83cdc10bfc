"""The package as dpkg handles it, and the service that comes with it."""

import os
import subprocess
import threading
import time

from harness import check, exists, wait_until
from subscriber import PATH, connect, status

UNIT = "tyto.service"
CONFIG = "/etc/tyto/tyto.toml"
DROP_IN = "/etc/systemd/system/tyto.service.d/50-previous-version.conf"
HOME = "/var/lib/tyto"


def deb(name):
    return f"/rig/{name}.deb"


def dpkg(*arguments, good=True):
    """Runs dpkg without anyone to ask; its whole output."""
    command = ["dpkg", "--force-confold", *arguments]
    done = subprocess.run(
        command, check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if good is not None:
        check((done.returncode == 0) == good, f"{' '.join(command)}: {done.returncode}: {done.stdout}")
    return done.stdout


def installed():
    """Version and state as dpkg knows them."""
    command = ["dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "tyto"]
    return subprocess.run(command, check=False, text=True, capture_output=True).stdout


def systemctl(*arguments, check=True):
    return subprocess.run(["systemctl", *arguments], check=check, text=True, capture_output=True)


def show(key):
    return systemctl("show", "-P", key, UNIT).stdout.strip()


def process():
    return int(show("MainPID") or 0)


def serves(seconds=60.0):
    """Waits until the daemon answers; how long that took."""

    def answers():
        try:
            return exists(PATH) and status()["state"] in ("running", "starting", "degraded")
        except (OSError, ValueError):
            return False

    return wait_until("the daemon answers", answers, seconds)


def journal(lines=25):
    command = ["journalctl", "-q", "--no-pager", "-o", "short-monotonic", "-u", UNIT, "-n", str(lines)]
    subprocess.run(["journalctl", "--sync"], check=False)
    text = subprocess.run(command, check=False, text=True, capture_output=True).stdout
    return [*text.splitlines(), f"dpkg: {installed()}, kept: {exists(DROP_IN)}"]


class Outage(threading.Thread):
    """Looks all the time whether the event socket takes a connection: the longest it did not."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest = 0.0
        self.ended = False

    def run(self):
        last = time.monotonic()
        while not self.ended:
            try:
                connect(seconds=0.0).close()
                now = time.monotonic()
                self.longest = max(self.longest, now - last)
                last = now
            except OSError:
                pass
            time.sleep(0.01)
        self.longest = max(self.longest, time.monotonic() - last)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()
