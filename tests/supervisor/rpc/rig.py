"""A real RpcServer in a process of its own, raw frames to attack it with, and an ordinary rpyc client.

Run as a program, this is the server: `python -m tests.supervisor.rpc.rig SOCKET LIMIT_OF_OPEN_FILES FRAME_SECONDS IDLE_SECONDS`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import resource
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rpyc.core import brine, consts
from rpyc.core.protocol import Connection
from rpyc.utils.factory import unix_connect

from paraduxd.effects.ipc.unix_sockets import Peer, listen
from paraduxd.supervisor.rpc import rpyc_hardening
from paraduxd.supervisor.rpc.server import RpcServer
from tests.checkout import ROOT

PATIENCE = 4
"""Seconds that an ordinary client waits; less than the server gives an attacker for a frame."""

ROOT_REFERENCE = (consts.LABEL_LOCAL_REF, rpyc_hardening.ROOT)
METHOD_REFERENCE = (consts.LABEL_LOCAL_REF, rpyc_hardening.METHOD)


class Server:
    """The server's process."""

    def __init__(
        self,
        folder: Path,
        open_files: int = 1024,
        frame_seconds: float = rpyc_hardening.FRAME_SECONDS,
        idle_seconds: float = rpyc_hardening.IDLE_SECONDS,
    ) -> None:
        self.path = folder / "paraduxd.sock"
        self.log = folder / "log"
        argv = [sys.executable, "-m", "tests.supervisor.rpc.rig", str(self.path)]
        argv += [str(open_files), str(frame_seconds), str(idle_seconds)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=log, cwd=ROOT)
        wait_for(lambda: self.path.exists() and self.answers(), "the server to answer")

    def stop(self) -> None:
        """End the server."""
        self.process.communicate()

    def answers(self) -> bool:
        """Whether an ordinary client is served, from connecting to closing."""
        with contextlib.suppress(EOFError, OSError, TimeoutError):
            return self.ask("echo", '{"a": 1}') == {"reply": {"a": 1}}
        return False

    def ask(self, name: str, arguments: str = "{}") -> Any:
        """One call by an ordinary rpyc client."""
        with self.client() as client:
            return json.loads(client.root.call(name, arguments))

    def calls(self) -> int:
        """How many calls the handler has seen, this one included."""
        return int(self.ask("count")["reply"]["count"])

    def client(self) -> Connection:
        """An ordinary rpyc client."""
        return unix_connect(str(self.path), config={"sync_request_timeout": PATIENCE})

    def raw(self) -> socket.socket:
        """A bare connection."""
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.connect(str(self.path))
        channel.settimeout(PATIENCE)
        return channel

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024

    def threads(self) -> int:
        """Threads that live."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


@contextlib.contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Server]:
    """A server for the length of a test or module."""
    server = Server(folder, **options)
    try:
        yield server
    finally:
        server.stop()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def frame(body: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    """A frame as rpyc writes it, or one that lies."""
    return struct.pack("!LB", len(body) if length is None else length, compressed) + body + b"\n"


def request(kind: int, *packages: Any, sequence: int = 7) -> bytes:
    """The frame of a request with arguments that are already boxed."""
    return frame(b"\x01" + brine.dump((sequence, (kind, (consts.LABEL_TUPLE, packages)))))


def value(plain: Any) -> tuple[int, Any]:
    """A boxed value."""
    return (consts.LABEL_VALUE, plain)


def call_request(name: str, arguments: str = "{}", sequence: int = 7) -> bytes:
    """The frame of a call."""
    return request(
        consts.HANDLE_CALLATTR, ROOT_REFERENCE, value("call"), value((name, arguments)), value(()), sequence=sequence
    )


def received(channel: socket.socket) -> tuple[int, Any]:
    """Message type and content of the next frame; `EOFError` at the end of the connection."""
    length, compressed = struct.unpack("!LB", exactly(channel, 5))
    assert not compressed
    body = exactly(channel, length + 1)[:-1]
    return body[0], brine.load(body[1:])


def exactly(channel: socket.socket, count: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < count:
        piece = channel.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def is_closed(channel: socket.socket) -> bool:
    """Whether the server hangs up without another byte."""
    try:
        return channel.recv(1) == b""
    except ConnectionResetError:
        return True


def hung_up(channel: socket.socket) -> bool:
    """Whether the server has hung up by now, whatever is left to read."""
    poll = select.poll()
    poll.register(channel, select.POLLHUP)
    return bool(poll.poll(0))


class Handler:
    """Answers calls in simple ways."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, peer: Peer, name: str, arguments: str) -> str:
        """Echo, count, tell who asks, fail, or answer at length."""
        self._count += 1
        match name:
            case "echo":
                reply = json.loads(arguments)
            case "count":
                reply = {"count": self._count}
            case "peer":
                reply = {"pid": peer.pid, "uid": peer.uid, "gid": peer.gid}
            case "long":
                reply = {"text": "x" * int(arguments)}
            case _:
                raise RuntimeError(f"no call {name} with {arguments}")
        return json.dumps({"reply": reply})


def main() -> None:
    """Serve until standard input ends."""
    path, open_files, frame_seconds, idle_seconds = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG)
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(open_files), int(open_files)))
    rpyc_hardening.FRAME_SECONDS = float(frame_seconds)
    rpyc_hardening.IDLE_SECONDS = float(idle_seconds)
    server = RpcServer(listen(Path(path), None), Handler())
    server.start()
    sys.stdin.read()
    server.close()


if __name__ == "__main__":
    main()
