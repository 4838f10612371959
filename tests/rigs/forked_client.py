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
from tests.rigs import forking

_SOCKET = "client"
_LONGEST = 1 << 20


def run(
    words: Sequence[str], environment: Mapping[str, str], text: str | None, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `paraductl WORDS...` to its end, as `subprocess.run` does; raises `subprocess.TimeoutExpired`."""
    streams = [_file((text or "").encode()), _file(), _file()]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.connect(str(_folder(tuple(environment.items())) / _SOCKET))
            line.settimeout(seconds)
            socket.send_fds(line, [json.dumps([str(Path.cwd()), *words]).encode()], streams)
            code = int(line.recv(16))
        return subprocess.CompletedProcess(["paraductl", *words], code, *map(_content, streams[1:]))
    except TimeoutError:
        raise subprocess.TimeoutExpired(["paraductl", *words], seconds) from None
    finally:
        for each in streams:
            os.close(each)


def _file(content: bytes = b"") -> int:
    descriptor = os.memfd_create("stream")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _content(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()


@functools.cache
def _folder(environment: tuple[tuple[str, str], ...]) -> Path:
    return forking.start("tests.rigs.forked_client", dict(environment))


def main(folder: Path) -> None:
    """Be the client for each connection; another fork tells how it has ended, and ends it when nobody asks any more."""
    for module in pkgutil.walk_packages(paraductl.__path__, "paraductl."):
        import_module(module.name)
    line = forking.connection(folder, [_SOCKET])
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
