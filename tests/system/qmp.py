"""QEMU's control socket (QMP): commands, answers, events; one JSON document a line."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any


class QmpError(AssertionError):
    """QEMU refuses, or it is gone."""


class Qmp:
    """A connection to a QEMU that has just been started."""

    def __init__(self, path: Path) -> None:
        self._socket = connected(path)
        self._waiting = b""
        self._events: list[dict[str, Any]] = []
        self._next(30)
        self("qmp_capabilities")

    def __call__(self, command: str, **arguments: Any) -> Any:
        """Give a command; an underscore in an argument's name stands for a hyphen."""
        document = {"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}}
        self._socket.sendall(json.dumps(document).encode())
        while True:
            answer = self._next(60)
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            self._events.append(answer)

    def wait_for(self, event: str, seconds: float = 30, **data: Any) -> None:
        """Wait for an event with this data, which may have come already."""
        deadline = time.monotonic() + seconds
        while True:
            for number, seen in enumerate(self._events):
                if seen.get("event") == event and data.items() <= seen.get("data", {}).items():
                    del self._events[number]
                    return
            self._events.append(self._next(deadline - time.monotonic()))

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _next(self, seconds: float) -> dict[str, Any]:
        self._socket.settimeout(max(seconds, 0.01))
        while b"\n" not in self._waiting:
            piece = self._socket.recv(1 << 16)
            if not piece:
                raise QmpError("QEMU has ended")
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


def connected(path: Path, seconds: float = 30) -> socket.socket:
    """A connection to a Unix socket that will be there in a moment."""
    deadline = time.monotonic() + seconds
    while True:
        channel = socket.socket(socket.AF_UNIX)
        try:
            channel.connect(str(path))
        except OSError:
            channel.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return channel
