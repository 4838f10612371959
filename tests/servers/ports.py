"""Ports for servers that must be told which one to take."""

from __future__ import annotations

import contextlib
import random
import socket

_OURS = range(10_000, 32_768)
"""Below those that Linux gives to connections, and to listeners that take any: so nobody gets a port by chance before its server has it."""


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(_OURS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
