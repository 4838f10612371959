"""A loop that accepts connections outlives every shortage; the limits are real, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

SERVER = """
import logging, os, resource, socket, sys, threading
from paraduxd.effects.ipc import accepting

logging.basicConfig(stream=sys.stderr, format="%(message)s")
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
failed = []

def answer(connection):
    with connection:
        connection.sendall(b"!")

def take(connection):
    threading.Thread(target=answer, args=(connection,)).start()

def make_room():
    failed.append(1)
    if len(failed) == 3:
        resource.setrlimit(limit, (before, hard))

if sys.argv[2] == "descriptors":
    limit = resource.RLIMIT_NOFILE
    few = max(map(int, os.listdir("/proc/self/fd")))
else:
    limit = resource.RLIMIT_AS
    threading.stack_size(64 << 20)
    few = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (32 << 20)
before, hard = resource.getrlimit(limit)
resource.setrlimit(limit, (few, hard))
print("ready", flush=True)
accepting.serve(listener, take, lambda: False, make_room)
"""


@pytest.mark.parametrize("shortage", ["descriptors", "threads"])
def test_a_shortage_passes(shortage: str, tmp_path: Path) -> None:
    place = tmp_path / "s"
    command = [sys.executable, "-c", SERVER, str(place), shortage]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None and server.stdout.readline() == "ready\n"
            answers = [_ask(place) for _ in range(4)]
        finally:
            server.kill()
        assert server.stderr is not None
        said = server.stderr.read()
    assert answers[-1] == b"!", said
    assert (b"" in answers) == (shortage == "threads"), "what could not be served was closed"
    assert said.count("Cannot accept a connection now") == 1, said


def _ask(place: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(place))
        return client.recv(1)
