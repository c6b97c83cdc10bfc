"""Runs in place of the daemon, inside its unit's sandbox, and prints what it may do there."""

import errno
import glob
import os
import socket


def attempt(name, action):
    try:
        action()
        print(f"PROBE {name}: allowed", flush=True)
    except OSError as error:
        print(f"PROBE {name}: {errno.errorcode.get(error.errno, error.errno)}", flush=True)


def opening(path, flags=os.O_RDWR):
    return lambda: os.close(os.open(path, flags))


attempt("camera", opening(glob.glob("/dev/video*")[0]))
attempt("microphone", opening(glob.glob("/dev/snd/pcmC*c")[0]))
attempt("kernel log", opening("/dev/kmsg"))
attempt("disk", opening("/dev/ubda", os.O_RDONLY))
attempt("terminal", opening("/dev/tty0"))
attempt("write to /etc", opening("/etc/probe", os.O_CREAT | os.O_WRONLY))
attempt("write to /var/lib", opening("/var/lib/probe", os.O_CREAT | os.O_WRONLY))
attempt("write to its run folder", opening("/run/tyto/probe", os.O_CREAT | os.O_WRONLY))
attempt("network", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
attempt("local socket", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
attempt("other users' processes", lambda: os.listdir("/proc/1/fd"))
attempt("become root", lambda: os.setuid(0))
attempt("read the password hashes", opening("/etc/shadow", os.O_RDONLY))
print(f"PROBE user: {'root' if os.getuid() == 0 else 'not root'}")
