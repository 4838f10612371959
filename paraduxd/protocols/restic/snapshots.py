"""Whose a snapshot is, and what it is as a version: its tags, written and read. Pure.

A repository is authenticated by its password: whoever could tag a snapshot can also remove it, so that tags are believed. Snapshots of
version 0.1.0 have the first two tags only. Format: `docs/reference/formats.md`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import quoting
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.protocols.base import Context, Identity, Other, Version
from paraduxd.protocols.marking import place_marker
from paraduxd.protocols.restic.output import count, rfc3339, short

MARK = "paradux"
"""Host and first tag of every snapshot that is a version."""

_LONGEST_TAG = 200
"""Characters; names and ids are shorter."""

_LONGEST_ORIGIN = 120
"""Characters."""

_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that claims to be a version of some Paradux; what no tag says is "", 0 or `None`.

    `original`: the snapshot that it replaces, only tagged in another way.
    """

    version: Version
    dataset: str = ""
    location: str = ""
    owner: str = ""
    place: str = ""
    instance: str = ""
    generation: int = 0
    original: str = ""


@dataclass(frozen=True)
class Listed:
    """What is there: `versions` of this destination, oldest first; `seen`: the ids of all snapshots, other people's included.

    `unmarked`: versions of 0.1.0, whose place can only be told by name.
    """

    versions: tuple[Version, ...] = ()
    seen: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()

    def without(self, gone: Collection[str]) -> Listed:
        """After these were removed."""
        versions = tuple(version for version in self.versions if version.id not in gone)
        return replace(self, versions=versions, seen=tuple(each for each in self.seen if each not in gone))

    def plus(self, version: Version) -> Listed:
        """After this one, the newest, was made."""
        return replace(self, versions=(*self.versions, version), seen=(*self.seen, version.id))


def tags_for(context: Context, number: int, missing: int) -> tuple[str, ...]:
    """The tags of a new version. Names are for people, and for finding what 0.1.0 has left."""
    tags = [MARK, f"dataset:{context.dataset}", f"location:{context.location}", f"number:{number}"]
    if identity := context.identity:
        tags += [f"owner:{identity.owner}", f"place:{identity.place}"]
        tags += [f"instance:{identity.instance}.{identity.generation}"]
    return (*tags, *missing_tags(missing))


def missing_tags(missing: int) -> tuple[str, ...]:
    """What marks a version in which so many things are missing."""
    return (f"missing:{missing}",) if missing else ()


def parse(listed: Iterable[dict[str, object]]) -> tuple[Snapshot, ...]:
    """Those in the list of `restic snapshots --json` that are versions; where one replaces another that could not be removed, that one."""
    found = [_snapshot(each) for each in listed if _is_version(each)]
    replaced = {snapshot.original for snapshot in found if snapshot.original}
    return tuple(snapshot for snapshot in found if snapshot.version.id not in replaced)


def _is_version(listed: dict[str, object]) -> bool:
    return listed.get("hostname") == MARK and MARK in _tags(listed)


def _tags(listed: dict[str, object]) -> list[object]:
    tags = listed.get("tags")
    return tags if isinstance(tags, list) else []


def _snapshot(listed: dict[str, object]) -> Snapshot:
    said: dict[str, str] = {}
    for tag in _tags(listed):
        name, _, value = str(tag).partition(":")
        said.setdefault(name, value[:_LONGEST_TAG])
    summary = listed.get("summary")
    told = summary if isinstance(summary, dict) else {}
    instance, _, generation = said.get("instance", "").partition(".")
    version = Version(
        short(str(listed.get("id", ""))),
        rfc3339(str(listed.get("time", ""))),
        count(told.get("total_files_processed")),
        count(told.get("total_bytes_processed")),
        _whole(said.get("number", "")) or None,
        _whole(said.get("missing", "")),
    )
    return Snapshot(
        version,
        dataset=said.get("dataset", ""),
        location=said.get("location", ""),
        owner=said.get("owner", ""),
        place=said.get("place", ""),
        instance=instance,
        generation=_whole(generation),
        original=short(str(listed.get("original") or "")),
    )


def other(listed: dict[str, object]) -> Other:
    """Any snapshot, with where it comes from: host, paths and tags."""
    snapshot = _snapshot(listed)
    version, paths = snapshot.version, listed.get("paths")
    if _is_version(listed):
        origin = quoting.one_line(f"another Paradux: {snapshot.dataset}/{snapshot.location}", _LONGEST_ORIGIN)
        return Other(version.id, version.time, version.files, version.bytes, origin)
    words = [f"{listed.get('hostname', '')}:", *map(str, paths if isinstance(paths, list) else ())]
    origin = quoting.one_line(" ".join([*words, *(f"[{tag}]" for tag in _tags(listed))]), _LONGEST_ORIGIN)
    return Other(version.id, version.time, version.files, version.bytes, origin)


def _whole(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def ours(snapshots: Sequence[Snapshot], context: Context, known: Collection[str]) -> tuple[Snapshot, ...]:
    """The versions of this destination; `known`: ids that this machine's own journal has for it.

    Without an identity (somebody only asks what there is) those of the dataset's name.
    """
    identity = context.identity
    if identity is None:
        return tuple(each for each in snapshots if each.dataset == context.dataset)
    names = _names_in_0_1_0(snapshots, context.location, identity)
    return tuple(each for each in snapshots if _is_ours(each, identity, names, known))


def _is_ours(snapshot: Snapshot, identity: Identity, names: Collection[str], known: Collection[str]) -> bool:
    if snapshot.place:
        return (snapshot.owner, snapshot.place) == (identity.owner, identity.place)
    return snapshot.dataset in names or snapshot.version.id in known


def _names_in_0_1_0(snapshots: Sequence[Snapshot], location: str, identity: Identity) -> set[str]:
    """As which datasets 0.1.0 can have tagged what it pushed to this place.

    The uid of such a place is a hash of the names that it had then, whatever it is called today. All names that it can have had stand in
    tags of this repository; only the destination's, until its first push by a later version, is taken to be the present one.
    """
    if identity.formerly:
        return {identity.formerly.partition("/")[0]}
    locations = {location, *(each.location for each in snapshots if each.place == identity.place)}
    datasets = {each.dataset for each in snapshots}
    return {name for name in datasets for other in locations if legacy_uid(name, other) == identity.place}


def stop_if_superseded(snapshots: Iterable[Snapshot], identity: Identity | None, where: str) -> None:
    """Raise `ParaduxError` "superseded" when a later machine of this owner has pushed here, or one that is as late has pushed last.

    Of two as late, the one that pushes first thus goes on, and never do both stop. `snapshots` are those of this place.
    """
    marked = [each for each in snapshots if each.place and each.instance]
    if identity is None or not marked:
        return
    last = max(marked, key=lambda each: (each.generation, each.version.number or 0))
    if last.generation >= identity.generation and last.instance != identity.instance:
        raise place_marker.superseded(where, last.generation, last.version.time)
