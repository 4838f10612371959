"""The command line: the parser, the global options, and the values people write."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NoReturn

from paraduxd.api.errors import ExitCode, ParaduxError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=100)


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are errors like all others, and whose help looks the same on every terminal."""

    def __init__(self, prog: str, **rest: object) -> None:
        super().__init__(prog=prog, formatter_class=_formatter, allow_abbrev=False, **rest)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise usage(message, f"see: {self.prog} --help")


def usage(message: str, hint: str = "see: paraductl --help") -> ParaduxError:
    """A mistake on the command line."""
    return ParaduxError("usage", message, hint, ExitCode.USAGE)


def add_global_options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The options of every command. `again`: after the command, where leaving one out must not undo what stood before it."""
    group = parser.add_argument_group("options of every command")

    def default(value: object) -> object:
        return argparse.SUPPRESS if again else value

    group.add_argument("--run", metavar="DIR", default=default(None), help="the daemon's run directory")
    group.add_argument("--json", action="store_true", default=default(False), help="print one JSON document")
    group.add_argument(
        "--passphrase-file",
        metavar="FILE",
        default=default(None),
        help="read the passphrase from FILE (- is standard input) instead of asking",
    )


def duration(text: str) -> int:
    """Seconds from `90s`, `15m`, `6h`, `1d`, `2w` or a bare number of seconds."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw]?)", text.strip())
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError("a duration is written like 90s, 15m, 6h or 1d")
    return int(match[1]) * _UNITS[match[2] or "s"]


def moment(text: str) -> str:
    """A point in time as RFC 3339 in UTC, from RFC 3339, `2026-11-20 10:00` (local time) or `2026-11-20` (the end of that day)."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            last_second = time.max.replace(microsecond=0)
            when = datetime.combine(date.fromisoformat(text), last_second)
        else:
            when = datetime.fromisoformat(text)
        return (when.astimezone(UTC) - timedelta(microseconds=when.microsecond)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("a time is written like 2026-11-20 or '2026-11-20 10:00'") from None
