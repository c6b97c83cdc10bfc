"""The daemon as a service: its sandbox, its socket, and how it dies and comes back."""

import grp
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from daemon import CONFIG, Daemon, UNIT, config, journal, show, systemctl
from devices import Scene
from harness import Failed, case, check, exists, read, wait_until, write
from subscriber import PATH, Reader, connect, status

UNIT_FILE = "/usr/lib/systemd/system/tyto.service"


@case("ready only when it listens, and says what it does")
def ready():
    check(show("Type") == "notify", f"Type={show('Type')}")
    with Scene(), Daemon(config()) as daemon:
        check(exists(PATH), "systemd was told that it is ready before there is a socket")
        text = show("StatusText")
        check(text, "no status text for `systemctl status`")
        check(int(show("WatchdogUSec").rstrip("smin") or 0) > 0, "no watchdog")
        return f"{daemon.started:.1f} s, “{text[:24]}”"


@case("its user, its rights, its system calls")
def rights():
    with Scene(), Daemon(config()) as daemon:
        facts = {}
        for line in read(f"/proc/{daemon.pid}/status").splitlines():
            key, _, value = line.partition(":")
            facts[key] = value.strip()
        check("0" not in facts["Uid"].split(), f"runs as root: {facts['Uid']}")
        check(int(facts["CapEff"], 16) == 0, f"has capabilities: {facts['CapEff']}")
        check(facts["NoNewPrivs"] == "1", "may gain privileges")
        check(facts["Seccomp"] == "2", "no system-call filter")
        return ""


@case("its sandbox")
def sandbox():
    with open(UNIT_FILE, encoding="utf-8") as file:
        lines = file.read().splitlines()
    # The daemon's own unit, with the probe in the daemon's place.
    kept = [line for line in lines if not line.startswith(("Type=", "Watchdog", "Restart", "Exec"))]
    at = kept.index("[Service]") + 1
    kept[at:at] = ["Type=oneshot", "ExecStart=/usr/bin/python3 -B /rig/probe.py"]
    write("/run/systemd/system/tyto-probe.service", "\n".join(kept) + "\n")
    systemctl("daemon-reload")
    with Scene():
        systemctl("start", "tyto-probe.service", check=False)
    answers = {}
    for line in journal("tyto-probe.service", lines=60):
        if "PROBE " in line:
            name, _, answer = line.split("PROBE ", 1)[1].partition(": ")
            answers[name] = answer
    allowed = {"camera", "microphone", "local socket", "write to its run folder"}
    check(answers.get("user") == "not root", f"the probe said {answers}")
    for name, answer in answers.items():
        if name == "user":
            continue
        if name in allowed:
            check(answer == "allowed", f"{name}: {answer}")
        else:
            check(answer != "allowed", f"{name}: allowed")
    check(len(answers) >= 14, f"the probe did not finish: {answers}")
    return f"{len(answers)} attempts"


@case("the socket's mode and group")
def socket_rights():
    group = "tyto"
    with Scene(), Daemon(config(socket={"mode": "0660", "group": group})):
        facts = os.stat(PATH)
        check(stat.S_ISSOCK(facts.st_mode), "not a socket")
        check(stat.S_IMODE(facts.st_mode) == 0o660, f"mode {stat.S_IMODE(facts.st_mode):o}")
        check(grp.getgrgid(facts.st_gid).gr_name == group, f"group {facts.st_gid}")
        script = (
            "import os,socket,sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(65534);"
            f" socket.socket(socket.AF_UNIX).connect('{PATH}')"
        )
        for gid, may in ((facts.st_gid, True), (65534, False)):
            command = [sys.executable, "-c", script, str(gid)]
            done = subprocess.run(command, check=False, capture_output=True).returncode == 0
            check(done == may, f"group {gid} {'cannot' if may else 'can'} connect")
        return ""


def hello(link):
    """The first line that a connected socket gives, however long the daemon takes to start."""
    link.settimeout(60.0)
    line = json.loads(link.makefile("r", encoding="utf-8").readline())
    check(line["type"] == "hello", f"instead of hello: {line}")


@case("socket activation: started by the first subscriber, none turned away")
def activated():
    drop_in = f"/run/systemd/system/{UNIT}.d/socket.conf"
    shutil.copy("/usr/share/tyto/systemd/socket.conf", drop_in)
    write(CONFIG, config())
    systemctl("daemon-reload")
    try:
        with Scene():
            systemctl("start", "tyto.socket")
            check(show("ActiveState") == "inactive", "it runs before anybody asks")
            facts = os.stat(PATH)
            rights = stat.S_IMODE(facts.st_mode), grp.getgrgid(facts.st_gid).gr_name
            check(rights == (0o660, "tyto"), f"the socket's rights: {rights}")
            start = time.monotonic()
            with connect() as first:
                hello(first)
            took = time.monotonic() - start
            # One that comes while there is no daemon waits for the next.
            os.kill(int(show("MainPID")), signal.SIGKILL)
            with connect() as second:
                hello(second)
            with Reader() as reader:
                reader.next_sound()
                reader.check_nothing_lost()
            return took
    finally:
        systemctl("stop", "tyto.socket", UNIT, check=False)
        os.unlink(drop_in)
        systemctl("daemon-reload")
        check(not exists(PATH), "the socket was left behind")


@case("SIGTERM")
def terminate():
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        reader.next_sound()
        took = daemon.stop()
        check(show("Result") == "success", f"Result={show('Result')}")
        check(show("ExecMainStatus") == "0", f"exit status {show('ExecMainStatus')}")
        check(not exists(PATH), "the socket was left behind")
        wait_until("the end of the stream", lambda: reader.ended, 5)
        check(reader.states()[-1] == "stopped", f"last states: {reader.states()[-3:]}")
        phases = {}
        for sound in reader.sounds():
            phases[sound["track"]] = sound["phase"]
        open_tracks = [track for track, phase in phases.items() if phase != "end"]
        check(not open_tracks, f"tracks without an end: {open_tracks}")
        reader.check_nothing_lost()
        return took


@case("kill -9")
def killed():
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        reader.next_sound()
        start = time.monotonic()
        daemon.signal(signal.SIGKILL)
        daemon.until_restarted()
        daemon.until("running", 60)
        recovered = time.monotonic() - start
        with Reader() as again:
            again.next_sound()
            hello = again.of("hello")[0]
            check(hello["schema"] == 1, f"hello: {hello}")
            again.check_nothing_lost()
        sockets = os.listdir(os.path.dirname(PATH))
        check(sockets == [os.path.basename(PATH)], f"left behind: {sockets}")
        return recovered


def hang(daemon, thread):
    """Hangs one of its threads, and waits until systemd has it killed and it runs again."""
    threads = daemon.threads()
    check(thread in threads, f"no thread {thread} among {sorted(threads)}")
    start = time.monotonic()
    with subprocess.Popen([sys.executable, "-B", "/rig/hang.py", str(threads[thread])]) as tracer:
        try:
            daemon.until_restarted(90)
            check("watchdog" in "\n".join(journal()).lower(), "it was not the watchdog")
        finally:
            tracer.kill()
    daemon.until("running", 60)
    return time.monotonic() - start


def hung(thread):
    with Scene(), Daemon(config()) as daemon:
        recovered = hang(daemon, thread)
        with Reader() as reader:
            reader.next_sound()
            reader.check_nothing_lost()
        return recovered


@case("hung stage: perception, caught by the watchdog")
def hung_perception():
    return hung("tyto")  # the main thread's


@case("hung stage: capture of sound, caught by the watchdog")
def hung_audio():
    return hung("tyto-audio")


@case("hung stage: capture of pictures, caught by the watchdog")
def hung_video():
    return hung("tyto-video")


@case("hung stage: supervision, caught by the watchdog")
def hung_supervisor():
    return hung("tyto-supervisor")


@case("hung stage: the service, caught by the watchdog")
def hung_service():
    return hung("tyto-serve")


@case("the whole process stopped, caught by the watchdog")
def stopped():
    with Scene(), Daemon(config()) as daemon:
        start = time.monotonic()
        daemon.signal(signal.SIGSTOP)
        daemon.until_restarted(90)
        check("watchdog" in "\n".join(journal()).lower(), "it was not the watchdog")
        daemon.until("running", 60)
        recovered = time.monotonic() - start
        with Reader() as reader:
            reader.next_sound()
            reader.check_nothing_lost()
        return recovered


def fill(folder):
    """Takes every last byte of a file system."""
    path = f"{folder}/rig.filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return path


@case("full disk")
def full_disk():
    fillers = []
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        try:
            fillers += [fill(folder) for folder in ("/var", "/tmp", "/run")]
            reader.next_sound()
            check(status()["state"] == "running", f"state {status()['state']}")
            start = time.monotonic()
            daemon.signal(signal.SIGKILL)
            daemon.until_restarted()
            daemon.until("running", 60)
            recovered = time.monotonic() - start
            with Reader() as again:
                again.next_sound()
                again.check_nothing_lost()
        finally:
            for path in fillers:
                os.unlink(path)
        return recovered


@case("restarted 5 times in a row: nothing half-done is kept")
def restarts():
    with Scene(), Daemon(config()) as daemon:
        uses = []
        for _ in range(5):
            start = time.monotonic()
            systemctl("restart", UNIT)
            daemon.pid = int(show("MainPID"))
            daemon.until("running", 60)
            took = time.monotonic() - start
            uses.append(daemon.descriptors())
            with connect():
                left = os.listdir(os.path.dirname(PATH))
            check(left == [os.path.basename(PATH)], f"left behind: {left}")
        check(max(uses) - min(uses) <= 1, f"file descriptors: {uses}")
        check(show("NRestarts") == "0", "systemd had to restart it")
        with Reader() as reader:
            reader.next_sound()
            reader.check_nothing_lost()
        return took


@case("a configuration with a mistake: said once, not tried again")
def faulty_configuration():
    try:
        Daemon(config(socket={"hartbeat_s": 3.0}), seconds=5)
    except (OSError, Failed, subprocess.CalledProcessError):
        pass
    else:
        raise Failed("it started")
    check(show("NRestarts") == "0", f"it was restarted {show('NRestarts')} times")
    check(show("ExecMainStatus") == "3", f"exit status {show('ExecMainStatus')}")
    text = "\n".join(journal(lines=8))
    check("hartbeat_s" in text and "heartbeat_s" in text, f"unclear: {text}")
    return ""


@case("SIGHUP reloads")
def reload():
    with Scene(), Daemon(config()) as daemon, Reader() as reader:
        write("/etc/tyto/tyto.toml", config(log={"level": "debug"}))
        systemctl("reload", UNIT)
        time.sleep(2)
        check(int(show("MainPID")) == daemon.pid, "it was restarted")
        reader.next_sound()
        reader.check_nothing_lost()
        lines = [line for line in journal() if "load" in line.lower()]
        check(lines, "nothing is said about the reload")
        return ""
