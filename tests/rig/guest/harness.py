"""What a case is, how it is run, and what is printed about it.

Lines that begin with `RIG:` are for the host; it shows them and counts by the last one.
"""

import os
import time
import traceback

CASES = []


def option(name):
    """What the host says on the kernel's command line as `rig.NAME=VALUE`."""
    with open("/proc/cmdline", encoding="ascii") as file:
        words = file.read().split()
    return next((w.partition("=")[2] for w in words if w.startswith(f"rig.{name}=")), None)


# An emulated processor takes some thirty times as long for a look: everything is given more
# time, and promises of the kind "nothing more after 3 s" hold after as many looks.
SLOW = option("slow") == "1"
PATIENCE = 15 if SLOW else 1


class Failed(AssertionError):
    """A promise that did not hold; the text says which."""


def case(title):
    """Makes a case of a function. What it returns goes into the table: seconds until the
    daemon had recovered, or a short text."""

    def add(function):
        CASES.append((title, function))
        return function

    return add


def say(text):
    print(f"RIG: {text}", flush=True)


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds, every=0.05):
    """Waits until `condition()` is true and returns how long that took. The time allowed is
    generous everywhere: an emulated device is slow, and only never is a failure."""
    start = time.monotonic()
    while True:
        seen = condition()
        passed = time.monotonic() - start
        if seen:
            return passed
        if passed > seconds * PATIENCE:
            raise Failed(f"{what}: not within {seconds * PATIENCE:g} s")
        time.sleep(every)


def wanted(title):
    """Whether the host asked for this case: `cases=a,b` keeps those with one of these words in
    the title."""
    keys = option("cases")
    return keys is None or any(key.replace("_", " ") in title for key in keys.split(","))


def run_all(on_failure):
    """Runs every wanted case and prints the table; `on_failure()` gives the lines that help
    to understand what happened."""
    passed = failed = 0
    for title, function in CASES:
        if not wanted(title):
            continue
        start = time.monotonic()
        try:
            result = function()
        except Exception as error:  # whatever it is, the other cases are to run
            failed += 1
            say(f"FAIL  {title:<56} {error}")
            if not isinstance(error, Failed):
                for line in traceback.format_exc().splitlines():
                    say(f"      {line}")
            for line in on_failure():
                say(f"    | {line}")
        else:
            passed += 1
            if isinstance(result, float):
                result = f"{result:.2f} s"
            took = time.monotonic() - start
            say(f"pass  {title:<56} {result or '':<28} ({took:.0f} s)")
    say(f"{passed} passed, {failed} failed")
    return failed


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def exists(path):
    return os.path.exists(path)
