"""A process that has loaded a program, and forks for each connection: what it forks is spared the start, which takes most of its time.

The module of the program is run with the folder of its sockets. It loads what it wants, then calls `connection`, which comes back in
each fork.
"""

from __future__ import annotations

import fcntl
import gc
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).parents[2]

PID = "pid"
"""The file in the folder with the number of the process that forks."""

_READY = b"listening\n"

_life_lines: list[IO[bytes]] = []
"""What started listens as long as these are open, which they are until this process ends."""


def start(module: str, environment: Mapping[str, str]) -> Path:
    """Start a module that forks; gives the folder of its sockets. Both are there as long as this process.

    It is no child of this process, which may end all children that it does not know, as a daemon does.
    """
    folder = Path(tempfile.mkdtemp(prefix="forking-"))
    starting = subprocess.Popen(
        [sys.executable, "-m", module, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environment),
        cwd=CHECKOUT,
        start_new_session=True,
    )
    assert starting.stdin and starting.stdout
    with starting.stdout as said:
        assert said.readline() == _READY
    starting.wait()
    _life_lines.append(starting.stdin)
    return folder


def connection(folder: Path, names: Sequence[str]) -> socket.socket:
    """Listen on sockets of these names; gives, in a fork, the connection that it is for. Ends the process when standard input is closed."""
    if os.fork():
        os._exit(0)
    (folder / PID).write_text(str(os.getpid()))
    gc.freeze()
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    life_line = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    listeners = {listener.fileno(): listener for listener in (_listener(folder / name) for name in names)}
    os.write(1, _READY)
    for number in (0, 1):
        _nothing_on(number)
    while life_line not in (ready := select.select([life_line, *listeners], [], [])[0]):
        line, _ = listeners[ready[0]].accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(life_line)
            for listener in listeners.values():
                listener.close()
            return line
        line.close()
    shutil.rmtree(folder)
    sys.exit()


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen()
    return listener


def _nothing_on(number: int) -> None:
    """Let a standard stream of this process lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, number)
    os.close(nothing)
