"""Asks a process that has loaded a program (`forked_program.py`) to be it once. Needs nothing but Python: a guest asks as well."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

SOCKET = "program"
"""In the folder of the process that forks."""


def ask(folder: Path, words: Sequence[str], stdin: bytes, seconds: float) -> tuple[int, bytes, bytes]:
    """Run the program with these words, in this working directory: exit code, output, errors.

    Raises `TimeoutError`, and the program is killed; other `OSError` where nothing forks.
    """
    streams = [_file(stdin), _file(), _file()]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.connect(str(folder / SOCKET))
            line.settimeout(seconds)
            socket.send_fds(line, [json.dumps([str(Path.cwd()), *words]).encode()], streams)
            if not (code := line.recv(16)):
                raise ConnectionError("it ended before the program did")
        return int(code), _content(streams[1]), _content(streams[2])
    finally:
        for each in streams:
            os.close(each)


def _file(content: bytes = b"") -> int:
    descriptor = os.memfd_create("stream")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
