"""rsync: the command line as one pure expression, what its output means, and its failures as sentences.

Paths travel as data: `--secluded-args` keeps them from the remote shell, `--` from being options, and patterns and lists of
paths come on standard input. A key that rrsync restricts refuses `--secluded-args`: there rsync itself escapes what a shell would
read (`--no-old-args`, which an rsync that cannot does not know), and paths with wildcards, which rrsync expands, are refused. What is
kept: permissions, times, owners by number, links, hard links, ACLs, extended attributes, devices (as root), holes.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import IO

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.api.frozen import dataclass
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.files import bounded, directories
from paraduxd.effects.process import run as process
from paraduxd.effects.tools import ssh, ssh_failures
from paraduxd.effects.tools.rsync_complaints import PARTIAL, Complaints, Kind, understand

FAITHFUL = ("-aH", "--sparse", "--numeric-ids", f"--partial-dir={PARTIAL}")
"""Options of a copy that keeps everything (ACLs and extended attributes besides, where there are any)."""

BARE = ("--recursive",)
"""Options of a copy that changes nothing of directories that are there already."""

_REPORT = ("--stats", "--no-human-readable", "--outbuf=N")
_ATTRIBUTES = ("-AX",)
_IDLE_SECONDS = 600
_NO_MEMORY = 22
"""An exit code."""
_KEEP_BYTES = 64 * 1024
_MOST_COMPLAINTS = 128 * 1024 * 1024
"""Bytes of standard error; a line for each of half a million files."""
_LAST_LINES = 2048
"""Bytes at the end of a piece of output in which the last progress stands, between names of files."""
_PIECE = 1 << 20
"""Bytes of output that are taken at once, all that a widened pipe holds: a line per file must not keep rsync waiting."""

_BREATH = 0.02
"""Seconds between two looks at the output: rsync writes a line per file, and waking for each would cost as much as the transfer."""

_DELETE_LIMIT = re.compile(rb"Deletions stopped due to --max-delete limit \((\d+) skipped\)")
_PROGRESS = re.compile(rb"^\s*([\d,]+)\s+(\d+)%\s+\S+\s+(\d+):(\d\d):(\d\d)")
_SUMMARY = re.compile(rb"rsync (error|warning): |rsync: \[\w+\] write error: Broken pipe")
_NO_ROOM = re.compile(rb"No space left on device|Disk quota exceeded")
_MISSING = re.compile(rb'(change_dir|link_stat) ".*" failed: (No such file or directory|Not a directory)')

_REFUSES_SECLUDED = re.compile(rb"option -s has been disabled|unknown option[^\n]*(secluded|protect)-args")
"""What rrsync says."""

_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds: the one before, which was ours, ends a moment after its last words."""

OnProgress = Callable[[Progress], None]
OnOutput = Callable[[bytes], None]


@dataclass(frozen=True)
class Place:
    """A directory as rsync addresses it: here, or (with `access`) on a server. `name` is for sentences.

    `bandwidth`: bytes per second at most (`None`: any).
    """

    path: str
    name: str
    access: ssh.SshAccess | None = None
    bandwidth: int | None = None

    def below(self, relative: str) -> Place:
        """A directory inside this one."""
        return replace(self, path=f"{self.path.rstrip('/')}/{relative}")

    def argument(self) -> str:
        """The directory's contents as an rsync argument; `./` keeps a relative path from looking like a module."""
        path = self.path if self.path.startswith("/") else f"./{self.path}"
        return (f"{self.access.host}:" if self.access else "") + path.rstrip("/") + "/"


@dataclass(frozen=True)
class Stats:
    """What `--stats` counted: regular files and bytes. `bytes` includes the lengths of symbolic links' targets."""

    files: int = 0
    created: int = 0
    deleted: int = 0
    transferred: int = 0
    bytes: int = 0
    transferred_bytes: int = 0

    def after(self, earlier: Stats) -> Stats:
        """What this run and an earlier one of the same transfer did together."""
        return replace(
            self,
            created=self.created + earlier.created,
            deleted=self.deleted + earlier.deleted,
            transferred=self.transferred + earlier.transferred,
            transferred_bytes=self.transferred_bytes + earlier.transferred_bytes,
        )


@dataclass(frozen=True)
class Ran:
    """How one run ended. `skipped`: entries that `--max-delete` kept from being removed; `said`: what it says about single files."""

    code: int
    stats: Stats = field(default_factory=Stats)
    skipped: int = 0
    errors: bytes = b""
    output: bytes = b""
    said: Complaints = field(default_factory=Complaints)

    def complaints(self) -> tuple[bytes, ...]:
        """The lines of standard error that name a trouble of their own, without summaries and stopped deletions."""
        lines = (line.strip() for line in self.errors.splitlines())
        return tuple(line for line in lines if line and not _SUMMARY.match(line) and not _DELETE_LIMIT.match(line))

    def missing(self) -> bool:
        """The directory that was named as the source does not exist (or is none)."""
        complained = self.code == 23 and any(map(_MISSING.search, self.complaints()))
        return complained or b"rrsync error: post-realpath open failed" in self.errors


@dataclass(frozen=True)
class Listed:
    """Options that read a list from standard input, and the file that is to be it."""

    options: tuple[str, ...] = ()
    stdin: int = subprocess.DEVNULL


NOTHING_LISTED = Listed()


@contextlib.contextmanager
def exclusions(patterns: Sequence[str], untouched: Sequence[bytes] = ()) -> Iterator[Listed]:
    """What leaves the patterns out of a transfer, and removes what matches them at the target.

    Patterns are those of rsync's FILTER RULES. They are given as "hide" rules, each ended by NUL: no text of theirs is taken
    for a rule, a comment or an option. `untouched` are paths below the source that are neither read nor changed nor removed.
    """
    rules = [f"- {literal(path)}" for path in untouched] + [f"H {pattern}" for pattern in patterns]
    with listed("--filter=merge -", rules) as given:
        yield given if rules else NOTHING_LISTED


def literal(path: bytes) -> str:
    """A pattern for one path: rsync takes a backslash for an escape only where there are wildcards."""
    text = "/" + path.decode("utf-8", "surrogateescape")
    return re.sub(r"([\\*?[])", r"\\\1", text) if re.search(r"[*?[]", text) else text


@contextlib.contextmanager
def listed(option: str, entries: Sequence[str]) -> Iterator[Listed]:
    """A list for an option ("--files-from=-"). On standard input, because rsync 3.5 opens no `/proc/<pid>/fd/<n>`."""
    data = b"".join(entry.encode("utf-8", "surrogateescape") + b"\0" for entry in entries)
    with process.sealed_file(data) as (descriptor, _):
        yield Listed(("--from0", option), descriptor)


def command(source: Place, target: Place, options: Sequence[str]) -> tuple[str, ...]:
    """The argument vector that makes the contents of `target` those of `source`; at most one of them is on a server."""
    access = source.access or target.access
    restricted = access is not None and access.found.restricted
    arguments = ("--no-secluded-args", "--no-old-args") if restricted else ("--secluded-args",)
    remote = ("-e", " ".join(access.command), f"--timeout={_IDLE_SECONDS}") if access else ()
    bandwidth = source.bandwidth or target.bandwidth
    limit = (f"--bwlimit={max(1, bandwidth // 1024)}",) if bandwidth else ()  # in KiB
    return ("rsync", *arguments, *remote, *limit, *_REPORT, *options, "--", source.argument(), target.argument())


def run(
    source: Place,
    target: Place,
    options: Sequence[str] = (),
    *,
    given: Listed = NOTHING_LISTED,
    on_progress: OnProgress = lambda _: None,
    on_output: OnOutput = lambda _: None,
) -> Ran:
    """A faithful copy. A failure is not raised.

    Attributes that the target cannot hold are complaints of the kind `UNSTORED`, and everything else is copied. Where those of the
    source cannot be read, rsync leaves out whole files: it runs once more without attributes, and these files are complained of likewise.
    """

    def report(piece: bytes) -> None:
        on_output(piece)
        if progress := parse_progress(piece[-_LAST_LINES:]):
            on_progress(progress)

    wanted = (*FAITHFUL, "--info=progress2", *options)
    ran = run_once(source, target, (*_ATTRIBUTES, *wanted), given=given, on_output=report)
    if ran.code not in {4, 23} or not ran.said.count(Kind.HIDDEN) or ran.said.count(Kind.OTHER):
        return ran
    again = run_once(source, target, wanted, given=given, on_output=report)
    again.said.names.setdefault(Kind.UNSTORED, set()).update(ran.said.of(Kind.HIDDEN, Kind.UNSTORED))
    return replace(again, stats=again.stats.after(ran.stats))


def run_once(
    source: Place,
    target: Place,
    options: Sequence[str],
    *,
    given: Listed = NOTHING_LISTED,
    on_output: OnOutput = lambda _: None,
) -> Ran:
    """One run with exactly these options; its standard output in pieces. Raises nothing for its failures.

    A server that takes no secluded arguments, or one rsync at a time, is asked once more.
    """
    ran = _start(source, target, options, given, on_output)
    access = source.access or target.access
    if access and not access.found.restricted and _REFUSES_SECLUDED.search(ran.errors):
        access.found.restricted = True
        _check_wildcards(source if source.access else target)
        ran = _start(source, target, options, given, on_output)
    for pause in _PAUSES if access else ():
        if not ssh_failures.BUSY.search(ran.errors):
            break
        time.sleep(pause)
        ran = _start(source, target, options, given, on_output)
    return _explained(ran, access) if access else ran


def _explained(ran: Ran, access: ssh.SshAccess) -> Ran:
    """The run, with what the server says about it where it said nothing that rsync has passed on."""
    if not ssh_failures.is_unexplained(ran.errors):
        return ran
    code, told = ssh.told(access, "echo")
    return replace(ran, errors=ssh_failures.explained(ran.errors, told, works=code == 0))


def _check_wildcards(place: Place) -> None:
    """Raises `ParaduxError` "bad-address" for a path that rrsync would take for a pattern."""
    if re.search(r"[*?[\]]", place.path):
        raise ParaduxError(
            "bad-address",
            f"the path at {place.name} has a *, ? or bracket in it, which the restricted key there takes for a pattern",
            "give that directory another name, or a key without rrsync",
        )


def _start(source: Place, target: Place, options: Sequence[str], given: Listed, on_output: OnOutput) -> Ran:
    access = source.access or target.access
    if given.stdin >= 0:
        os.lseek(given.stdin, 0, os.SEEK_SET)
    argv = command(source, target, (*given.options, *options))
    env, inherited = access.env if access else None, directories.descriptor_in(target.path)
    running = process.start(argv, stdin=given.stdin, extra_env=env, pass_fds=inherited)
    try:
        said = Complaints()
        output, errors = _follow(running, on_output, said)
        code = running.wait()
    except BaseException:
        process.kill_group(running)
        raise
    limit = _DELETE_LIMIT.search(errors)
    return Ran(code, parse_stats(output), int(limit[1]) if limit else 0, errors, output, said)


def _follow(running: subprocess.Popen[bytes], on_output: OnOutput, said: Complaints) -> tuple[bytes, bytes]:
    """Read both outputs to their ends, keeping head and tail of each, and pass on what comes."""
    assert running.stdout is not None and running.stderr is not None  # noqa: S101  (both are pipes)
    complained = 0
    kept: dict[IO[bytes], _Kept] = {running.stdout: _Kept(), running.stderr: _Kept()}
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            process.widen(stream)
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                stream = running.stdout if key.fileobj is running.stdout else running.stderr
                piece = stream.read1(_PIECE)  # type: ignore[attr-defined]
                if not piece:
                    selector.unregister(stream)
                complained += len(piece) if stream is running.stderr else 0
                if complained > _MOST_COMPLAINTS:
                    raise bounded.too_large("what rsync complains of")
                kept[stream].add(piece)
                for take in (on_output, said.add_output) if stream is running.stdout else (said.add,):
                    take(piece)
            time.sleep(_BREATH)
    said.end()
    for stream in kept:
        stream.close()
    return kept[running.stdout].text(), kept[running.stderr].text()


class _Kept:
    """The first and last bytes of an output that may be endless (a line per unreadable file)."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""

    def add(self, piece: bytes) -> None:
        room = _KEEP_BYTES - len(self._head)
        self._head += piece[:room]
        self._tail = (self._tail + piece[room:])[-_KEEP_BYTES:]

    def text(self) -> bytes:
        return self._head + self._tail


def parse_progress(piece: bytes) -> Progress | None:
    """The last whole `--info=progress2` line in a piece of output: "  32,768  41%  1.2MB/s  0:00:12"."""
    for line in reversed(re.split(rb"[\r\n]", piece)):
        if match := _PROGRESS.match(line):
            hours, minutes, seconds = (int(match[group]) for group in (3, 4, 5))
            eta = hours * 3600 + minutes * 60 + seconds
            return Progress(float(match[2]), _number(match[1]), eta)
    return None


def parse_stats(output: bytes) -> Stats:
    """The counts of `--stats`; what is not there is 0."""
    return Stats(
        files=_stat(output, rb"Number of files: .*\breg: ([\d,]+)"),
        created=_stat(output, rb"Number of created files: .*\breg: ([\d,]+)"),
        deleted=_stat(output, rb"Number of deleted files: .*\breg: ([\d,]+)"),
        transferred=_stat(output, rb"Number of regular files transferred: ([\d,]+)"),
        bytes=_stat(output, rb"Total file size: ([\d,]+)"),
        transferred_bytes=_stat(output, rb"Total transferred file size: ([\d,]+)"),
    )


def _stat(output: bytes, pattern: bytes) -> int:
    match = re.search(rb"(?m)^" + pattern, output)
    return _number(match[1]) if match else 0


def _number(text: bytes) -> int:
    return int(text.replace(b",", b""))


def check(ran: Ran, where: str) -> Ran:
    """The run itself when it went well (files that vanished meanwhile are no failure); else raises what `failure` says.

    Attributes that the target cannot hold are no failure either: who asks for this copy sees them in `Ran.said`.
    """
    if ran.code in {0, 24} or (ran.code == 23 and ran.said.only(Kind.UNSTORED)):
        return ran
    raise failure(ran, where)


def failure(ran: Ran, where: str) -> ParaduxError:
    """One sentence for a run that failed. `where` names the stash; exit codes are those of rsync(1)."""
    no_room = any(_NO_ROOM.search(line) for line in ran.complaints() if understand(line).kind is not Kind.UNSTORED)
    if no_room or (ran.code == 11 and not ran.complaints()):  # a server's last words may be lost with its connection
        return TransientError(
            "disk-full",
            f"the disk of {where} is full (or the quota used up)" + ("" if no_room else ", most likely"),
            "make room there; earlier versions are as they were, and the next run goes on from here",
        )
    if problem := _too_large(ran, where) or (
        ssh_failures.of_rsync(ran.code, ran.errors, where) if ran.code not in {11, 23} else None
    ):
        return problem
    if ran.code < 0 or ran.code == 20:
        return TransientError(
            "interrupted", f"the transfer with {where} was interrupted", "it goes on with the next run"
        )
    return ParaduxError(
        "transfer-failed", f"not everything could be copied with {where}: {_first(ran)}", _hint(ran.code)
    )


def _too_large(ran: Ran, where: str) -> ParaduxError | None:
    if ran.code != _NO_MEMORY and b"out of memory" not in ran.errors:
        return None
    return ParaduxError(
        "too-large",
        f"the list of what lies at {where} needs more memory than rsync may take",
        "see who can write there; if that many files are right, allow more: set memory with paraductl edit",
    )


def _first(ran: Ran) -> str:
    """The first complaint that is a failure, as rsync wrote it (it escapes control characters), at a length for one line."""
    lines = ran.complaints()
    lines = tuple(line for line in lines if understand(line).kind is Kind.OTHER) or lines
    text = lines[0].decode(errors="replace") if lines else f"rsync ended with code {ran.code}"
    return re.sub(r"^rsync: (\[\w+\] )?", "", text)[:300]


def _hint(code: int) -> str:
    if code == 23:
        return "make the file readable for the user that copies, or add it to exclude"
    return "see EXIT VALUES in rsync(1) for what this is, and try again"
