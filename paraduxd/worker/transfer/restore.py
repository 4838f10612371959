"""Restoring: choose a version, write it into a directory that holds nothing else or into the source, say how old it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import RestoreOptions
from paraduxd.api.replies.listings import FILE, Change, Entry, Page
from paraduxd.api.replies.results import RestoredVersion
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import directories
from paraduxd.protocols.base import Destination, RestoreResult, Version
from paraduxd.protocols.trees import destination as trees
from paraduxd.worker.browse import listing_pages
from paraduxd.worker.browse.choosing import choose, named
from paraduxd.worker.transfer import in_place, selecting, staged_data, target

_SHORTEST_ID = 8
"""Digits of what may be an id and no number."""


@dataclass(frozen=True)
class _Arguments:
    """What a restore is told besides what to read. `uid`: who asks; `mounts`: where disks were mounted in the source."""

    to: str
    at: str | None = None
    uid: int = 0
    options: RestoreOptions | None = None
    mounts: tuple[str, ...] | None = None

    @classmethod
    def of(cls, order: Order) -> _Arguments:
        return from_json_value(cls, order.arguments)


@dataclass(frozen=True)
class Restored(RestoredVersion):
    """With the first of what was written or kept, for who asked; `None` where nobody wants to see it."""

    page: Page | None = None


def restore(order: Order, destination: Destination | None) -> Restored:
    """Restore from a destination, or from staging when `destination` is `None`."""
    arguments = _Arguments.of(order)
    options = arguments.options or RestoreOptions()
    copy = _Copy.chosen(order, destination, arguments.at, options)
    if options.in_place:
        return _in_place(arguments, copy, options)
    if options.dry_run:
        return _would_write(copy)
    place = [order.location, copy.version.id] if destination else ["staging"]
    what = [order.dataset, *place, *copy.paths, *options.owners]
    uids = directories.trusted(arguments.uid)
    with target.prepared(Path(arguments.to), what, uids, whole=not copy.paths) as data:
        result = copy.write(data, copy.paths)
        in_place.give_to(data, options.owners)
        return _of(result.version, result.files, result.bytes)


class _Copy:
    """A version at a destination, or what staging holds, and the paths of it that were asked for (none: all)."""

    def __init__(self, order: Order, destination: Destination | None, version: Version, paths: Sequence[str]) -> None:
        self.version = version
        self.paths = list(paths)
        self._order = order
        self._destination = destination

    @classmethod
    def chosen(cls, order: Order, destination: Destination | None, at: str | None, options: RestoreOptions) -> _Copy:
        """What the order asks for. Raises `ParaduxError` "no-version" and "not-found"."""
        if destination is None:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            paths = selecting.of_staging(order, staged_data.to_read(order))
            return cls(order, None, Version("staging", now), paths)
        versions = destination.versions()
        if (other := _other(destination, versions, options.version)) is not None:
            if options.in_place:
                raise ParaduxError(
                    "bad-request",
                    "what is not a version of Paradux has paths of its own, and does not go back into the source",
                    "restore into a folder with --to",
                )
            return cls(order, destination, other, selecting.of_other(order))
        version = choose(versions, at, options.version)
        return cls(order, destination, version, selecting.of_version(order, destination, version))

    def write(self, to: Path, paths: Sequence[str]) -> RestoreResult:
        """Write these paths into an existing directory."""
        if self._destination is None:
            return trees.restore_staging(staged_data.to_read(self._order), to, paths)
        return self._destination.restore(self.version, to, paths)

    def entries(self) -> list[Entry]:
        """What was asked for."""
        if self._destination is None:
            return selecting.entries_of_staging(staged_data.to_read(self._order), self.paths)
        return selecting.entries_of_version(self._order, self._destination, self.version, self.paths)


def _other(destination: Destination, versions: Sequence[Version], name: str | None) -> Version | None:
    """The version of this name that is not of the dataset, where the place has it."""
    if name is None or (name.isdigit() and len(name) < _SHORTEST_ID) or any(each.id == name for each in versions):
        return None
    found = next((each for each in destination.others() if each.id == name), None)
    return Version(found.id, found.time, found.files, found.bytes) if found else None


def _would_write(copy: _Copy) -> Restored:
    changes = [Change("written", entry.path, entry.kind, entry.size) for entry in copy.entries()]
    files = [change for change in changes if change.kind == FILE]
    would = _of(copy.version, len(files), sum(change.size or 0 for change in files))
    return replace(would, dry_run=True, page=_page(copy, changes))


def _in_place(arguments: _Arguments, copy: _Copy, options: RestoreOptions) -> Restored:
    entries = copy.entries()
    path = in_place.folder_of(Path(arguments.to), entries)
    with in_place.opened(path, arguments.uid) as source:
        plan = in_place.planned(source, entries, newer=options.newer)
        in_place.written_to_disks(plan, path, arguments.mounts or ())
        if not options.dry_run and plan.written:
            with in_place.work(source) as (work, data):
                copy.write(work, in_place.chosen(plan, copy.paths))
                in_place.give_to(work, options.owners)
                plan = in_place.place(plan, data, source)
    kept = sum(change.change == "kept" for change in plan.changes)
    restored = _of(copy.version, *in_place.counted(plan))
    return replace(restored, kept=kept, in_place=True, dry_run=options.dry_run, page=_page(copy, plan.changes))


def _page(copy: _Copy, changes: Sequence[Change]) -> Page:
    """The first of the changes, those that are kept before the others: nobody must overlook them."""
    ordered = sorted(changes, key=lambda change: (change.change != "kept", change.path))
    shown, following = listing_pages.part(ordered, 0, lambda change: change.path)
    return Page("restore", len(changes), following, named(copy.version), changes=tuple(shown))


def _of(version: Version, files: int | None, size: int | None) -> Restored:
    return Restored(version.id, version.time, files, size, version.number)
