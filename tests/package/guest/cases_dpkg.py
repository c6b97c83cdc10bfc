"""Install, upgrade, refuse, cut short, remove, purge: in this order, each on what the one
before has left."""

import grp
import os
import random
import shutil
import signal
import stat
import subprocess
import time

from harness import case, check, exists, read, wait_until, write
from package import (
    CONFIG, DROP_IN, HOME, Outage, deb, dpkg, installed, process, serves, show, systemctl,
)  # fmt: skip
from subscriber import PATH

# With the engine whose library the package brings.
MINE = """# Mine.
[camera]
device = "vivid"
[microphone]
device = "Loopback"
[engine]
name = "tflite"
"""


def holds(version):
    """The newest state is in force: installed, enabled, serving, nothing left of the way there."""
    check(installed() == f"{version} installed", f"dpkg: {installed()}")
    serves()
    check(show("UnitFileState") == "enabled", f"unit: {show('UnitFileState')}")
    check(not exists(DROP_IN), "the kept version still stands in")
    check(not exists(f"{HOME}/previous"), "the kept version still takes room")
    check(os.readlink(f"/proc/{process()}/exe") == "/usr/bin/tyto", "another program runs")


@case("a fresh install serves at once")
def fresh():
    dpkg("-i", deb("first"))
    holds("0.1.0-1")
    mode = os.stat(PATH)
    check(stat.S_IMODE(mode.st_mode) == 0o660, f"socket mode {stat.S_IMODE(mode.st_mode):o}")
    check(grp.getgrgid(mode.st_gid).gr_name == "tyto", "the socket's group is not tyto")
    check("# /etc/tyto/tyto.toml" in read(CONFIG), "no example configuration")
    subprocess.run(["tyto", "check"], check=True, capture_output=True, cwd="/")


@case("an upgrade keeps the edited configuration; outage")
def upgrade():
    write(CONFIG, MINE)
    systemctl("restart", "tyto")
    serves()
    old = process()
    with Outage() as outage:
        dpkg("-i", deb("newer"))
        serves()
    check(process() != old, "the old program still runs")
    check("/usr/lib/tyto/libtensorflowlite_c.so" in read(f"/proc/{process()}/maps"), "tflite is not used")
    check(read(CONFIG) == MINE.strip(), "the configuration is not the edited one")
    holds("0.1.0-2")
    return outage.longest


def refused(name, reason, still=True):
    """A version that must not come into force: the one before runs on, and does after a boot."""
    old = process()
    with Outage() as outage:
        said = dpkg("-i", deb(name), good=False)
        serves()
    check("was refused" in said and reason in said, f"what dpkg said: {said}")
    check("The version before".lower() in said.lower(), f"what dpkg said: {said}")
    check(not still or process() == old, "the running program was disturbed")
    check("kept at version 0.1.0-2" in show("Description"), show("Description"))
    # As after a boot.
    systemctl("restart", "tyto")
    serves()
    check(os.readlink(f"/proc/{process()}/exe") == f"{HOME}/previous/tyto", "another program runs")
    # Asked again, it says the same again and does no harm.
    check("was refused" in dpkg("--configure", "tyto", good=False), "it was accepted the second time")
    serves()
    dpkg("-i", deb("newer"))
    holds("0.1.0-2")
    return f"refused, outage {outage.longest:.2f} s"


@case("a damaged model pack leaves the old version running")
def bad_pack():
    return refused("bad-pack", "image.onnx")


@case("a damaged program leaves the old version running")
def bad_program():
    return refused("bad-program", "self-test")


@case("a version that does not take the configuration is refused")
def bad_configuration():
    return refused("bad-configuration", "configuration")


@case("a version that does not serve gives way to the old one")
def bad_start():
    return refused("bad-start", "does not start", still=False)


def turned_away(name, word):
    """dpkg does not begin with the package NAME, and says why with WORD."""
    old = process()
    said = dpkg("-i", deb(name), good=False)
    check(word in said, said)
    holds("0.1.0-2")
    check(process() == old, "the running program was disturbed")


@case("a package for another processor changes nothing")
def foreign():
    turned_away("foreign", "architecture")


@case("a package for a younger glibc changes nothing")
def older_libc():
    turned_away("older-libc", "libc6")


@case("too little room leaves the old version running")
def full_disk():
    old = process()
    free = shutil.disk_usage("/").free
    subprocess.run(["fallocate", "-l", str(free - (12 << 20)), "/filler"], check=True)
    try:
        said = dpkg("-i", deb("first"), good=False)
        check("No space left" in said or "too little room" in said, said)
        serves()
        check(process() == old, "the running program was disturbed")
        systemctl("restart", "tyto")
        serves()
    finally:
        os.remove("/filler")
    dpkg("--configure", "-a", good=None)
    dpkg("-i", deb("newer"))
    holds("0.1.0-2")


@case("dpkg killed at eight random moments")
def killed():
    start = time.monotonic()
    dpkg("-i", deb("first"))
    whole = time.monotonic() - start
    found = []
    for turn in range(8):
        upgrade = deb("first" if turn % 2 else "newer")
        run = subprocess.Popen(
            ["dpkg", "--force-confold", "-i", upgrade], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(random.uniform(0.0, whole))
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()
        # As after a boot.
        systemctl("restart", "tyto")
        serves()
        found.append(installed().split()[-1] + ("+kept" if exists(DROP_IN) else ""))
        check(read(CONFIG) == MINE.strip(), "the configuration is not the edited one")
        dpkg("--configure", "-a", good=None)
        dpkg("-i", deb("newer"))
        holds("0.1.0-2")
    return ", ".join(f"{found.count(state)}× {state}" for state in sorted(set(found)))


@case("a stopped and disabled service stays so in an upgrade")
def disabled():
    systemctl("disable", "--now", "tyto")
    dpkg("-i", deb("first"))
    check(show("ActiveState") == "inactive", show("ActiveState"))
    check(show("UnitFileState") == "disabled", show("UnitFileState"))
    systemctl("enable", "--now", "tyto")
    holds("0.1.0-1")


@case("removing leaves the configuration, purging nothing")
def remove():
    dpkg("--remove", "tyto")
    check(not exists("/usr/bin/tyto") and not exists("/usr/share/tyto"), "files are left")
    check(not exists(PATH), "the socket is left")
    check(read(CONFIG) == MINE.strip(), "the configuration is gone")
    dpkg("-i", deb("first"))
    holds("0.1.0-1")
    check(read(CONFIG) == MINE.strip(), "the configuration is gone")
    dpkg("--purge", "tyto")
    check(installed() in ("", " not-installed"), f"dpkg: {installed()}")
    left = [path for path in ("/etc/tyto", HOME, os.path.dirname(DROP_IN)) if exists(path)]
    check(not left, f"left: {left}")


@case("a first install cut short is taken up again")
def first_install():
    for _ in range(3):
        run = subprocess.Popen(
            ["dpkg", "--force-confold", "-i", deb("first")], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(random.uniform(0.0, 1.5))
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()
    dpkg("--configure", "-a", good=None)
    dpkg("-i", deb("first"))
    holds("0.1.0-1")
    write(CONFIG, MINE)
    systemctl("restart", "tyto")
    serves()
    wait_until("the disk has it", lambda: os.sync() is None, 5)
