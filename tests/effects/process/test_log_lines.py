"""What a server or a stick says can neither forge a line of the log nor steer the terminal on which it is read."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path

import pytest

from paraduxd.effects.process import journald, log_lines
from paraduxd.effects.process.log_lines import JournalFormatter, LineFormatter

HOSTILE = {
    "line feed": "gone\n2026-11-28 10:00:00 INFO uid 0 asks for restore",
    "carriage return": "gone\r2026-11-28 10:00:00 INFO all is well",
    "other line ends": "gone\x0bone\x0cmore\x85and\u2028more",
    "escape": "gone\x1b[2J\x1b]0;title\x07\x1b[1A",
    "8-bit escape": "gone\x9b2J",
    "direction": "gone\u202egnp.exe",
    "no text": "gone\udcff\x00",
}


def record(text: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("paradux", level, __file__, 1, "%s", (text,), None)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("formatter", [LineFormatter("%(levelname)s "), JournalFormatter()], ids=["plain", "journal"])
def test_nothing_hostile_is_left(formatter: logging.Formatter, text: str) -> None:
    first, *more = formatter.format(record(text)).split("\n")
    prefix = "<4>" if isinstance(formatter, JournalFormatter) else ""
    assert first.startswith(f"{prefix or 'WARNING '}gone")
    assert all(line.startswith(f"{prefix}  | ") for line in more)
    assert all(line.isprintable() for line in (first, *more))


def test_a_traceback_stays_readable() -> None:
    try:
        raise ValueError("bad\nINFO all is well")
    except ValueError:
        told = LineFormatter("%(levelname)s ").format(
            logging.LogRecord("paradux", logging.ERROR, __file__, 1, "It failed", (), sys.exc_info())
        )
    lines = told.split("\n")
    assert lines[0] == "ERROR It failed" and lines[1] == "  | Traceback (most recent call last):"
    assert lines[-2:] == ["  | ValueError: bad", "  | INFO all is well"]


def test_no_process_logs_in_another_way() -> None:
    package = Path(log_lines.__file__).parents[2]
    others = [path.name for path in package.rglob("*.py") if re.search("basicConfig|StreamHandler", path.read_text())]
    assert sorted(others) == [Path(module.__file__).name for module in (journald, log_lines)]
