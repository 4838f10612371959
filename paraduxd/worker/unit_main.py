"""The worker's entry in a systemd unit of its own.

Standard input is the life line to whoever started it (`effects/process/worker_hosts.py`).
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the time of a start

import fcntl
import os
import signal
import socket
import threading
import time

from paraduxd.effects.process.worker_hosts import receive_descriptors
from paraduxd.worker import main as worker

_FREE = 512
"""Numbers from here on are wanted by nobody; below RLIMIT_NOFILE everywhere."""

GRACE = 5.0
"""Seconds from hanging up to SIGKILL."""


def main() -> None:
    """Take the descriptors and be a worker; the life line is watched by a thread that is shut in as well."""
    line = socket.socket(fileno=fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _FREE))
    received = {
        wanted: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FREE)
        for wanted, number in receive_descriptors(line).items()
    }
    for wanted, number in received.items():
        os.dup2(number, wanted)
        os.close(number)
    worker.main(os.getppid(), threading.Thread(target=_watch, args=(line,), daemon=True).start)


def _watch(line: socket.socket) -> None:
    """End this process when the other side hangs up, orderly if it can, or wants it dead."""
    if not line.recv(1):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main()
    worker.leave()
