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


_WORDS = {
    "now": timedelta(),
    "just now": timedelta(),
    "a moment ago": timedelta(),
    "today": timedelta(),
    "yesterday": timedelta(days=1),
}
_AGO = re.compile(r"([0-9]{1,6})\s*([a-z]+)\s+ago")
_IN_ID = re.compile(r"(?:[0-9]{6,}-)?([0-9-]{10})T([0-9]{2})-([0-9]{2})-([0-9]{2})Z(?:-[0-9]+)?")
_NAMED = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w"}


def moment(text: str) -> str:
    """A point in time as RFC 3339 in UTC, from every form in which Paradux prints one.

    These are RFC 3339, `2026-11-20 10:00:07` (local time), the id of a version, `3 days ago`, `yesterday`. What is written without
    seconds, or as a day, means the end of that minute or day, so that what happened then is included.
    """
    try:
        when = _moment(text.strip())
        return (when.astimezone(UTC) - timedelta(microseconds=when.microsecond)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            "a time is written like 2026-11-20, '2026-11-20 10:00:07' or '3 days ago'"
        ) from None


def _moment(text: str) -> datetime:
    if text in _WORDS:
        when = datetime.now(UTC) - _WORDS[text]
        return _last_second(when.astimezone().date()) if text == "yesterday" else when
    if match := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(seconds=int(match[1]) * _unit(match[2]))
    if match := _IN_ID.fullmatch(text):
        text = f"{match[1]}T{match[2]}:{match[3]}:{match[4]}Z"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return _last_second(date.fromisoformat(text))
    when = datetime.fromisoformat(text)
    if re.fullmatch(r"[0-9-]{10}[T ][0-9]{2}:[0-9]{2}", text):
        return when + timedelta(seconds=59)
    return when


def _last_second(day: date) -> datetime:
    return datetime.combine(day, time.max.replace(microsecond=0))


def _unit(name: str) -> int:
    """The seconds in "h", "hours", "day" and so on."""
    short = name if name in _UNITS else _NAMED.get(name.removesuffix("s"), "")
    if short not in _UNITS:
        raise ValueError("not a unit of time")
    return _UNITS[short]


def joined_moment(at: str | None, words: list[str]) -> tuple[str | None, list[str]]:
    """`--at 2026-11-20 10:00:07` without quotes, as a shell splits it: the time, and the words that are left; raises a usage error."""
    if at and words and re.fullmatch(r"[0-9-]{10}", at) and re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?\S*", words[0]):
        at, words = f"{at} {words[0]}", words[1:]
    try:
        return (moment(at) if at else None), words
    except argparse.ArgumentTypeError as problem:
        raise usage(f"argument --at: {problem}") from None


def owner(text: str) -> str:
    """`OLD=NEW` of --map-owner with the numbers of this machine: "1000=1001:1001"; raises a usage error."""
    old, mark, new = text.partition("=")
    if not mark or not old or not new:
        raise usage("owners are mapped like 1000=anna", "see: paraductl restore --help")
    user, group = _user(new)
    return f"{old if old == '*' else _user(old)[0]}={user}:{group}"


def _user(name: str) -> tuple[int, int]:
    import pwd

    try:
        found = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        if name.isdecimal() and int(name) < 1 << 31:
            return int(name), int(name)
        raise usage(f"there is no user {name} on this machine", "give a number") from None
    return found.pw_uid, found.pw_gid


def dataset_version(text: str) -> tuple[str, str | None]:
    """The dataset and the version that `photos#12` names; the version is `None` in `photos`."""
    dataset, mark, version = text.partition("#")
    if not dataset or (mark and not version):
        raise usage("a version is written like photos#12", f"see: paraductl versions {dataset or 'DATASET'}")
    return dataset, version or None
