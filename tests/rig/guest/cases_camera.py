"""The camera goes away, comes back, freezes, or gives rubbish; sound is reported meanwhile."""

import signal
import subprocess
import time

from daemon import Daemon, config
from devices import Scene, Vivid
from harness import PATIENCE, case, check, wait_until
from subscriber import Reader, status

PATTERN = config(camera=Vivid.NAME)


def times(noticed, recovered):
    return f"noticed {noticed:.2f} s, recovered {recovered:.2f} s"


def check_blind(reader, since):
    """Without a camera sounds go on, and none of them is said to be anywhere."""
    sounds = wait_until("a sound without a bearing", lambda: reader.sounds(since), 30)
    reader_sounds = reader.sounds(since)
    check(sounds and reader_sounds, "no sound without the camera")
    for sound in reader_sounds:
        if sound["phase"] != "end":
            check(not sound["on_screen"] and "azimuth_deg" not in sound, f"blind, yet {sound}")


def unplugged(camera, daemon, reader):
    """Pulls the plug and puts it back once the loss was noticed and sound came without it."""
    start = time.monotonic()
    camera.unplug()
    noticed = daemon.until("degraded")
    wait_until("its node is gone", lambda: camera.node() is None, 10)
    check("camera" in status()["reason"], f"the reason names no camera: {status()['reason']}")
    seen = start + 2.0 * PATIENCE  # a look that was under way has ended
    time.sleep(max(0.0, seen - time.monotonic()))
    check_blind(reader, seen)
    camera.replug()
    return noticed, daemon.until_seeing()


@case("camera unplugged and replugged")
def unplug():
    camera = Vivid()
    with Scene(picture=False), Daemon(PATTERN) as daemon, Reader() as reader:
        unplugged(camera, daemon, reader)  # whatever is set up once, now is
        before = daemon.measure()
        result = unplugged(camera, daemon, reader)
        before.check_back()
        reader.check_nothing_lost()
        return times(*result)


@case("camera comes back under another number")
def renumbered():
    camera = Vivid()
    with Scene(picture=False), Daemon(PATTERN) as daemon, Reader() as reader:
        before, node = daemon.measure(), camera.node()
        # The kernel gives a number away only once nobody has the old node open.
        with open(node, "rb", buffering=0):
            camera.unplug()
            noticed = daemon.until("degraded")
            camera.replug()
            recovered = daemon.until_seeing()
            now = camera.node()
            check(now != node, f"the rig failed: still {node}")
        check(now in status()["devices"]["camera"]["name"], f"does not say that it uses {now}")
        before.check_back()
        reader.check_nothing_lost()
        return times(noticed, recovered)


@case("camera frozen")
def frozen():
    with Scene() as scene, Daemon(config()) as daemon, Reader() as reader:
        before = daemon.measure()
        scene.signal("picture", signal.SIGSTOP)
        noticed = daemon.until("degraded")
        time.sleep(5)
        scene.signal("picture", signal.SIGCONT)
        recovered = daemon.until_seeing()
        before.check_back()
        reader.check_nothing_lost()
        return times(noticed, recovered)


@case("camera frozen by its driver: streams, and never a picture")
def silent():
    """Every call succeeds, but the queue never gives a buffer back."""
    camera = Vivid()
    with Scene(picture=False), Daemon(PATTERN) as daemon, Reader() as reader:
        before = daemon.measure()
        start = time.monotonic()
        camera.control("percentage_of_dropped_buffers", 100)
        try:
            noticed = daemon.until("degraded")
            check("camera" in status()["reason"], f"the reason names no camera: {status()['reason']}")
            seen = start + 4.0 * PATIENCE  # what was seen before has been forgotten
            time.sleep(max(0.0, seen - time.monotonic()))
            check_blind(reader, seen)
        finally:
            camera.control("percentage_of_dropped_buffers", 0)
        recovered = daemon.until_seeing()
        before.check_back()
        reader.check_nothing_lost()
        return times(noticed, recovered)


@case("camera answers every call with ENODEV")
def disconnected():
    camera = Vivid()
    with Scene(picture=False), Daemon(PATTERN) as daemon, Reader() as reader:
        before = daemon.measure()
        camera.control("disconnect")
        noticed = daemon.until("degraded")
        camera.unplug()
        wait_until("its node is gone", lambda: camera.node() is None, 10)
        camera.replug()
        recovered = daemon.until_seeing()
        before.check_back()
        reader.check_nothing_lost()
        return times(noticed, recovered)


@case("camera breaks off and at first refuses to stream again")
def breaks_off():
    camera = Vivid()
    with Scene(picture=False), Daemon(PATTERN) as daemon, Reader() as reader:
        before = daemon.measure()
        start = time.monotonic()
        camera.control("inject_vidioc_streamon_error")  # the next attempt fails
        camera.control("inject_fatal_streaming_error")
        reopened = lambda: status()["devices"]["camera"]["reopens"] > 0
        wait_until("it was opened again", reopened, 30)
        daemon.until_seeing()
        recovered = time.monotonic() - start
        before.check_back()
        reader.check_nothing_lost()
        return recovered


@case("camera loses pictures and marks others as faulty")
def faulty():
    camera = Vivid()
    with Scene(picture=False), Daemon(PATTERN) as daemon, Reader() as reader:
        before, first = daemon.measure(), status()["counters"]
        camera.control("percentage_of_dropped_buffers", 30)
        time.sleep(3)
        camera.control("percentage_of_dropped_buffers", 0)
        for _ in range(5):
            camera.control("inject_v4l2_buf_flag_error")
            time.sleep(0.5)
        now = status()["counters"]
        check(now["frames_missed"] > first["frames_missed"], f"no picture missed: {now}")
        check(now["frames_corrupt"] > first["frames_corrupt"], f"no faulty picture: {now}")
        recovered = daemon.until_seeing()
        before.check_back()
        reader.check_nothing_lost()
        return recovered


@case("camera missing at the start, plugged in later")
def missing():
    camera = Vivid()
    camera.unplug()
    wait_until("its node is gone", lambda: camera.node() is None, 10)
    try:
        with Scene(picture=False), Daemon(PATTERN, state="degraded") as daemon, Reader() as reader:
            check_blind(reader, time.monotonic())
            camera.replug()
            recovered = daemon.until_seeing()
            reader.check_nothing_lost()
            return recovered
    finally:
        if not camera.bound():
            camera.replug()


@case("camera busy with another program, then free")
def busy():
    command = ["v4l2-ctl", "-d", Vivid().node(), "--stream-mmap", "--stream-to=/dev/null"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as other:
        time.sleep(1)
        try:
            with Scene(picture=False), Daemon(PATTERN, state="degraded") as daemon, Reader() as reader:
                reason = status()["reason"]
                check("camera" in reason and Vivid().node() in reason, f"unclear: {reason}")
                other.kill()
                recovered = daemon.until_seeing()
                reader.next_sound()
                reader.check_nothing_lost()
                return recovered
        finally:
            other.kill()


@case("a node that is no camera")
def no_camera():
    with Scene(picture=False), Daemon(config(camera="/dev/null"), state="degraded"):
        reason = status()["reason"]
        check("/dev/null" in reason, f"unclear: {reason}")
        return reason[:60]


