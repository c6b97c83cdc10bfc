"""Hangs one thread of a process, as a call into a broken driver would: hang.py TID

The thread is stopped by ptrace, which no other thread notices. Ends when the thread has died.
"""

import ctypes
import os
import sys

SEIZE, INTERRUPT, WAIT_FOR_THREADS = 0x4206, 0x4207, 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
thread = int(sys.argv[1])
for request in (SEIZE, INTERRUPT):
    if libc.ptrace(request, thread, None, None) != 0:
        sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
while True:
    _, status = os.waitpid(thread, WAIT_FOR_THREADS)
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        break
