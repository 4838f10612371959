"""One push to a tree store: hard links to the newest version, what is new read back, the manifest last, then what may go.

Files that are known to be rotten in the newest version are written anew. A version without checksums (of 0.1.0) is
linked to only where rsync has compared the contents.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs import retention
from paraduxd.effects.files import read_back
from paraduxd.effects.process import run as process
from paraduxd.effects.tools import rsync, rsync_files
from paraduxd.effects.tools.rsync_complaints import Kind
from paraduxd.protocols.base import Context, PushRequest, PushResult, TransientError, Version
from paraduxd.protocols.marking import place_marker
from paraduxd.protocols.marking.place_marker import Marker
from paraduxd.protocols.trees import checksums, layout, local_root, owner, read, remove
from paraduxd.protocols.trees.checksums import Sums
from paraduxd.protocols.trees.layout import Record, State

_MAX_BASES = 10
"""rsync takes at most 20 `--link-dest`."""

_TICK = 1_000_000_000
"""Nanoseconds by which times of files may lag behind the clock."""

_UNREAD = (Kind.UNREAD, Kind.CLOSED)

_MOST_TOLD = 100
"""Names of what is missing."""


@dataclass(frozen=True)
class Basis:
    """What a push links to: the newest version with its checksums (`None`: not known) and what is rotten in it, and what interrupted
    pushes left."""

    newest: Record | None
    sums: Sums | None
    rotten: tuple[str, ...]
    unfinished: tuple[str, ...]

    def options(self, root: rsync.Place) -> tuple[str, ...]:
        """What rsync is told. rrsync refuses `..`, and takes absolute paths as below its directory."""
        restricted = root.access is not None and root.access.found.restricted
        above = f"/{root.path}/versions" if restricted else ".."
        links = [*([self.newest.version.id] if self.newest else []), *self.unfinished[-_MAX_BASES:]]
        compare = ("--checksum",) if self.newest and self.sums is None else ()
        return (*compare, *(f"--link-dest={above}/{name}" for name in links))


@dataclass
class Push:
    """One push. `root`: the place, open as long as it lasts."""

    root: rsync.Place
    staging: Path
    request: PushRequest
    context: Context
    _report: rsync_files.Report = field(default_factory=rsync_files.Report)
    _closed: list[bytes] = field(default_factory=list)
    _began: int = field(default_factory=lambda: time.time_ns() - _TICK)

    def run(self) -> PushResult:
        """See `Destination.push`."""
        local_root.check(self.root, self.context)
        state, marker = self._ours()
        if not (state.newest and state.newest.closed):
            local_root.close(self.root)
        basis = self._basis(state)
        name = layout.new_id(self.request.now, {*state.unfinished, *state.unclear, *state.records})
        ran = self._transfer(basis, name, state)
        stats = ran.stats if ran.code == 0 else self._counted(name)
        number = _next_number(state, marker, self.request.known_versions)
        version = Version(name, self.request.now, stats.files, stats.bytes, number)
        sums = self._read_back(basis, ran, version)
        unread = self._unread(ran)
        missing = max(self.request.unread_count, ran.said.count(*_UNREAD), len(unread))
        version, unread = replace(version, missing=missing), unread[:_MOST_TOLD]
        self._declare(version, unread, sums)
        versions = retention.in_order((*state.versions, version), self.request.now)
        if self.root.access is None:
            point_current_at(Path(self.root.path), versions[-1])
        marked = self.context.identity is not None
        done = PushResult(version, versions, ran.stats.transferred_bytes, unread=unread, marked=marked)
        return remove.tidied(self.root, self.request, state.unfinished, done)

    def _ours(self) -> tuple[State, Marker | None]:
        """What is at the place, which is made and marked where it is new; raises when it is not ours."""
        state, marker = self._look()
        identity = self.context.identity
        if state is None or not state.versions or (identity and marker is None):
            layout.create(self.root, place_marker.render(identity, 0) if identity else None)
            state, marker = self._look() if identity else (state, None)
            if identity and marker is None:
                raise ParaduxError(
                    "unusable-directory",
                    f"{place_marker.NAME} cannot be written at {self.root.name}",
                    "see what is in its place there",
                )
        elif identity and marker and (marker.instance, marker.generation) != (identity.instance, identity.generation):
            layout.mark(self.root, place_marker.render(identity, marker.newest))
        return state or State(), marker

    def _look(self) -> tuple[State | None, Marker | None]:
        if self.root.access is None:
            layout.check_no_links(Path(self.root.path))
        state = layout.read(self.root, self.request.now)
        return state, owner.check_for_push(state, self.context, self.request.known_versions, self.root.name)

    def _basis(self, state: State) -> Basis:
        newest = state.newest
        if newest is None or newest.version.id in state.rotten.whole:
            return Basis(None, None, (), () if newest else state.unfinished)
        known = newest.algorithm == read.algorithm(self.root)
        sums = layout.sums_of(self.root, newest) if known else None
        return Basis(newest, sums, state.rotten.names.get(newest.version.id, ()), state.unfinished)

    def _transfer(self, basis: Basis, name: str, state: State) -> rsync.Ran:
        source, target = rsync.Place(str(self.staging), str(self.staging)), self._tree(name)
        ran = self._copy_all(source, target, basis.options(self.root))
        if ran.missing():
            raise ParaduxError(
                "no-staging", f"the staging directory {self.staging} is missing", "pull the dataset first"
            )
        try:
            self._check(ran)
            self._copy_anew(source, target, basis.rotten)
            return ran
        except TransientError as problem:
            if problem.code != "disk-full":
                raise
            with rsync.exclusions(self.request.omitted.rules) as rules:
                missing = rsync.run(source, target, (*basis.options(self.root), "--dry-run"), given=rules)
            with contextlib.suppress(ParaduxError):
                layout.remove(self.root, (*state.unfinished, name))
            raise remove.full(problem, missing, state.versions, self.request, self.context) from None

    def _check(self, ran: rsync.Ran) -> None:
        """What staging does not give is missing in the version, and said; nothing at all is a failure."""
        if not (ran.code == 23 and ran.stats.files and ran.said.only(Kind.UNSTORED, *_UNREAD)):
            rsync.check(ran, self.root.name)

    def _unread(self, ran: rsync.Ran) -> tuple[str, ...]:
        """Names of what is missing, as the last pull and this push have found out."""
        names = (os.fsdecode(name).removeprefix(f"{self.staging}/") for name in ran.said.of(*_UNREAD))
        closed = (os.fsdecode(path) for path in self._closed)
        return tuple(dict.fromkeys((*self.request.unread, *map(checksums.shown, (*names, *closed)))))

    def _counted(self, name: str) -> rsync.Stats:
        """What really came: rsync counts also what vanished and what could not be read."""
        ran = read.count(self._tree(name))
        return ran.stats if ran.code == 23 else rsync.check(ran, self.root.name).stats

    def _tree(self, name: str) -> rsync.Place:
        return self.root.below(f"versions/{name}")

    def _copy(
        self,
        source: rsync.Place,
        target: rsync.Place,
        options: Sequence[str],
        given: rsync.Listed = rsync.NOTHING_LISTED,
    ) -> rsync.Ran:
        """A run that reports on every file."""
        report = ("-ii", rsync_files.FORMAT, *((rsync_files.MD5,) if self.root.access else ()))
        return rsync.run(
            source,
            target,
            (*options, *report),
            given=given,
            on_progress=self.context.progress,
            on_output=self._report.add,
        )

    def _copy_all(self, source: rsync.Place, target: rsync.Place, options: Sequence[str]) -> rsync.Ran:
        """All but what is left out."""
        with rsync.exclusions(self.request.omitted.rules) as rules:
            return self._copy(source, target, options, rules)

    def _copy_anew(self, source: rsync.Place, target: rsync.Place, rotten: Sequence[str]) -> None:
        """Write what is rotten in the newest version, and was linked to it, as files of their own."""
        paths = [path for path in map(os.fsencode, rotten) if not self.request.omitted.has(path)]
        if paths:
            with rsync_files.these(paths) as given:
                ran = self._copy(source, target, ("--ignore-times", "--ignore-missing-args"), given)
            rsync.check(ran, self.root.name)

    def _read_back(self, basis: Basis, ran: rsync.Ran, version: Version) -> Sums:
        """The checksums of the new version: of what is linked those of the newest one, of all else as it is read back now."""
        before = basis.sums if basis.sums is not None and not basis.unfinished else {}
        linked = {path for path, sent in self._report.files.items() if sent is None and path in before}
        fresh = {path: sent or "" for path, sent in self._report.files.items() if path not in linked}
        reader = read.Reader(self.root)
        if self.root.access is None:
            process.run(["sync", "--file-system", "--", self.root.path], timeout=3600)
        found = reader.read(version.id, fresh)
        if self.root.access is not None:  # whoever logs in there may not read every file of his own
            self._closed = [path for path, digest in found.items() if digest == read.UNREADABLE]
            found = {path: digest for path, digest in found.items() if digest}
            fresh = {path: sent for path, sent in fresh.items() if path not in self._closed}
        if wrong := self._wrong(version, found, fresh, vanished=ran.code != 0):
            with contextlib.suppress(ParaduxError):
                layout.remove(self.root, (version.id,))
            raise _not_what_was_sent(self.root, wrong)
        sums = {**{path: before[path] for path in linked}, **found}
        return sums if len(sums) + len(self._closed) == version.files else self._read_all(reader, version)

    def _read_all(self, reader: read.Reader, version: Version) -> Sums:
        """Of a version of which rsync did not tell every file."""
        return {path: digest for path, digest in reader.read(version.id).items() if digest}

    def _wrong(self, version: Version, found: Sums, fresh: dict[bytes, str], *, vanished: bool) -> list[bytes]:
        """What cannot be read back, or is not what was sent; of what had `vanished`, or could not be read, nothing is there."""
        missing = [] if vanished else [path for path in fresh if path not in found]
        if self.root.access is not None:
            return missing + [path for path, digest in found.items() if fresh[path] not in ("", digest)]
        folder, staging = (os.fsencode(f"{tree}/") for tree in (self._tree(version.id).path, self.staging))
        pairs = ((path, folder + path, staging + path) for path in found)
        return missing + [path for path, copy, original in pairs if not self._is_same(copy, original, found[path])]

    def _is_same(self, copy: bytes, original: bytes, digest: str) -> bool:
        """Whether the copy is what lies in staging; where that was touched since the push began, nothing can be said against it."""
        if not digest:
            return False
        try:
            before, copied = os.lstat(original), os.lstat(copy)
            if before.st_ctime_ns >= self._began or before.st_size != copied.st_size:
                return True
            return (
                read_back.sha256_of(original, from_disk=False) == digest
                or os.lstat(original).st_ctime_ns != before.st_ctime_ns
            )
        except OSError:
            return True

    def _declare(self, version: Version, unread: tuple[str, ...], sums: Sums) -> None:
        identity, data = self.context.identity, checksums.render(sums)
        record = Record(
            version,
            self.context.dataset,
            *((identity.place, identity.owner, identity.instance) if identity else ("", "", "")),
            read.algorithm(self.root),
            checksums.digest_of(data),
            unread,
            closed=True,
        )
        marker = place_marker.render(identity, version.number or 0) if identity else None
        layout.declare(self.root, record, data, marker)


def _next_number(state: State, marker: Marker | None, known: Collection[Version]) -> int:
    return max(retention.next_number((*state.versions, *known)), (marker.newest if marker else 0) + 1)


def _not_what_was_sent(root: rsync.Place, wrong: Sequence[bytes]) -> ParaduxError:
    names = ", ".join(repr(os.fsdecode(path)) for path in sorted(wrong)[:3])
    return ParaduxError(
        "unreliable-disk",
        f"what was read back from {root.name} is not what was written ({len(wrong)} files, {names}), so it is no version",
        "check that disk and its cable; the earlier versions are as they were",
    )


def point_current_at(root: Path, version: Version) -> None:
    """Renew the symbolic link `current`, unless something else has that name; a file system without such links does without."""
    link, new = root / "current", root / ".paradux-current"
    with contextlib.suppress(OSError):
        if os.path.lexists(link) and not (link.is_symlink() and str(link.readlink()).startswith("versions/")):
            return
        new.unlink(missing_ok=True)
        new.symlink_to(f"versions/{version.id}")
        new.replace(link)
