"""A program that is forked for each who asks (`program_line.py`), from a process that has loaded it (`forking.py`)."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from paraduxd import linux
from tests.rigs import forking, program_line

_LONGEST = 1 << 20


def be(folder: Path, program: Callable[[], object]) -> None:
    """Be the program for each connection; another fork tells how it has ended, and ends it when nobody asks any more."""
    line = forking.connection(folder, [program_line.SOCKET])
    packet, streams, _, _ = socket.recv_fds(line, _LONGEST, 3)
    parent = os.getpid()
    if not (started := os.fork()):
        linux.die_with_parent(parent)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        cwd, *sys.argv[1:] = json.loads(packet)
        os.chdir(cwd)
        program()
        sys.exit()
    if line.fileno() in select.select([line.fileno(), os.pidfd_open(started)], [], [])[0]:
        os.kill(started, signal.SIGKILL)
    _, status = os.waitpid(started, 0)
    with contextlib.suppress(BrokenPipeError):
        line.send(str(os.waitstatus_to_exitcode(status)).encode())
