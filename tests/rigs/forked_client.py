"""The client, forked from a process that has loaded it: to start takes ten times what most commands do."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import paraductl
from paraductl import main as client
from paraduxd import linux
from tests.rigs import client_line, forking

_LONGEST = 1 << 20


def run(
    words: Sequence[str], environment: Mapping[str, str], text: str | None, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `paraductl WORDS...` to its end, as `subprocess.run` does; raises `subprocess.TimeoutExpired`."""
    command = ["paraductl", *words]
    try:
        code, out, err = client_line.ask(_folder(tuple(environment.items())), words, (text or "").encode(), seconds)
    except TimeoutError:
        raise subprocess.TimeoutExpired(command, seconds) from None
    return subprocess.CompletedProcess(command, code, out.decode(), err.decode())


@functools.cache
def _folder(environment: tuple[tuple[str, str], ...]) -> Path:
    return forking.start("tests.rigs.forked_client", dict(environment))


def main(folder: Path) -> None:
    """Be the client for each connection; another fork tells how it has ended, and ends it when nobody asks any more."""
    for module in pkgutil.walk_packages(paraductl.__path__, "paraductl."):
        import_module(module.name)
    line = forking.connection(folder, [client_line.SOCKET])
    packet, streams, _, _ = socket.recv_fds(line, _LONGEST, 3)
    parent = os.getpid()
    if not (started := os.fork()):
        linux.die_with_parent(parent)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        cwd, *sys.argv[1:] = json.loads(packet)
        os.chdir(cwd)
        client.program()
    if line.fileno() in select.select([line.fileno(), os.pidfd_open(started)], [], [])[0]:
        os.kill(started, signal.SIGKILL)
    _, status = os.waitpid(started, 0)
    with contextlib.suppress(BrokenPipeError):
        line.send(str(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
