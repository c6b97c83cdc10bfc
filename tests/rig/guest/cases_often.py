"""The same faults again and again in one daemon: what each leaves behind adds up here."""

from daemon import MEBIBYTE, Daemon, config
from devices import Scene, SoundCard, Vivid
from harness import case, check, wait_until
from subscriber import Reader, status

ROUNDS = 8


@case("both devices lost eight times in a row: nothing grows")
def often():
    card, camera = SoundCard(), Vivid()
    with Scene(picture=False), Daemon(config(camera=Vivid.NAME)) as daemon, Reader() as reader:
        before = daemon.measure()
        held = []
        for _ in range(ROUNDS):
            gone = card.unplug()
            camera.unplug()
            daemon.until(["degraded", "failed"])
            wait_until("the daemon lets go of the card", lambda: not gone.is_alive(), 15)
            wait_until("the camera's node is gone", lambda: camera.node() is None, 15)
            camera.replug()
            card.replug()
            daemon.until_hearing(60)
            daemon.until_seeing(60)
            daemon.until_full()
            held.append(daemon.held() / MEBIBYTE)
        before.check_back()
        # The first rounds set up what is then kept.
        grown = held[-1] - held[2]
        shown = ", ".join(f"{value:.1f}" for value in held)
        check(grown < 1, f"held after each round, MiB: {shown}")
        devices = status()["devices"]
        reopens = devices["camera"]["reopens"], devices["microphone"]["reopens"]
        check(min(reopens) >= ROUNDS, f"opened again {reopens} times in {ROUNDS} rounds")
        reader.check_nothing_lost()
        return f"{shown} MiB"
