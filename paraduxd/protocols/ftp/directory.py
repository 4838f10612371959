"""The present directory of an FTP session: what it holds, and changing that, with servers of every kind."""

from __future__ import annotations

import contextlib
import ftplib

from paraduxd.effects.files import bounded
from paraduxd.protocols.blob_stores import replacing

ABSENT = "550"
_UNKNOWN_COMMAND = ("500", "501", "502", "504")


class MissingError(ftplib.error_perm):
    """The file that was asked for is not there."""


def size(session: ftplib.FTP, name: str) -> int | None:
    """The size in bytes; `None` where the server cannot tell. Binary from here on: a listing has made the session textual."""
    session.voidcmd("TYPE I")
    try:
        return session.size(name)
    except ValueError:
        raise ftplib.error_proto("no size") from None  # noqa: S321
    except ftplib.error_perm as problem:
        if str(problem).startswith(_UNKNOWN_COMMAND):
            return None
        if str(problem).startswith(ABSENT) and all(name != entry for entry, _ in entries(session)):
            raise MissingError(str(problem)) from None
        raise


def found(session: ftplib.FTP, name: str) -> tuple[str, int | None]:
    """Under which name an object is, and its size."""
    try:
        return name, size(session, name)
    except MissingError:
        sizes = dict(entries(session))
        if replacing.aside(name) not in sizes:
            raise
        return replacing.aside(name), size(session, replacing.aside(name))


def delete(session: ftplib.FTP, name: str) -> None:
    try:
        session.delete(name)
    except ftplib.error_perm:
        if any(name == entry for entry, _ in entries(session)):
            raise


def entries(session: ftplib.FTP) -> list[tuple[str, int]]:
    """The files of the present directory with their sizes; by NLST and SIZE where the server has no MLSD."""
    try:
        session.sendcmd("OPTS MLST type;size;")
        lines = _lines(session, "MLSD")
    except ftplib.error_perm as problem:
        if not str(problem).startswith(_UNKNOWN_COMMAND):
            raise
        return _entries_by_names(session)
    return [entry for line in lines if (entry := _parsed(line))]


def _parsed(line: str) -> tuple[str, int] | None:
    """Name and size of a file on a line of MLSD; `None` for anything else."""
    told, _, name = line.rstrip("\r\n").partition(" ")
    facts = {key.lower(): value for key, _, value in (fact.partition("=") for fact in told[:-1].split(";"))}
    if facts.get("type") != "file":
        return None
    try:
        return name, bounded.size(facts.get("size", 0))
    except ValueError:
        raise ftplib.error_proto("no size") from None  # noqa: S321


def _lines(session: ftplib.FTP, command: str) -> list[str]:
    """What a command lists; raises `ParaduxError` "too-large" before there is too much of it."""
    listing, lines = bounded.Listing(f"{session.host}:{session.port}"), list[str]()

    def take(line: str) -> None:
        listing.count(len(line))
        lines.append(line)

    session.retrlines(command, take)
    return lines


def _entries_by_names(session: ftplib.FTP) -> list[tuple[str, int]]:
    try:
        names = [each.rpartition("/")[2] for each in _lines(session, "NLST")]
    except ftplib.error_perm as problem:
        if str(problem).startswith(ABSENT):  # an empty directory, as many servers tell it
            return []
        raise
    session.voidcmd("TYPE I")
    sized = []
    for name in names:
        with contextlib.suppress(ftplib.error_perm):  # a directory has no size
            sized.append((name, session.size(name) or 0))
    return sized


def enter(session: ftplib.FTP, path: str, make: bool) -> None:
    """Go to the directory; with `make`, what is missing of the way is made."""
    try:
        session.cwd(path)
        return
    except ftplib.error_perm as problem:
        if not make or not str(problem).startswith(ABSENT):
            raise
    if path.startswith("/"):
        session.cwd("/")
    for part in filter(None, path.split("/")):
        try:
            session.cwd(part)
        except ftplib.error_perm:
            session.mkd(part)
            session.cwd(part)


def rename(session: ftplib.FTP, temporary: str, name: str) -> None:
    """Give the object its name, at once where the server replaces files."""
    try:
        session.rename(temporary, name)
    except ftplib.error_perm:
        there = {entry for entry, _ in entries(session)}
        if name not in there:
            raise
        present = replacing.aside(name) in there
        replacing.replace(temporary, name, rename=session.rename, remove=session.delete, present=present)
