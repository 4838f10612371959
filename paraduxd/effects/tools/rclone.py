"""rclone as a transport: its configuration as a file in memory, one process per operation, and its failures as sentences.

The configuration has one remote, "stash". It is read-only: a token that rclone refreshes is used for that operation and forgotten,
and the next operation refreshes it again. Works with rclone 1.60 and later.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import IO, BinaryIO

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import bounded
from paraduxd.effects.process import run as process
from paraduxd.effects.process.run import Outcome
from paraduxd.effects.tools import rclone_errors, tls_pins

NO_DIRECTORY = 3
"""rclone's exit code for a directory that is not there."""

_PIECE = 1 << 20
_LONGEST_COMPLAINT = 64 * 1024
_GRACE_SECONDS = 15.0
_LAST_LINES = 200
_NO_TIMES = 10**18
"""Nanoseconds; rclone gives a precision of 100 years to remotes that do not keep times."""

_OPTIONS = (
    "--quiet",
    "--ask-password=false",
    "--retries=1",
    "--low-level-retries=3",  # also how often rclone tries to save a refreshed token, which cannot work here
    "--contimeout=15s",
    "--timeout=60s",
    "--streaming-upload-cutoff=8Mi",
)
_ENVIRONMENT = {"TMPDIR": "/dev/shm"}  # noqa: S108  (where rclone keeps an upload whose length a server must know before)


@dataclass(frozen=True)
class Remote:
    """A directory of a remote: `options` as in rclone's configuration, passwords obscured; `where` names it in sentences.

    `files` are options that want the path of a file, with the content that they get ("known_hosts_file"); `authorities` are the
    certificates (PEM) that its server is trusted by, in place of the system's.
    """

    options: Mapping[str, str] = field(repr=False)
    path: str
    where: str
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    authorities: str = ""

    def address(self, name: str = "") -> str:
        """The directory, or what lies in it, as rclone's argument. The slash at the end keeps it from being taken for a file."""
        folder = self.path.rstrip("/")
        return f"stash:{folder}/{name}" if folder else f"stash:{self.path[:1]}{name}"


@dataclass(frozen=True)
class Entry:
    """A file of the directory; `size` in bytes."""

    name: str
    size: int


def configuration(options: Mapping[str, str]) -> bytes:
    """The text of rclone.conf. A value between backquotes is taken as it stands, whatever is in it, but `%(name)s` is replaced.

    Raises `ParaduxError` "bad-settings" for what cannot be written there.
    """
    for name, value in options.items():
        if any(character in name + value for character in "\n\r\0") or "%(" in value:
            raise ParaduxError(
                "bad-settings",
                "an option or password holds a line break or %(, which rclone's configuration cannot hold",
                "write it in another way, or choose another password, with paraductl edit",
            )
    return "".join(["[stash]\n", *(f"{name} = `{value}`\n" for name, value in options.items())]).encode(
        "utf-8", "surrogateescape"
    )


def obscured(options: Mapping[str, str]) -> dict[str, str]:
    """The options with those obscured that this rclone takes as passwords; raises `ParaduxError` "unknown-remote"."""
    passwords = _password_options(options.get("type", ""))
    return {name: _obscure(value) if name in passwords and value else value for name, value in options.items()}


def _password_options(kind: str) -> frozenset[str]:
    return _password_options_of(shutil.which("rclone", path=process.PATH), kind)


@functools.cache
def _password_options_of(_program: str | None, kind: str) -> frozenset[str]:
    """What one rclone says of one kind of remote; asked once, since that takes as long as to move a small file."""
    told = process.run(["rclone", *_OPTIONS, "--config=", "config", "providers"])
    with contextlib.suppress(ValueError, KeyError, TypeError):
        for provider in bounded_json.parse(told.output, "what rclone reports about its remotes", bounded_json.MEDIUM):
            if kind in (provider["Name"], provider["Prefix"]):
                return frozenset(option["Name"] for option in provider["Options"] if option["IsPassword"])
    raise ParaduxError(
        "unknown-remote", "the installed rclone knows no remote of the type in options", "see: rclone help backends"
    )


def _obscure(password: str) -> str:
    """The password as rclone's configuration wants it (not a protection); it travels through pipes."""
    outcome = process.run(["rclone", "--config=", "obscure", "-"], data=password.encode("utf-8", "surrogateescape"))
    if outcome.code != 0:
        raise ParaduxError("bad-credentials", "rclone cannot take the password", "correct the credentials")
    return outcome.output.decode().strip()


def run(
    remote: Remote,
    *command: str,
    names: Sequence[str] = (),
    allowed: Sequence[int] = (0,),
    timeout: float | None = None,
    most: int = bounded.LONGEST_OUTPUT,
) -> Outcome:
    """Run a command to its end; `names` restricts it to files of the directory, which are looked up one by one.

    Raises the failure as a sentence unless the exit code is `allowed`, and `ParaduxError` "too-large" for an output beyond `most` bytes.
    """
    with _prepared(remote, _only(names)) as (options, descriptors):
        argv = ["rclone", *_OPTIONS, *options, *command]
        outcome = process.run(
            argv, pass_fds=descriptors, extra_env=_ENVIRONMENT, timeout=timeout or bounded.patience.listing, most=most
        )
    if outcome.code not in allowed:
        raise failure(remote, outcome.code, outcome.errors)
    return outcome


def listing(remote: Remote, names: Sequence[str] = ()) -> tuple[Entry, ...] | None:
    """The files of the directory (or those of `names` that are there), sorted; `None` when there is no such directory."""
    return _listed(remote, names=names)


def beginning_with(remote: Remote, name: str) -> tuple[Entry, ...]:
    """The files of the directory whose names begin so, sorted; `name` holds no wildcard."""
    return _listed(remote, f"--include=/{name}*") or ()


def _listed(remote: Remote, *rules: str, names: Sequence[str] = ()) -> tuple[Entry, ...] | None:
    command = ("lsjson", "--files-only", "--no-mimetype", "--no-modtime", *rules, remote.address())
    outcome = run(remote, *command, names=names, allowed=(0, NO_DIRECTORY), most=bounded.LONGEST_LISTING)
    if outcome.code == NO_DIRECTORY:
        return None
    try:
        return _entries(remote.where, outcome.output)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ParaduxError("rclone-failed", f"rclone's list of {remote.where} is not understood", "try again") from None


def _entries(where: str, told: bytes) -> tuple[Entry, ...]:
    """What lsjson lists, an entry a line, sorted; rclone says -1 of what it does not know the size of."""
    listing, found = bounded.Listing(where), []
    for line in told.splitlines():
        if len(text := line.strip(b"[], \t")) > 0:
            listing.count(len(text))
            entry = bounded_json.parse_object(text, "an entry of a list")
            found.append(Entry(str(entry["Name"]), max(-1, min(int(entry["Size"]), bounded.LARGEST_NUMBER))))
    return tuple(sorted(found, key=lambda entry: entry.name))


def delete(remote: Remote, name: str) -> None:
    """Remove a file of the directory; already gone is success."""
    run(remote, "delete", remote.address(), names=[name])


def delete_beginning_with(remote: Remote, name: str) -> None:
    """Remove the files of the directory whose names begin so; `name` holds no wildcard."""
    run(remote, "delete", f"--include=/{name}*", remote.address())


def move(remote: Remote, old: str, new: str) -> None:
    """Rename a file of the directory; one that has the new name is replaced.

    Without --ignore-times rclone takes a file of the same size for the same one where a remote keeps no times, and removes the new one.
    """
    run(remote, "moveto", "--ignore-times", "--", remote.address(old), remote.address(new))


@dataclass(frozen=True)
class Features:
    """What a remote can do. `buckets`: it is a store of objects; `renames`: by itself; `times`: it keeps those of files."""

    buckets: bool = False
    renames: bool = False
    times: bool = False


def features(remote: Remote) -> Features:
    """What rclone knows of the remote; a connection may be made for it."""
    try:
        told = bounded_json.parse_object(
            run(remote, "backend", "features", remote.address()).output, "what rclone tells"
        )
        can = told["Features"]
        return Features(can["BucketBased"], can["Move"] or can["Copy"], 0 <= told["Precision"] < _NO_TIMES)
    except (ValueError, KeyError, TypeError):
        text = f"what rclone reports about {remote.where} is not understood"
        raise ParaduxError("rclone-failed", text, "see: rclone backend features") from None


@functools.cache
def writes_beside() -> bool:
    """Whether this rclone writes a file beside its old copy and renames it then; one before 1.63 has lost the old one when it fails."""
    match = re.match(rb"rclone v(\d+)\.(\d+)", process.run(["rclone", "--config=", "version"]).output)
    return match is not None and (int(match[1]), int(match[2])) >= (1, 63)


def upload(remote: Remote, name: str, data: BinaryIO) -> None:
    """Write a file of the directory from a stream. rclone compares size and, where the remote has one, checksum afterwards.

    When the stream fails, rclone is stopped before it can take the end for the end of the file; what the remote shows of the file
    then depends on the remote.
    """
    with _started(remote, ["rcat", remote.address(name)], subprocess.PIPE) as (running, complaints):
        assert running.stdin is not None  # noqa: S101
        try:
            with contextlib.suppress(BrokenPipeError):
                while piece := data.read(_PIECE):
                    _write_all(running.stdin, piece)
        except BaseException:
            _give_up(running)
            raise
        with contextlib.suppress(BrokenPipeError):
            running.stdin.close()
        if code := running.wait():
            raise failure(remote, code, complaints())


def download(remote: Remote, name: str) -> Iterator[bytes]:
    """A file of the directory in pieces; one that is not there gives nothing, like an empty one."""
    command = ["cat", remote.address()]
    with _started(remote, command, subprocess.DEVNULL, [name]) as (running, complaints):
        assert running.stdout is not None  # noqa: S101
        pace = bounded.Pace(remote.where)
        while piece := running.stdout.read1(_PIECE):  # type: ignore[attr-defined]
            pace.moved(len(piece))
            yield piece
        if code := running.wait():
            raise failure(remote, code, complaints())


def follow(
    remote: Remote, command: Sequence[str], excluded: Sequence[str], on_line: Callable[[bytes], None]
) -> tuple[int, bytes]:
    """Run a command to its end without what rclone's filter patterns exclude; every line of its log goes to `on_line`.

    Gives the exit code, and the last lines of the log.
    """
    kept: deque[bytes] = deque(maxlen=_LAST_LINES)
    rules = {"--filter-from": "".join(f"- {pattern}\n" for pattern in excluded)} if excluded else {}
    with _prepared(remote, rules) as (options, descriptors):
        argv = ["rclone", *(option for option in _OPTIONS if option != "--quiet"), *options, *command]
        running = process.start(argv, extra_env=_ENVIRONMENT, pass_fds=descriptors, stdout=subprocess.DEVNULL)
    try:
        assert running.stderr is not None  # noqa: S101
        for line in bounded.lines(running.stderr):
            kept.append(line)
            on_line(line)
        return running.wait(), b"".join(kept)
    finally:
        process.kill_group(running)


@contextlib.contextmanager
def _started(
    remote: Remote, command: Sequence[str], stdin: int, names: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], bytes]]]:
    """A running command, and what gives its complaints; killed when it is still there at the end."""
    with process.sealed_file(b"") as (errors, _):
        with _prepared(remote, _only(names)) as (options, descriptors):
            running = process.start(
                ["rclone", *_OPTIONS, *options, *command],
                extra_env=_ENVIRONMENT,
                pass_fds=descriptors,
                stdin=stdin,
                stdout=subprocess.DEVNULL if stdin == subprocess.PIPE else subprocess.PIPE,
                stderr=errors,
            )
        try:
            yield running, lambda: os.pread(errors, _LONGEST_COMPLAINT, 0)
        finally:
            process.kill_group(running)


def _give_up(running: subprocess.Popen[bytes]) -> None:
    """Let rclone clear away (the parts of an unfinished upload), with its input still open, and then end it."""
    running.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.wait(_GRACE_SECONDS)


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe.fileno(), view) :]


def _only(names: Sequence[str]) -> dict[str, str]:
    return {"--files-from-raw": "".join(f"{name}\n" for name in names)} if names else {}


@contextlib.contextmanager
def _prepared(remote: Remote, listed: Mapping[str, str]) -> Iterator[tuple[list[str], list[int]]]:
    """The options that name files in memory (those of `listed` besides), and their descriptors; a started program inherits them."""
    with contextlib.ExitStack() as stack:
        descriptors: list[int] = []

        def in_memory(content: bytes) -> str:
            descriptor, path = stack.enter_context(process.sealed_file(content))
            descriptors.append(descriptor)
            return path

        files = {name: in_memory(content.encode()) for name, content in remote.files.items()}
        options = [f"--config={in_memory(configuration({**remote.options, **files}))}"]
        if remote.authorities:
            options.append(f"--ca-cert={in_memory(remote.authorities.encode())}")
        options += [f"{option}={in_memory(text.encode('utf-8', 'surrogateescape'))}" for option, text in listed.items()]
        yield [*options, *(["--no-traverse"] if "--files-from-raw" in listed else [])], descriptors


def failure(remote: Remote, code: int, complaints: bytes) -> ParaduxError:
    """What went wrong, as a sentence that shows none of the options."""
    problem = rclone_errors.sentence(code, complaints, remote.where, tuple(remote.options.values()))
    if problem.code == rclone_errors.BAD_CERTIFICATE:
        said = tls_pins.words(complaints.decode(errors="replace"))
        return tls_pins.refused(remote.where, ["pinned"] if remote.authorities else [], said)
    return problem
