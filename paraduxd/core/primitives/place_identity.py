"""What a place is, whatever it is called: every dataset, source, staging, destination and metadata stash has a random uid.

Keys, facts of the journal and local state go by uid; ids are names for people. `assign` decides, at each save, which uid stays with which
entry of the new config. Rules, in this order:

1. An entry that says `"was": "ID"` is the entry that had this id; one that says `"was": "-"` is a new place.
2. An entry with the id of an old one, at the same address, is that one.
3. object other entry at the address of exactly one old entry that is left over is that one, renamed. More than one of either cannot be told
   apart and is refused.
4. Everything else is a new place, also under an old id: an old id at another address is another place.

A dataset is the same as long as its id is; its source, staging and destinations are places of their own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace

from paraduxd.api.frozen import dataclass

NOTHING = "-"
"""As `was`: nothing that was there before."""

PlaceKey = tuple[str, str]
"""(dataset, location); the dataset of a metadata stash is "", the location of a dataset itself."""


@dataclass(frozen=True)
class Entry:
    """One place as a config describes it. `address`: where it is, without secrets; `content`: all that decides how to reach and read it,
    secrets included; `was` as the owner wrote it."""

    id: str
    address: str
    content: str = field(default="", repr=False)
    was: str | None = None


@dataclass(frozen=True)
class Match:
    """What becomes of the ids of one list: new id -> old id (`None`: a new place), the old ids that are gone, and the new ids whose old
    place cannot be told (each with the old ids that it may be)."""

    same: Mapping[str, str | None]
    gone: tuple[str, ...] = ()
    unclear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def renamed(self) -> dict[str, str]:
        """Old id -> new id, where they differ."""
        return {old: new for new, old in self.same.items() if old is not None and old != new}


def legacy_uid(dataset: str, location: str) -> str:
    """The uid of a place that version 0.1.0 knew by its name: 32 hex digits."""
    return hashlib.sha256(f"paradux-place/0.1.0\0{dataset}\0{location}".encode()).hexdigest()[:32]


def place_name(dataset: str, location: str) -> str:
    """What a place is called in `managed.places`: "photos/cloud", "photos/source", "photos/" (the dataset), "/friend" (a stash)."""
    return f"{dataset}/{location}"


def match(old: Iterable[Entry], new: Iterable[Entry], *, keeps_id: bool = False) -> Match:
    """Which new entry is which old one.

    `keeps_id`: an entry of the same id is the same whatever its address (datasets).
    """
    before, after = {entry.id: entry for entry in old}, {entry.id: entry for entry in new}
    same: dict[str, str | None] = {}
    for entry in after.values():
        if entry.was == NOTHING:
            same[entry.id] = None
        elif entry.was is not None and entry.was in before:
            same[entry.id] = entry.was
    said = {name for name in same.values() if name is not None}
    for entry in after.values():
        known = before.get(entry.id)
        if entry.id in same or known is None or known.id in said:
            continue
        if keeps_id or known.address == entry.address:
            same[entry.id] = known.id
    taken = {name for name in same.values() if name is not None}
    gone = [entry for entry in before.values() if entry.id not in taken]
    unclear = _match_by_address(gone, [entry for entry in after.values() if entry.id not in same], same)
    taken = {name for name in same.values() if name is not None}
    return Match(same, tuple(name for name in before if name not in taken), unclear)


def _match_by_address(
    gone: Iterable[Entry], fresh: Iterable[Entry], same: dict[str, str | None]
) -> dict[str, tuple[str, ...]]:
    """Renames among ids that went and ids that came; gives those that cannot be told apart."""
    left: dict[str, list[str]] = {}
    for entry in gone:
        left.setdefault(entry.address, []).append(entry.id)
    came = Counter(entry.address for entry in fresh)
    unclear: dict[str, tuple[str, ...]] = {}
    for entry in fresh:
        candidates = left.get(entry.address, [])
        if len(candidates) > 1 or (candidates and came[entry.address] > 1):
            unclear[entry.id] = tuple(candidates)
        else:
            same[entry.id] = candidates[0] if candidates else None
    return unclear


@dataclass(frozen=True)
class Assigned:
    """The uid of a place, since which serial it is as it is, and what version 0.1.0 called it ("": it did not know it)."""

    uid: str
    since: int
    formerly: str = ""


@dataclass(frozen=True)
class Known:
    """The places of the config that is being replaced, by `place_name`: what it said of them, and what they are."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    places: Mapping[str, Assigned] = field(default_factory=dict)


def assign(
    known: Known, new: Mapping[str, Entry], same: Mapping[str, str | None], serial: int, fresh: Callable[[], str]
) -> dict[str, Assigned]:
    """Uid and `since` of every place of the new config, by `place_name`.

    `same`: new place name -> old place name; `serial`: of the config that is being saved; `fresh` gives a new uid.
    """
    assigned = {}
    for name, entry in new.items():
        before = same.get(name)
        if before is None or before not in known.places:
            assigned[name] = Assigned(fresh(), serial)
        else:
            unchanged = before in known.entries and known.entries[before].content == entry.content
            assigned[name] = known.places[before] if unchanged else replace(known.places[before], since=serial)
    return assigned
