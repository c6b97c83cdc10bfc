"""Power cuts: what the one before has left is looked at and mended, then comes the next."""

import ctypes
import os
import random
import subprocess
import time

from harness import case, check, exists, say, write
from package import CONFIG, DROP_IN, deb, dpkg, installed, serves, show

POWER_OFF = 0x4321FEDC
NUMBER = LAST = 0


def prepare(number, last):
    global NUMBER, LAST
    NUMBER, LAST = number, last
    case(f"after power cut {number}" if number else "before the power cuts")(look)


def look():
    """The device has booted; the service must serve whatever state dpkg is in."""
    with open(CONFIG, encoding="utf-8") as file:
        check("# Mine." in file.read(), "the edited configuration is gone")
    took = serves()
    found, kept = installed(), exists(DROP_IN)
    # What any administrator does next.
    dpkg("--configure", "-a", good=None)
    dpkg("-i", deb("newer" if NUMBER % 2 else "first"))
    check(installed().endswith(" installed"), f"dpkg: {installed()}")
    check(not exists(DROP_IN), "the kept version still stands in for the new one")
    serves()
    check(not show("Description").startswith("Tyto, kept"), show("Description"))
    return f"{took:.1f} s, {found}{', kept version' if kept else ''}"


def off():
    """Begins an upgrade and takes the power away at a random moment in it; nothing is synced."""
    if NUMBER == LAST:
        return
    os.sync()
    random.seed(os.urandom(8))
    # As long as the last one took, so that every stage has its turn.
    file = "/rig/upgrade.seconds"
    if not exists(file):
        start = time.monotonic()
        dpkg("-i", deb("newer"))
        write(file, str(time.monotonic() - start))
        dpkg("-i", deb("first"))
        os.sync()
    with open(file, encoding="utf-8") as text:
        whole = float(text.read())
    delay = random.uniform(0.0, whole)
    say(f"      power off {delay:.2f} s into an upgrade of {whole:.2f} s")
    time.sleep(0.3)
    upgrade = deb("first" if NUMBER % 2 else "newer")
    subprocess.Popen(
        ["dpkg", "--force-confold", "-i", upgrade],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(delay)
    ctypes.CDLL(None).reboot(POWER_OFF)
