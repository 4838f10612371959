"""What `ls`, `find`, `diff` and a restore in place tell of the files in versions.

A path is a text in which a byte that is not UTF-8 is a surrogate (PEP 383), so that every name comes through. Times of files are seconds
since the epoch, sizes bytes; both may be unknown (an encrypted archive that was written before they were remembered).
"""

from __future__ import annotations

from paraduxd.api.frozen import dataclass

FILE, DIRECTORY, LINK, OTHER = "file", "directory", "link", "other"

PAGE_ENTRIES, PAGE_BYTES = 2_000, 400_000
"""A page ends with the entry that makes it so long (bytes of names)."""


@dataclass(frozen=True)
class Entry:
    """One file, directory or link in a version."""

    path: str
    kind: str
    size: int | None = None
    modified: int | None = None


@dataclass(frozen=True)
class VersionName:
    """A version as a person names it: DATASET#NAME. `time` is RFC 3339."""

    name: str
    time: str
    files: int | None = None
    bytes: int | None = None
    missing: int = 0


@dataclass(frozen=True)
class Presence:
    """One state of a file, which is in `versions` versions, one after the other."""

    first: VersionName
    last: VersionName
    versions: int
    kind: str
    size: int | None = None
    modified: int | None = None


@dataclass(frozen=True)
class Match:
    """One path that was found. `gone`: the first version after the last that has it; `None` when the newest has it."""

    path: str
    presences: tuple[Presence, ...]
    gone: VersionName | None = None


@dataclass(frozen=True)
class Change:
    """One difference: "added", "removed", "changed", "written" or "kept", with a reason where one is needed."""

    change: str
    path: str
    kind: str
    size: int | None = None
    was: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Page:
    """A part of an answer. `following`: where the next part begins (`None`: this is the last); `total`: how much there is in all.

    `newest`: the newest version there; `versions`: how many there are; `vague`: sizes and times of one version are not known.
    """

    ask: str
    total: int = 0
    following: int | None = None
    version: VersionName | None = None
    other: VersionName | None = None
    newest: VersionName | None = None
    versions: int = 0
    entries: tuple[Entry, ...] = ()
    matches: tuple[Match, ...] = ()
    changes: tuple[Change, ...] = ()
    vague: bool = False


def shown(path: str) -> str:
    """A path as a terminal can show it and a shell reads it back: plain where it is harmless, else quoted as bash does."""
    plain = "".join(each for each in path if each.isalnum() or each in "/._-+,:@%")
    if path and plain == path and path[0] not in "-#~":
        return path
    if path.isprintable():
        return "'" + path.replace("'", "'\\''") + "'"
    return "$'" + "".join(map(_quoted, path)) + "'"


def _quoted(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    data = character.encode("utf-8", "surrogateescape")
    return "".join(f"\\x{byte:02x}" for byte in data)
