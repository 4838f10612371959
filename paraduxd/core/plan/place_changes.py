"""What becomes of the places of a config when it is edited: which stay, which are new, which are gone.

What a place is stands in `core/primitives/place_identity.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from paraduxd.api.calls import JsonObject
from paraduxd.core.config.addresses import address
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.diagnostics import Diagnostic, Path, suggestion
from paraduxd.core.config.managed import DataKey, Place
from paraduxd.core.config.models import Config, Dataset, Destination, MetadataStash, Stash
from paraduxd.core.plan.data_keys import data_key
from paraduxd.core.primitives.place_identity import NOTHING, Assigned, Entry, Known, Match, assign, match, place_name

SOURCE, STAGING = "source", "staging"

Named = TypeVar("Named", Dataset, Destination, MetadataStash)


@dataclass(frozen=True)
class Changes:
    """`same`: new place name -> old place name, `None` for a new place. `renamed`: of these the pairs (old, new) of datasets,
    destinations and stashes. `moved`: places under an old id that are new ones. `findings`: what cannot be told apart, as errors."""

    same: Mapping[str, str | None]
    renamed: tuple[tuple[str, str], ...] = ()
    moved: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


@dataclass
class _Found:
    """What is being found out, part by part."""

    same: dict[str, str | None] = field(default_factory=dict)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)


def changes(old: Config, new: Config, capabilities: ProtocolCapabilities) -> Changes:
    """What the new config makes of the places of the old one."""
    found = _Found()
    stashes = match(
        [_entry(stash, capabilities, stash.id) for stash in old.metadata_stashes],
        [_entry(stash, capabilities, stash.id, stash.was) for stash in new.metadata_stashes],
    )
    known = tuple(stash.id for stash in old.metadata_stashes)
    given = {each.id: each.was for each in new.metadata_stashes}
    _take(found, _List(stashes, "", "", given, known, ("metadata_stashes",)))
    datasets = match(
        [_dataset_entry(dataset, capabilities) for dataset in old.datasets],
        [_dataset_entry(dataset, capabilities) for dataset in new.datasets],
        keeps_id=True,
    )
    before = {dataset.id: dataset for dataset in old.datasets}
    for index, dataset in enumerate(new.datasets):
        _take_dataset(found, _Pair(datasets, before, dataset, ("datasets", index)), capabilities)
    return Changes(found.same, tuple(found.renamed), tuple(found.moved), tuple(found.findings))


@dataclass(frozen=True)
class _Pair:
    """A dataset of the new config, where it stands, those of the old one by id, and which is which."""

    matched: Match
    before: Mapping[str, Dataset]
    dataset: Dataset
    path: Path


def _take_dataset(found: _Found, pair: _Pair, capabilities: ProtocolCapabilities) -> None:
    """Take in what became of one dataset of the new config, and of its places."""
    dataset, path = pair.dataset, pair.path
    found.findings += _unclear(pair.matched, dataset.id, dataset.was, pair.before, path)
    previous = pair.before.get(pair.matched.same.get(dataset.id) or "")
    found.same[place_name(dataset.id, "")] = place_name(previous.id, "") if previous else None
    if previous and previous.id != dataset.id:
        found.renamed.append((previous.id, dataset.id))
    earlier = dict(_own_places(previous, capabilities)) if previous else {}
    for location, entry in _own_places(dataset, capabilities):
        same = previous is not None and entry.address == earlier[location].address
        name = place_name(dataset.id, location)
        found.same[name] = place_name(previous.id, location) if previous and same else None
        if previous and not same:
            found.moved.append(name)
    known = previous.destinations if previous else ()
    destinations = match(
        [_entry(each, capabilities, each.id) for each in known],
        [_entry(each, capabilities, each.id, each.was) for each in dataset.destinations],
    )
    given = {each.id: each.was for each in dataset.destinations}
    ids = tuple(each.id for each in known)
    where: Path = (*path, "destinations")
    _take(found, _List(destinations, previous.id if previous else "", dataset.id, given, ids, where))


@dataclass(frozen=True)
class _List:
    """One list of entries: what became of them, their dataset as it was and as it is ("" for metadata stashes), the `was` of each
    new id, the old ids, and where the list stands."""

    matched: Match
    before: str
    after: str
    given: Mapping[str, str | None]
    known: tuple[str, ...]
    path: Path


def _take(found: _Found, entries: _List) -> None:
    """Take in what became of one list of entries."""
    for index, (name, given) in enumerate(entries.given.items()):
        found.findings += _unclear(entries.matched, name, given, entries.known, (*entries.path, index))
        was, now = entries.matched.same.get(name), place_name(entries.after, name)
        found.same[now] = None if was is None else place_name(entries.before, was)
        if was is not None and was != name:
            found.renamed.append((place_name(entries.before, was), now))
        elif was is None and name in entries.known:
            found.moved.append(now)


def _unclear(matched: Match, name: str, was: str | None, known: Collection[str], path: Path) -> Iterator[Diagnostic]:
    """What is wrong with one entry: an unknown `was`, one that two entries have, or an old place that cannot be told."""
    if was is not None and was != NOTHING and was not in known:
        yield Diagnostic("error", (*path, "was"), "expected the id that this entry had before", suggestion(was, known))
    if was is not None and was != NOTHING and list(matched.same.values()).count(was) > 1:
        yield Diagnostic("error", (*path, "was"), f"expected an id that no other entry claims: {was} is claimed twice")
    if candidates := matched.unclear.get(name):
        message = (
            f"cannot tell whether {name} is what {' or '.join(candidates)} was, because the addresses are the same"
        )
        hint = f'say it: "was": "{candidates[0]}" if it is the same place, "was": "{NOTHING}" if it is a new one'
        yield Diagnostic("error", (*path, "id"), message, hint)


def places_after(
    old: Config | None, new: Config, capabilities: ProtocolCapabilities, serial: int, fresh: Callable[[], str]
) -> dict[str, Place]:
    """`managed.places` of a config that is saved with this serial; `old` is `None` at the first setup."""
    same = changes(old, new, capabilities).same if old is not None else {}
    known = _known(old, capabilities) if old is not None else Known()
    assigned = assign(known, _entries(new, capabilities), same, serial, fresh)
    return {name: _place(each) for name, each in assigned.items()}


def _place(assigned: Assigned) -> Place:
    """`formerly` stands in the config only where there is something to say."""
    formerly = {"formerly": assigned.formerly} if assigned.formerly else {}
    return Place(uid=assigned.uid, since=assigned.since, **formerly)


def data_keys_after(
    old: Config | None, new: Config, places: Mapping[str, Place], present: Mapping[str, DataKey]
) -> dict[str, DataKey]:
    """`managed.data_keys` by uid, each with the name that its destination has now.

    What version 0.1.0 kept by name goes to the uid of that name; nothing is ever dropped.
    """
    keys = dict(present)
    if old is not None and old.managed is not None and not old.managed.places:
        for dataset, destination in _names(old):
            if (name := place_name(dataset, destination)) in keys:
                keys[old.managed.place(dataset, destination).uid] = keys.pop(name)
    for dataset, destination in _names(new):
        name = place_name(dataset, destination)
        if (uid := places[name].uid) in keys:
            keys[uid] = keys[uid].model_copy(update={"name": name})
    return keys


def without_was(document: JsonObject) -> JsonObject:
    """The document without the notes that an edit gave to tell what was what."""
    lists = {"metadata_stashes": _dropped, "datasets": _without}
    return {key: _each(value, lists[key]) if key in lists else value for key, value in document.items()}


def _each(entries: object, change: Callable[[JsonObject], JsonObject]) -> object:
    return [change(each) for each in entries] if isinstance(entries, list) else entries


def _without(dataset: JsonObject) -> JsonObject:
    own = _dropped(dataset)
    return {**own, "destinations": _each(own["destinations"], _dropped)} if "destinations" in own else own


def _dropped(entry: JsonObject) -> JsonObject:
    return {key: value for key, value in entry.items() if key != "was"}


def _names(config: Config | None) -> Iterator[tuple[str, str]]:
    for dataset in config.datasets if config else ():
        yield from ((dataset.id, destination.id) for destination in dataset.destinations)


def _known(config: Config, capabilities: ProtocolCapabilities) -> Known:
    entries, managed = _entries(config, capabilities), config.managed
    if managed is None:
        return Known(entries, {})
    names = (name.partition("/") for name in entries)
    found = {place_name(dataset, location): managed.place(dataset, location) for dataset, _, location in names}
    return Known(entries, {name: Assigned(each.uid, each.since, each.formerly) for name, each in found.items()})


def _entries(config: Config, capabilities: ProtocolCapabilities) -> dict[str, Entry]:
    """Every place of a config by its name."""
    found = {place_name("", stash.id): _entry(stash, capabilities, stash.id) for stash in config.metadata_stashes}
    for dataset in config.datasets:
        found[place_name(dataset.id, "")] = _dataset_entry(dataset, capabilities)
        for location, entry in _own_places(dataset, capabilities):
            found[place_name(dataset.id, location)] = entry
        for each in dataset.destinations:
            key = data_key(config.managed, dataset.id, each.id) if config.managed else None
            found[place_name(dataset.id, each.id)] = _entry(each, capabilities, each.id, key=key)
    return found


def _dataset_entry(dataset: Dataset, capabilities: ProtocolCapabilities) -> Entry:
    return Entry(dataset.id, _address(dataset.source, capabilities), was=dataset.was)


def _own_places(dataset: Dataset, capabilities: ProtocolCapabilities) -> Iterator[tuple[str, Entry]]:
    """Source and staging; what is pushed in place is both."""
    source = _entry(dataset.source, capabilities, SOURCE)
    yield SOURCE, source
    staging = None if dataset.staging is None else str(PurePosixPath(dataset.staging))
    yield STAGING, source if staging is None else Entry(STAGING, staging, staging)


def _entry(
    stash: Stash, capabilities: ProtocolCapabilities, name: str, was: str | None = None, key: DataKey | None = None
) -> Entry:
    content = [stash.protocol, stash.settings, getattr(stash, "encryption", "")]
    if key is not None:
        content += [key.password, key.archive.fingerprint if key.archive else ""]
    return Entry(name, _address(stash, capabilities), json.dumps(content, sort_keys=True), was)


def _address(stash: Stash, capabilities: ProtocolCapabilities) -> str:
    """Where it is, and in what form it is kept there."""
    encryption = stash.encryption if isinstance(stash, Destination) else ""
    return f"{encryption} {address(stash, capabilities)}"


def described(found: Changes) -> Iterator[str]:
    """What an owner should know of it before saving."""
    for old, new in found.renamed:
        yield f"{old.strip('/')} is renamed to {new.strip('/')}: its history and its keys stay"
    for name in found.moved:
        dataset, _, location = name.partition("/")
        if location == SOURCE:
            yield f"{dataset} comes from a new address: it is pulled as if for the first time"
        elif location == STAGING:
            yield f"the staging copy of {dataset} has a new directory: it is filled again before anything is pushed"
        else:
            yield f"{name.strip('/')} is a new place: everything is sent again there, and the old place is no longer looked after"


def as_renamed(old: Config, found: Changes) -> Config:
    """The old config with the new names, so that a comparison shows what else has changed."""
    names = {was: now for now, was in found.same.items() if was is not None}
    stashes = tuple(_with_id(each, _named_now(names, "", each.id)[1]) for each in old.metadata_stashes)
    datasets = tuple(_dataset_as_renamed(each, names) for each in old.datasets)
    renamed = {"metadata_stashes": stashes, "datasets": datasets}
    return old.model_copy(update={name: parts for name, parts in renamed.items() if parts})


def _dataset_as_renamed(dataset: Dataset, names: Mapping[str, str]) -> Dataset:
    destinations = tuple(_with_id(each, _named_now(names, dataset.id, each.id)[1]) for each in dataset.destinations)
    renamed = _with_id(dataset, _named_now(names, dataset.id, "")[0])
    return renamed.model_copy(update={"destinations": destinations}) if destinations else renamed


def _with_id(entry: Named, name: str) -> Named:
    return entry.model_copy(update={"id": name})


def _named_now(names: Mapping[str, str], dataset: str, location: str) -> tuple[str, str]:
    """The ids of a dataset and of a location in it, as they are now."""
    name = place_name(dataset, location)
    new_dataset, _, new_location = names.get(name, name).partition("/")
    return new_dataset, new_location
