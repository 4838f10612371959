"""Log lines that nobody can forge: names and messages in them come from servers, sticks and clients.

A record is one line; what else it holds (a traceback, what a program said) stands below it after a bar. Nothing in it steers a terminal.
"""

from __future__ import annotations

import logging
import sys

from paraduxd.effects.process.journald import JournalHandler

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_BELOW = "  | "
_NOISY = {"gnupg": logging.CRITICAL, "tzlocal": logging.WARNING, "asyncio": logging.WARNING, "urllib3": logging.ERROR}


class LineFormatter(logging.Formatter):
    """`start` is what stands before the message, as `logging.Formatter` takes it."""

    def __init__(self, start: str = "") -> None:
        super().__init__(f"{start}%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        return "\n".join(_lines(super().format(record)))


class JournalFormatter(LineFormatter):
    """With the syslog priority before every line, as sd-daemon(3) says."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        prefix = f"<{_PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).split("\n"))


def log_to_stderr(formatter: logging.Formatter, level: str = "INFO") -> None:
    """Let everything that this process logs go to standard error, but what libraries say of their own work, which our errors repeat."""
    under_systemd = isinstance(formatter, JournalFormatter)
    handler = JournalHandler(sys.stderr) if under_systemd else logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level)
    for noisy, least in _NOISY.items():
        logging.getLogger(noisy).setLevel(least)


def _lines(text: str) -> list[str]:
    first, *more = [_visible(line) for line in text.splitlines()] or [""]
    return [first, *(_BELOW + line for line in more)]


def _visible(line: str) -> str:
    """The line with control characters written as escapes."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
