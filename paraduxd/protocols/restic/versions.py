"""The versions of one destination in an opened repository: listed, counted, marked, read back, removed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import restic

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.listings import Entry
from paraduxd.core.runs.orders import Progress
from paraduxd.core.runs.retention import in_order
from paraduxd.effects.files import bounded
from paraduxd.effects.process import memory_limits as tool_memory
from paraduxd.protocols.base import Context, Other, Version
from paraduxd.protocols.restic import failures, output, snapshots
from paraduxd.protocols.restic import local_state as memory
from paraduxd.protocols.restic.repository import Repository
from paraduxd.protocols.restic.snapshots import Listed

_log = logging.getLogger(__name__)


TRIAL = "paradux-trial"
"""Tag, host and file of a snapshot that is there to be removed."""

MOST_OTHERS = 1000
"""Snapshots of others that are told."""

LONG_AGO = "1980-01-01 00:00:00"
"""Its time: `restic restore latest` must never mean this one."""


@dataclass(frozen=True)
class Versions:
    """Those of the destination that `context` describes."""

    repository: Repository
    context: Context

    def listed(self, now: str, known: Sequence[Version] = (), *, changing: bool = False) -> Listed:
        """What is there now; `known` as the journal has it. Raises `ParaduxError` "no-repository".

        `changing`: something is going to be written or removed, so that a machine that was replaced must stop ("superseded").
        """
        told: list[object] = self.repository.library(restic.snapshots) or []
        found = [each for each in told if isinstance(each, dict)]
        mine = snapshots.ours(snapshots.parse(found), self.context, {version.id for version in known})
        if changing:
            snapshots.stop_if_superseded(mine, self.context.identity, self.repository.where)
        versions = memory.read(self.context).told((each.version for each in mine), known)
        return Listed(
            in_order(versions, now),
            tuple(output.short(str(each.get("id", ""))) for each in found),
            tuple(each.version.id for each in mine if self.context.identity and not each.place),
        )

    def others(self) -> tuple[Other, ...]:
        """The newest snapshots that are not of this place, oldest first."""
        told: list[object] = self.repository.library(restic.snapshots) or []
        found = [each for each in told if isinstance(each, dict) and each.get("hostname") != TRIAL]
        mine = {each.version.id for each in snapshots.ours(snapshots.parse(found), self.context, ())}
        others = [other for other in map(snapshots.other, found) if other.id not in mine]
        return tuple(sorted(others, key=lambda other: other.time)[-MOST_OTHERS:])

    def trials(self) -> tuple[str, ...]:
        """The ids of the snapshots that are there to be removed."""
        told: list[object] = self.repository.library(restic.snapshots, tags=[TRIAL]) or []
        found = [each for each in told if isinstance(each, dict) and each.get("hostname") == TRIAL]
        return tuple(output.short(str(each.get("id", ""))) for each in found)

    def counted(self, version: Version, paths: Sequence[str] = ()) -> output.Listing:
        """What a version, or some paths in it, hold; raises `ParaduxError` "not-found" for one that is not there."""
        listing = output.Listing(paths)
        self.repository.run("ls", version.id, on_line=lambda line: listing.take(output.parsed(line)))
        missing = listing.missing()
        if missing is None and listing.version_found:
            return listing
        what = f"{missing!r} in the version {version.id}" if listing.version_found else f"version {version.id}"
        text = f"there is no {what} in {self.repository.where}"
        raise ParaduxError("not-found", text, "see: paraductl versions DATASET")

    def entries(self, version: Version) -> list[Entry]:
        """Everything in a version; raises `ParaduxError` "not-found" for one that is not there."""
        found, listing = list[Entry](), output.Listing(())

        def take(line: str) -> None:
            message = output.parsed(line)
            listing.take(message)
            if entry := output.entry(message):
                found.append(entry)
                if len(found) > tool_memory.most_names():
                    raise bounded.too_large("the list of the files of a version")

        self.repository.run("ls", version.id, on_line=take)
        if not listing.version_found:
            text = f"there is no version {version.id} in {self.repository.where}"
            raise ParaduxError("not-found", text, "see: paraductl versions DATASET")
        return found

    def mark(self, version: Version, tagged: int, listed: Listed) -> tuple[Version, Listed]:
        """Tag a new version with what is missing in it, in place of the count that it was tagged with.

        That makes another snapshot of it. Where it fails, the journal of this machine knows, and nobody else.
        """
        try:
            tags = [f"--remove={tag}" for tag in snapshots.missing_tags(tagged)]
            tags += [f"--add={tag}" for tag in snapshots.missing_tags(version.missing)]
            self.repository.run("tag", *tags, version.id)
        except ParaduxError as problem:
            _log.warning("The version %s is not marked: %s", version.id, problem.message)
        there = self.listed(version.time, listed.versions)
        found = next((each for each in there.versions if each.number == version.number), version)
        marked = replace(version, id=found.id)
        others = tuple(each for each in there.versions if each.id != marked.id)
        return marked, replace(there, versions=(*others, marked))

    def read_back(self, version: Version) -> None:
        """Read every byte of a version from where it lies; raises `ParaduxError` "damaged" when one is not what was pushed.

        `dump` reads what belongs to the version, and no lock keeps others out meanwhile; `check --read-data`, as fast, reads all of a
        repository that may be shared. A zip file can hold every name and attribute, a tar file cannot.
        """
        got = 0

        def count(size: int) -> None:
            nonlocal got
            got += size
            self.context.progress(Progress(bytes=got))

        try:
            self.repository.uncached().run("dump", "--archive=zip", version.id, "/", on_piece=count)
        except ParaduxError as problem:
            if problem.code != "damaged":
                raise
            raise failures.not_read_back(problem, version.id) from None

    def remove(self, ids: Iterable[str]) -> None:
        """Forget versions; raises `ParaduxError` "append-only" where that is refused, which 0.18 does not call a failure."""
        try:
            ran = self.repository.run("forget", *sorted(ids))
            refused = any("unable to remove" in line for line in ran.errors)
        except ParaduxError as problem:
            if problem.code not in {"permission-denied", "unusable-repository"}:
                raise
            refused = True
        if refused:
            text = f"{self.repository.where} does not let versions be removed, so all of them stay"
            raise ParaduxError("append-only", text, "allow it there, or take keep out of this destination")


def ids(versions: Iterable[Version]) -> Collection[str]:
    """Their ids."""
    return {version.id for version in versions}
