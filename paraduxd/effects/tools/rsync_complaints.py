"""What rsync says about single files on its standard error: each line as a value, and all lines of a run added up.

The sentences are those of rsync 3.1 to 3.5. A line that is not known here is a failure of the whole run, so that nothing is taken for
copied that was not.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from paraduxd.effects.files import bounded

PARTIAL = ".~paradux-partial~"
"""Directory in which an interrupted large file waits; rsync itself neither sends nor removes it."""

NAMES_KEPT = 10_000
"""So many names of each kind are remembered; the rest is counted."""

MOST_LINES = 250_000
"""So many complaints are understood; each costs some time, and nobody reads them."""

BYTES_KEPT = 16 * 1024 * 1024
"""So long may all remembered names be together: whoever is at the other end can make rsync say anything."""

_LONGEST_LINE = 64 * 1024

_NOT_STORABLE = frozenset({1, 22, 27, 31, 36, 38, 84, 95})
"""What a file system says that cannot hold such a thing (EPERM, EINVAL, EFBIG, EMLINK, ENAMETOOLONG, ENOSYS, EILSEQ, EOPNOTSUPP)."""


class Kind(Enum):
    """What a complaint is about."""

    CLOSED = auto()
    """A directory whose entries, or an entry whose status, cannot be read: what is below it is not known."""
    UNREAD = auto()
    """A file whose content cannot be read."""
    UNWRITTEN = auto()
    """A file that the target cannot hold."""
    TOO_LARGE = auto()
    """A file that is larger than the target can hold; the run ends with it."""
    REFUSED = auto()
    """A directory, link or special file that the target cannot hold."""
    UNSTORED = auto()
    """Attributes that the target cannot hold; the rest of the file is there."""
    HIDDEN = auto()
    """Attributes that the source does not tell; rsync leaves the whole entry out then."""
    IN_THE_WAY = auto()
    """What stands in the way of a new entry, because removals were not allowed."""
    REMARK = auto()
    """Nothing that is not said by another line, or by the exit code."""
    OTHER = auto()
    """A failure."""


@dataclass(frozen=True)
class Complaint:
    """One line. `name` is as rsync gives it: below the source or target, or absolute."""

    kind: Kind
    name: bytes = b""


_HEAD = rb"rsync: (?:\[(?P<role>\w+)\] )?"
_ERRNO = rb": [^:]*\((?P<errno>\d+)\)"
_QUOTED = rb'"(?P<name>.*)"(?: \(in [^)]*\))?'
_MAKING = rb"(?:mkdir|mknod|symlink|link)"
_FAILED_COPIES = (Kind.UNREAD, Kind.UNWRITTEN, Kind.TOO_LARGE)
_PATTERNS: tuple[tuple[Kind, bytes], ...] = (
    (Kind.REMARK, rb"rsync (?:error|warning): .*"),
    (Kind.REMARK, _HEAD + rb"write error: Broken pipe.*"),
    (Kind.REMARK, rb"file has vanished: .*"),
    (Kind.REMARK, rb"\*\*\* Skipping any contents from this failed directory \*\*\*"),
    (Kind.REMARK, rb"WARNING: .* failed verification -- update .* \(will try again\)\."),
    (Kind.REMARK, _HEAD + rb"read errors mapping .*"),  # a second attempt may read it; else the next line follows
    (Kind.UNREAD, rb"ERROR: (?P<name>.*) failed verification -- update .*"),
    (Kind.REMARK, rb".*Deletions stopped due to --max-delete limit.*"),
    (Kind.IN_THE_WAY, rb"could not make way for (?:new )?[\w ]+: (?P<name>.*)"),
    (Kind.CLOSED, _HEAD + rb"opendir " + _QUOTED + rb" failed" + _ERRNO),
    (Kind.CLOSED, _HEAD + rb"readdir\(" + _QUOTED + rb"\)" + _ERRNO),
    (Kind.CLOSED, _HEAD + rb"readlink_stat\(" + _QUOTED + rb"\) failed" + _ERRNO),
    (Kind.CLOSED, rb"filename overflows max-path len by \d+: (?P<name>.*)/[^/]*"),
    (Kind.UNREAD, _HEAD + rb"send_files failed to open " + _QUOTED + _ERRNO),
    (Kind.REFUSED, _HEAD + rb"(?:recv_generator: )?" + _MAKING + rb' "(?P<name>.*?)"(?: [-=]> .*)? failed' + _ERRNO),
    (Kind.TOO_LARGE, _HEAD + rb"write failed on " + _QUOTED + _ERRNO),
    (Kind.UNWRITTEN, _HEAD + rb"(?:mkstemp|open) " + _QUOTED + rb" failed" + _ERRNO),
    (Kind.UNWRITTEN, _HEAD + rb'rename "[^"]*" -> "(?P<name>.*)"' + _ERRNO),
    (Kind.UNSTORED, _HEAD + rb'(?:rsync_xal_set|rsync_xal_clear): \w+\("(?P<name>.*)",".*"\) failed' + _ERRNO),
    (Kind.UNSTORED, _HEAD + rb"(?:set_acl|change_acl): \w+\((?P<name>.*), ACL_TYPE_\w+\)" + _ERRNO),
    (Kind.UNSTORED, _HEAD + rb"(?:chown|chmod|chgrp) " + _QUOTED + rb" failed" + _ERRNO),
    (Kind.UNSTORED, _HEAD + rb"failed to set (?:times|permissions) on " + _QUOTED + _ERRNO),
    (Kind.HIDDEN, _HEAD + rb"(?:get_acl|rsync_xal_get|get_xattr_names|get_xattr_data): \w+\(\"?(?P<name>.*?)\"?,.*\).*"),
)  # fmt: skip
"""Compiled when they are needed: most transfers have nothing to complain of."""

_UNSUPPORTED = re.compile(
    rb"(?i).*(?:ACLs|extended attributes|xattrs?) (?:are )?not supported on this (?:server|client).*"
)
_DISCARDED = re.compile(rb"WARNING: .* failed verification -- update ")
_SKIPPED = re.compile(rb'skipping non-regular file "(.*)"\n')
_ESCAPED = re.compile(rb"\\#([0-3][0-7]{2})")
_TEMPORARY = re.compile(rb"\.(.+)\.[A-Za-z0-9]{6}", re.DOTALL)
_RECEIVERS = (b"receiver", b"Receiver", b"generator")


def understand(line: bytes) -> Complaint:
    """The complaint of one line of rsync's."""
    if _UNSUPPORTED.fullmatch(line):
        return Complaint(Kind.HIDDEN)
    for kind, pattern in _PATTERNS:
        if match := re.fullmatch(pattern, line, re.DOTALL):
            return _complaint(kind, match.groupdict())
    return Complaint(Kind.OTHER)


def _complaint(kind: Kind, parts: dict[str, bytes | None]) -> Complaint:
    name, role = unescaped(parts.get("name") or b""), parts.get("role")
    if kind is Kind.HIDDEN and role in _RECEIVERS:
        kind = Kind.UNSTORED
    if kind in {Kind.UNWRITTEN, Kind.UNSTORED} and role != b"generator":
        name = _final(name)
    if kind in {Kind.REFUSED, Kind.UNWRITTEN, Kind.TOO_LARGE} and int(parts.get("errno") or 0) not in _NOT_STORABLE:
        kind = Kind.OTHER
    return Complaint(kind, name)


def unescaped(name: bytes) -> bytes:
    r"""The bytes of a name, in which rsync writes those that are not printable as \#ooo."""
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), name)


def _final(name: bytes) -> bytes:
    """The name that a file gets when it is complete."""
    folder, base = posixpath.split(name)
    if posixpath.basename(folder) == PARTIAL.encode():
        return posixpath.join(posixpath.dirname(folder), base)
    match = _TEMPORARY.fullmatch(base)
    return posixpath.join(folder, match[1]) if match else name


@dataclass
class Complaints:
    """All lines of one run or of several, however many. `discarded`: attempts to copy a file that failed."""

    names: dict[Kind, set[bytes]] = field(default_factory=dict)
    overflow: dict[Kind, int] = field(default_factory=dict)
    discarded: int = 0
    room: int = BYTES_KEPT
    lines: int = 0
    _rest: bytes = b""
    _output: bytes = b""

    def add(self, piece: bytes) -> None:
        """The next piece of standard error."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._take(line.strip())
        self._rest = self._rest[:_LONGEST_LINE]

    def add_output(self, piece: bytes) -> None:
        """The next piece of standard output, where rsync tells of devices that only root can make."""
        text = self._output + piece
        for match in _SKIPPED.finditer(text):
            self._keep(Kind.REFUSED, unescaped(match[1]))
        self._output = re.split(rb"[\r\n]", text)[-1][:_LONGEST_LINE]

    def end(self) -> None:
        """There are no more pieces."""
        self.add(b"\n")

    def count(self, *kinds: Kind) -> int:
        """How many things were complained of."""
        return sum(len(self.names.get(kind, ())) + self.overflow.get(kind, 0) for kind in kinds)

    def of(self, *kinds: Kind) -> tuple[bytes, ...]:
        """Their names, sorted."""
        return tuple(sorted(name for kind in kinds for name in self.names.get(kind, ())))

    def only(self, *kinds: Kind) -> bool:
        """Whether there is a complaint, and none but of these kinds (and remarks)."""
        others = [kind for kind in Kind if kind not in {*kinds, Kind.REMARK}]
        return self.count(*kinds) > 0 and self.count(*others) == 0

    def merge(self, other: Complaints, short: Callable[[bytes], bytes]) -> None:
        """Add what another run said, with each name as `short` makes it."""
        for kind, names in other.names.items():
            for name in names:
                self._keep(kind, short(name))
        for kind, number in other.overflow.items():
            self.overflow[kind] = max(self.overflow.get(kind, 0), number)

    def _take(self, line: bytes) -> None:
        if not line:
            return
        self.lines += 1
        if self.lines > MOST_LINES:
            raise bounded.too_large("what rsync complains of")
        complaint = understand(line)
        self.discarded += complaint.kind in _FAILED_COPIES or _DISCARDED.match(line) is not None
        if complaint.kind is Kind.REMARK:
            return
        self._keep(complaint.kind, complaint.name or line)

    def _keep(self, kind: Kind, name: bytes) -> None:
        names = self.names.setdefault(kind, set())
        if name in names:
            return
        if len(names) < NAMES_KEPT and self.room > 0:
            names.add(name)
            self.room -= len(name)
        else:
            self.overflow[kind] = self.overflow.get(kind, 0) + 1
