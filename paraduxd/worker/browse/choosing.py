"""Which version and which paths a person means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import VersionName, shown
from paraduxd.core.primitives import globs, timestamps
from paraduxd.protocols.base import Version


def choose(versions: Sequence[Version], at: str | None = None, name: str | None = None) -> Version:
    """The newest version, the one of that name (its number, or its id), or the newest of those from `at` (RFC 3339) or before.

    `versions` are in order: which of them is the newest is not for their clocks to say. Raises `ParaduxError` "no-version".
    """
    if name is not None:
        return _named(versions, name)
    fitting = [version for version in versions if at is None or _moment(version.time) <= _moment(at)]
    if not fitting:
        when = f" from {at} or before" if at else ""
        raise ParaduxError("no-version", f"this destination has no version{when}", _oldest(versions))
    return fitting[-1]


def _named(versions: Sequence[Version], name: str) -> Version:
    numbered = [each for each in versions if each.number and str(each.number) == name]
    found = numbered or [each for each in versions if each.id == name]
    if not found:
        raise ParaduxError("no-version", f"this destination has no version #{name}", _oldest(versions))
    return found[0]


def _oldest(versions: Sequence[Version]) -> str:
    if not versions:
        return "see: paraductl versions DATASET"
    first, last = versions[0], versions[-1]
    others = f" to #{named(last).name} ({last.time})" if last != first else ""
    return f"it has #{named(first).name} ({first.time}){others}; see: paraductl versions DATASET"


def _moment(text: str) -> datetime:
    found = timestamps.parse(text)
    if found is None:
        raise ParaduxError("bad-time", "the time to restore from is not of the form 2026-11-23T12:00:00Z")
    return found


def named(version: Version) -> VersionName:
    """A version as a person names it."""
    name = str(version.number) if version.number else version.id
    return VersionName(name, version.time, version.files, version.bytes, version.missing)


def clean(path: str, root: str = "") -> str:
    """A path relative to the dataset without needless dots and slashes; an absolute one must lie inside the source, `root`.

    Raises `ParaduxError` "bad-path".
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts or "\0" in path:
        raise ParaduxError("bad-path", "a path must be without ..", "write it as paraductl ls shows it")
    if path.startswith("/"):
        above = [part for part in root.split("/") if part]
        if not root or parts[: len(above)] != above:
            where = f", which is {root}" if root else ""
            raise ParaduxError(
                "bad-path",
                f"{shown(path)} is not inside the source of the dataset{where}",
                "write it relative to the source, as paraductl ls shows it",
            )
        parts = parts[len(above) :]
    return "/".join(parts)


def expand(paths: Iterable[str], names: Callable[[], Sequence[str]], root: str = "") -> list[str]:
    """What the paths and patterns mean among the `names` of a version; what is there as it is written means itself.

    Raises `ParaduxError` "not-found" with the nearest name, and "bad-path".
    """
    found = dict[str, None]()
    for path in paths:
        found.update(dict.fromkeys(_expanded(clean(path, root), names())))
    return list(found)


def _expanded(path: str, names: Sequence[str]) -> list[str]:
    if not path or path in names:
        return [path]
    if globs.has_wildcard(path):
        expression = globs.compiled(path)
        if matches := [name for name in names if expression.fullmatch(name)]:
            return _outermost(matches)
    raise not_found(path, names)


def _outermost(paths: Sequence[str]) -> list[str]:
    """Without what lies inside another one of them."""
    chosen = set(paths)
    return [path for path in paths if not any(path[:end] in chosen for end, each in enumerate(path) if each == "/")]


def not_found(path: str, names: Iterable[str]) -> ParaduxError:
    """The error for a path that a version does not have, with the one that was probably meant."""
    near = globs.nearest(path, names)
    elsewhere = f"look for it in all versions: paraductl find DATASET {shown(path.rpartition('/')[2])}"
    hint = f"did you mean {shown(near)}?" if near else elsewhere
    what = "nothing like" if globs.has_wildcard(path) else "no"
    return ParaduxError("not-found", f"there is {what} {shown(path)} in this version", hint)
