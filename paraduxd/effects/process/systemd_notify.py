"""Telling the service manager how the daemon is: sd_notify(3), one datagram to the socket in `NOTIFY_SOCKET`."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send `state` ("READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..."); without a service manager nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), address)


def watchdog_interval() -> float | None:
    """Seconds after which a sign of life is due (half of `WATCHDOG_USEC`), or `None`."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2_000_000 or None if microseconds.isdecimal() else None
