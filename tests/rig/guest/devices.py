"""The device's hardware: two cameras and a sound card, and what can happen to them."""

import fcntl
import glob
import os
import subprocess
import threading
import time

from harness import check, exists, read, wait_until, write


def modprobe(*arguments):
    subprocess.run(["modprobe", *arguments], check=True)


def settle():
    subprocess.run(["udevadm", "settle", "--timeout=10"], check=False)


def plug_in_everything():
    modprobe("vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0")
    modprobe("v4l2loopback", "video_nr=10", "card_label=Rig", "exclusive_caps=1")
    modprobe("snd-aloop", "pcm_substreams=1")
    settle()
    check(exists(Picture.NODE), "v4l2loopback gives no camera")
    check(Vivid().node(), "vivid gives no camera")
    check(SoundCard().present(), "snd-aloop gives no sound card")


class Platform:
    """A driver that the kernel can be told to take a device from and give it back, which is
    what pulling a plug looks like to a program."""

    def __init__(self, driver, device):
        self.driver = f"/sys/bus/platform/drivers/{driver}"
        self.device = device

    def bound(self):
        return exists(f"{self.driver}/{self.device}")

    def unplug(self):
        """Returns at once: the kernel waits in here until the last program has let go."""
        thread = threading.Thread(
            target=write, args=(f"{self.driver}/unbind", self.device), daemon=True
        )
        thread.start()
        return thread

    def replug(self):
        write(f"{self.driver}/bind", self.device)
        settle()


class Vivid(Platform):
    """A camera that shows a test pattern and can be pulled out or made to fail."""

    NAME = "vivid"

    def __init__(self):
        super().__init__("vivid", "vivid.0")

    def node(self):
        """Its /dev/videoN, or None."""
        for entry in glob.glob("/sys/class/video4linux/video*"):
            try:
                if read(f"{entry}/name").startswith("vivid"):
                    return f"/dev/{os.path.basename(entry)}"
            except OSError:
                continue  # went away while we looked
        return None

    def control(self, name, value=1):
        """Sets one of the controls that provoke errors; `v4l2-ctl -L` lists them."""
        command = ["v4l2-ctl", "-d", self.node(), f"--set-ctrl={name}={value}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class SoundCard(Platform):
    """snd-aloop: what is played on its second device is recorded on its first."""

    NAME = "Loopback"
    PLAY = "plughw:CARD=Loopback,DEV=1"
    RECORDS = "/proc/asound/Loopback/pcm0c/sub0"

    def __init__(self):
        super().__init__("snd_aloop", "snd_aloop.0")

    def present(self):
        return exists("/proc/asound/Loopback")

    def number(self):
        """The index it goes by at present; a program must not rely on it."""
        return os.path.basename(os.path.realpath("/proc/asound/Loopback"))

    def recording(self):
        """Whether a program records from it at this moment."""
        return exists(self.RECORDS) and "RUNNING" in read(f"{self.RECORDS}/status")

    def xrun(self):
        """Makes the driver report that the program came too late."""
        write(f"{self.RECORDS}/xrun_injection", "1")

    def rate_shift(self, parts):
        """Lets the card's clock run at `parts`/100000 of the computer's."""
        control = "iface=PCM,name='PCM Rate Shift 100000',device=0"
        command = ["amixer", "-q", "-c", "Loopback", "cset", control, str(parts)]
        subprocess.run(command, check=True)


class Picture:
    """v4l2loopback: a camera that shows what another program gives it."""

    NAME = "Rig"
    NODE = "/dev/video10"
    QUERYCAP = 0x80685600

    def shows(self):
        """Whether it calls itself a camera, which it does while it is given pictures."""
        with open(self.NODE, "rb", buffering=0) as node:
            answer = fcntl.ioctl(node, self.QUERYCAP, bytes(104))
        return int.from_bytes(answer[88:92], "little") & 1


class Scene:
    """What is to be seen and heard: the shipped clip, again and again, from two processes
    that keep to one clock. Either can be frozen or killed."""

    SECONDS = 28.0

    def __init__(self, pictures="yuyv", picture=True, sound=True, span=(0.0, SECONDS)):
        """`span`: the part of the clip that is played."""
        self.span = span
        self.start = time.monotonic() + 1.0
        self.feeders = {}
        if picture:
            self._feed("picture", "feed_picture.py", pictures)
        if sound:
            self._feed("sound", "feed_sound.py", SoundCard.PLAY)

    def _feed(self, what, program, argument):
        here = os.path.dirname(os.path.abspath(__file__))
        times = [repr(value) for value in (self.start, *self.span)]
        command = ["python3", f"{here}/{program}", argument, *times]
        self.feeders[what] = subprocess.Popen(command, start_new_session=True)

    def signal(self, what, number):
        os.killpg(self.feeders[what].pid, number)

    def clip_time(self, mono_ns):
        """Where in the clip the moment `mono_ns` of CLOCK_MONOTONIC lies, in seconds."""
        first, last = self.span
        return first + (mono_ns * 1e-9 - self.start) % (last - first)

    def __enter__(self):
        time.sleep(max(0.0, self.start - time.monotonic()))
        if "picture" in self.feeders:
            wait_until("the loopback camera shows something", Picture().shows, 20)
        settle()
        return self

    def __exit__(self, *_):
        for feeder in self.feeders.values():
            try:
                os.killpg(feeder.pid, 18)
                os.killpg(feeder.pid, 9)
            except ProcessLookupError:
                pass
            feeder.wait()


def wait_for_node(device, seconds=10):
    return wait_until("the camera's node is back", device.node, seconds)
