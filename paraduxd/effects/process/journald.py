"""Log records with fields for journald: `journalctl PARADUX_DATASET=photos`. Elsewhere the fields are in the line alone.

Protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ - one datagram, a field a line; a value with a line feed is preceded by its length.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

SOCKET = "/run/systemd/journal/socket"

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class JournalHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Sends records that have `fields` to journald, and writes all others, and those that it does not take, as lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send or write."""
        fields = getattr(record, "fields", None)
        if not isinstance(fields, Mapping) or not _sent(record, fields):
            super().emit(record)


def _sent(record: logging.LogRecord, fields: Mapping[str, object]) -> bool:
    told = {
        "MESSAGE": record.getMessage(),
        "PRIORITY": _PRIORITY.get(record.levelno, 6),
        "SYSLOG_IDENTIFIER": "paraduxd",
    }
    told.update({f"PARADUX_{name.upper()}": value for name, value in fields.items()})
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(b"".join(_field(name, str(value)) for name, value in told.items()), SOCKET)
    except OSError:
        return False
    return True


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
