"""Subscribers that behave badly, and many of them: nobody else notices."""

import socket
import time

from daemon import Daemon, config
from devices import Scene
from harness import case, check, read, wait_until, write
from subscriber import Reader, connect, status

BUFFER = "/proc/sys/net/core/wmem_default"


@case("a subscriber that stops reading")
def stuck():
    # Small buffers in the kernel and a short queue, or it would take an hour to fill them.
    usual = read(BUFFER)
    write(BUFFER, "4608")
    chatty = {"socket": {"queue": 4}, "track": {"update_interval_s": 0.1, "update_move": 0.001}}
    try:
        with Scene(), Daemon(config(**chatty)) as daemon, Reader() as healthy:
            before = daemon.measure()
            with connect() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
                slow.sendall(b'{"subscribe":{"map":true}}\n')
                lost = lambda: status()["counters"]["events_lost"] > 0
                wait_until("the slow one loses events", lost, 90)
                healthy.next_sound()
                healthy.check_nothing_lost()
                slow.settimeout(2)
                text = b""
                while b'"lost"' not in text:
                    text += slow.recv(65536)
            wait_until("one subscriber left", lambda: status()["counters"]["subscribers"] <= 2, 10)
            before.check_back()
            healthy.check_nothing_lost()
            return "told what it lost"
    finally:
        write(BUFFER, usual)


@case("50 subscribers")
def fifty():
    with Scene(), Daemon(config()) as daemon, Reader() as first:
        before = daemon.measure()
        readers = [Reader() for _ in range(50)]
        try:
            count = lambda: status()["counters"]["subscribers"]
            wait_until("all are connected", lambda: count() >= 51, 20)
            start = time.monotonic()
            time.sleep(10)
            wait_until("a sound event", lambda: first.sounds(start), 30)
            expected = [s["seq"] for s in first.sounds(start)]
            time.sleep(1)
            for reader in readers:
                reader.check_nothing_lost()
                got = [s["seq"] for s in reader.sounds()]
                check(set(expected) <= set(got), f"expected {expected}, got {got}")
        finally:
            for reader in readers:
                reader.close()
        before.check_back()
        first.check_nothing_lost()
        return f"{len(expected)} events each"
