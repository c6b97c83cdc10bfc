"""The microphone goes away, comes back, is read too slowly, or its clock runs wrong; nothing
is invented meanwhile."""

import signal
import time

from daemon import WATCHDOG_SECONDS, Daemon, config
from devices import Scene, SoundCard, Vivid, modprobe
from harness import PATIENCE, Failed, case, check, exists, wait_until
from subscriber import Reader, status


def times(noticed, recovered):
    return f"noticed {noticed:.2f} s, recovered {recovered:.2f} s"


def check_deaf(reader, since):
    """Without a microphone no track starts or goes on."""
    for sound in reader.sounds(since):
        check(sound["phase"] == "end", f"deaf, yet {sound}")


def pull(card):
    """Unplugs the card; the kernel keeps it until the last program has let go of it."""
    gone = card.unplug()
    return lambda: not gone.is_alive()


def unplugged(card, daemon, reader):
    start = time.monotonic()
    released = pull(card)
    noticed = daemon.until("degraded")
    check("microphone" in status()["reason"], f"the reason names none: {status()['reason']}")
    wait_until("the daemon lets go of the card", released, 15)
    time.sleep(max(0.0, start + 4.0 * PATIENCE - time.monotonic()))
    check_deaf(reader, start + 3.0 * PATIENCE)
    card.replug()
    return noticed, daemon.until_hearing()


@case("microphone unplugged and replugged")
def unplug():
    card = SoundCard()
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        unplugged(card, daemon, reader)  # whatever is set up once, now is
        before = daemon.measure()
        result = unplugged(card, daemon, reader)
        reader.next_sound()
        before.check_back()
        reader.check_nothing_lost()
        return times(*result)


@case("microphone comes back under another number")
def renumbered():
    card = SoundCard()
    try:
        with Scene(), Daemon(config()) as daemon, Reader() as reader:
            unplugged(card, daemon, reader)  # whatever is set up once, now is
            before, number = daemon.measure(), card.number()
            released = pull(card)
            noticed = daemon.until("degraded")
            wait_until("the daemon lets go of the card", released, 15)
            # Another card takes the number that has become free.
            modprobe("snd-dummy", "pcm_devs=1", "pcm_substreams=1")
            card.replug()
            check(card.number() != number, f"the rig failed: still {number}")
            recovered = daemon.until_hearing()
            check(card.recording(), "hears, but not the card that was named")
            reader.next_sound()
            before.check_back()
            reader.check_nothing_lost()
            return times(noticed, recovered)
    finally:
        modprobe("-r", "snd-dummy")


@case("camera and microphone unplugged and replugged")
def both():
    card, camera = SoundCard(), Vivid()
    with Scene(picture=False), Daemon(config(camera=Vivid.NAME)) as daemon, Reader() as reader:
        before = daemon.measure()
        released = pull(card)
        camera.unplug()
        noticed = daemon.until(["degraded", "failed"])

        def names_both():
            reason = status().get("reason", "")
            return "camera" in reason and "microphone" in reason

        wait_until("the reason names both", names_both, 15)
        wait_until("the daemon lets go of the card", released, 15)
        # Longer than the watchdog waits: a device that is missing is not a stage that hangs.
        time.sleep(2 * WATCHDOG_SECONDS)
        check(exists(f"/proc/{daemon.pid}"), "the daemon died without its devices")
        check_deaf(reader, time.monotonic() - WATCHDOG_SECONDS)
        start = time.monotonic()
        camera.replug()
        card.replug()
        daemon.until_hearing()
        daemon.until_seeing()
        recovered = time.monotonic() - start
        before.check_back()
        reader.check_nothing_lost()
        return times(noticed, recovered)


@case("xrun storm")
def storm():
    card = SoundCard()
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        reader.next_sound()
        before, first = daemon.measure(), status()["counters"]
        shots = 0
        for _ in range(50):
            try:
                card.xrun()
                shots += 1
            except OSError:
                pass  # not running at this moment: it is being restarted
            time.sleep(0.1)
        end = time.monotonic()
        recovered = daemon.until_hearing()
        now = status()["counters"]
        counted = now["xruns"] - first["xruns"]
        check(counted >= shots // 3, f"{shots} xruns, {counted} counted")
        reader.next_sound(since=end)
        before.check_back()
        reader.check_nothing_lost()
        return f"{counted} xruns, recovered {recovered:.2f} s"


@case("stopped for a second: a real xrun")
def stall():
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        before, first = daemon.measure(), status()["counters"]
        daemon.signal(signal.SIGSTOP)
        time.sleep(1.5)
        daemon.signal(signal.SIGCONT)
        xrun = lambda: status()["counters"]["xruns"] > first["xruns"]
        wait_until("the xrun is counted", xrun, 10)
        recovered = daemon.until_hearing()
        # 1.5 s at 48,000 samples a second, of which the card kept half a second at most.
        missed = status()["counters"]["samples_missed"] - first["samples_missed"]
        check(48_000 <= missed <= 5 * 48_000, f"{missed} samples are said to be missing")
        reader.next_sound()
        before.check_back()
        reader.check_nothing_lost()
        return recovered


def drift(parts):
    """Lets the card's clock run wrong for a minute and a half: the windows must follow its stamps."""
    card = SoundCard()
    card.rate_shift(parts)
    try:
        # Room for a host that stands still for a second: an xrun here shall be the drift's.
        text = config(hearing={"buffer_ms": 2000})
        with Scene(), Daemon(text) as daemon, Reader() as reader:
            before = daemon.measure()
            start = time.monotonic()
            time.sleep(90)
            sounds = [s for s in reader.sounds(start) if s["phase"] != "end"]
            early = [s["latency_ms"] for s in sounds if s["arrived"] < start + 30]
            late = [s["latency_ms"] for s in sounds if s["arrived"] > start + 60]
            if not early or not late:
                raise Failed("nothing was heard")
            # The least of each, as a look takes longer when the host is busy. Counting samples
            # would be off by 1.2 s after a minute at 2 %.
            least = min(early), min(late)
            check(abs(least[1] - least[0]) < 800, f"latency went from {least} ms")
            counters = status()["counters"]
            check(counters["samples_lost"] == 0, f"samples were lost: {counters}")
            check(counters["xruns"] == 0, f"xruns: {counters}")
            before.check_back()
            reader.check_nothing_lost()
            return f"latency {least[0]:.0f} → {least[1]:.0f} ms"
    finally:
        card.rate_shift(100000)


@case("clock drift: the card runs 2 % fast")
def fast():
    return drift(102000)


@case("clock drift: the card runs 2 % slow")
def slow():
    return drift(98000)


@case("microphone missing at the start, plugged in later")
def missing():
    card = SoundCard()
    wait_until("the card is gone", pull(card), 10)
    try:
        with Scene(), Daemon(config(), state="degraded") as daemon, Reader() as reader:
            time.sleep(3)
            check(not reader.sounds(), f"deaf, yet {reader.sounds()}")
            card.replug()
            recovered = daemon.until_hearing()
            reader.next_sound()
            reader.check_nothing_lost()
            return recovered
    finally:
        if not card.bound():
            card.replug()


@case("a channel map with more channels than the card has")
def unmapped():
    text = config(hearing={"map": [0, 40]})
    with Scene(), Daemon(text, state="degraded"), Reader() as reader:
        reason = status()["reason"]
        check(all(word in reason for word in ("microphone", SoundCard.NAME, "40")), reason)
        time.sleep(3)
        check(not reader.sounds(), f"deaf, yet {reader.sounds()}")
        return reason[:60]
