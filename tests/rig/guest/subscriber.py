"""Subscribers to the daemon's socket, as any program would be one."""

import json
import socket
import threading
import time

from harness import PATIENCE, check, wait_until

PATH = "/run/tyto/events.sock"


def connect(seconds=20.0):
    """A connected socket; waits for the daemon to listen."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.connect(PATH)
            return link
        except OSError:
            link.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def status():
    """The daemon's answer to `{"query":"status"}`."""
    with connect() as link:
        link.settimeout(10.0 * PATIENCE)
        link.sendall(b'{"query":"status"}\n')
        link.shutdown(socket.SHUT_WR)
        for line in link.makefile("r", encoding="utf-8"):
            message = json.loads(line)
            if message["type"] == "status":
                return message
    check(False, "no answer to the query for the status")
    return None


class Reader(threading.Thread):
    """A subscriber that reads everything at once, as it comes, and remembers it."""

    def __init__(self, request=None):
        super().__init__(daemon=True)
        self.messages = []
        self.ended = None
        self.link = connect()
        if request:
            self.link.sendall(json.dumps(request).encode() + b"\n")
        self.start()

    def run(self):
        try:
            for line in self.link.makefile("r", encoding="utf-8"):
                message = json.loads(line)
                message["arrived"] = time.monotonic()
                self.messages.append(message)
        except OSError:
            pass
        self.ended = time.monotonic()

    def of(self, kind, since=0.0):
        return [m for m in self.messages if m["type"] == kind and m["arrived"] >= since]

    def sounds(self, since=0.0):
        return self.of("sound", since)

    def states(self):
        return [m["state"] for m in self.of("status")]

    def next_sound(self, seconds=40.0, since=None):
        """Waits for a sound event that has not been there yet."""
        since = time.monotonic() if since is None else since
        return wait_until("a sound event", lambda: self.sounds(since), seconds)

    def check_nothing_lost(self):
        """A healthy reader gets every event: no `lost` line, no gap in `seq`."""
        check(not self.of("lost"), "a healthy reader was told of lost events")
        numbers = [sound["seq"] for sound in self.sounds()]
        for before, after in zip(numbers, numbers[1:]):
            check(after == before + 1, f"seq jumped from {before} to {after}")

    def close(self):
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join(5)
        self.link.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
