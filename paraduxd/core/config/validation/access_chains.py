"""Does the inventory make sense: who needs whom, circles that nobody gets into, and the labels of scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from paraduxd.api.suggestions import did_you_mean
from paraduxd.core.config.diagnostics import Diagnostic, Path, suggestion
from paraduxd.core.config.models import Config, InventoryEntry
from paraduxd.core.primitives.access_rules import Rules, Way, circle, reached

OUTSIDE = ("mind:owner", "person:owner")
"""Labels that exist without being given to anything."""

MACHINE = "machine"
"""What `compromise` calls the machine that runs Paradux, whatever its labels."""


def findings(config: Config) -> Iterator[Diagnostic]:
    """What is wrong with the inventory and the scenarios."""
    unknown = list(_unknown(config))
    yield from unknown
    yield from _twice(config)
    if not unknown:
        yield from _closed(config)
    yield from _scenarios(config)
    yield from _protection(config)


def rules(entries: Iterable[InventoryEntry]) -> Rules:
    """Who gets in where, for somebody who has the config and everything else that is no account."""
    return {entry.id: _ways(entry) for entry in entries if entry.id is not None}


def _ways(entry: InventoryEntry) -> list[Way]:
    ways = [Way(needs) for needs in entry.needs] or ([Way(())] if entry.password or not entry.reset_by else [])
    return ways + [Way(needs) for needs in entry.reset_by]


def _unknown(config: Config) -> Iterator[Diagnostic]:
    ids = {entry.id for entry in config.inventory if entry.id is not None}
    for path, name in _named(config):
        if name not in ids:
            yield Diagnostic("error", path, "no inventory entry has this id", suggestion(name, ids) or "give it one")


def _named(config: Config) -> Iterator[tuple[Path, str]]:
    for index, entry in enumerate(config.inventory):
        for key, ways in (("needs", entry.needs), ("reset_by", entry.reset_by)):
            for number, way in enumerate(ways):
                yield from ((("inventory", index, key, number, at), name) for at, name in enumerate(way))


def _twice(config: Config) -> Iterator[Diagnostic]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(config.inventory):
        if entry.id is not None and (first := seen.setdefault(entry.id, index)) != index:
            message = f"expected an id of its own: inventory[{first}] has the same"
            yield Diagnostic("error", ("inventory", index, "id"), message)
    names: dict[str, int] = {}
    for index, scenario in enumerate(config.scenarios):
        if (first := names.setdefault(scenario.name, index)) != index:
            message = f"expected a name of its own: scenarios[{first}] has the same"
            yield Diagnostic("error", ("scenarios", index, "name"), message)


def _closed(config: Config) -> Iterator[Diagnostic]:
    """Entries that nobody gets into, and ways that lead through the entry itself."""
    known = rules(config.inventory)
    open_to_all = reached(known, ())
    closed = frozenset(known) - open_to_all
    for index, entry in enumerate(config.inventory):
        if entry.id in closed:
            yield Diagnostic("warning", ("inventory", index), *_why_closed(known, entry.id or "", closed))
        elif entry.id is not None:
            yield from _useless(known, entry, index)


def _why_closed(known: Rules, name: str, closed: frozenset[str]) -> tuple[str, str]:
    found = circle(known, name, closed)
    if not found:
        return f"nobody gets into {name}: no way to it is given", "add a way to needs or reset_by"
    if found == (name, name):
        return f"{name} holds the key to itself: nobody gets in", "add a way that does not need it"
    told = ", which needs ".join(found)
    return f"nobody gets into {name}: {told}", "add a way into this circle from outside, like a code on paper"


def _useless(known: Rules, entry: InventoryEntry, index: int) -> Iterator[Diagnostic]:
    """Ways that begin behind the door that they should open."""
    name = entry.id or ""
    apart = reached(known, (), {name})
    for key, ways in (("needs", entry.needs), ("reset_by", entry.reset_by)):
        for number, way in enumerate(ways):
            inside = [need for need in way if need not in apart]
            if inside:
                told = "it needs itself" if inside == [name] else f"{inside[0]} is only reached by {name}"
                message = f"{name} holds the key to itself: this way does not help, {told}"
                yield Diagnostic("warning", ("inventory", index, key, number), message, "keep that key elsewhere, too")


def _scenarios(config: Config) -> Iterator[Diagnostic]:
    labels = {*_labels(config), *OUTSIDE}
    things = {*labels, MACHINE, *(each.id for each in config.stewards)}
    things.update(entry.id for entry in config.inventory if entry.id is not None)
    for index, scenario in enumerate(config.scenarios):
        for key, given, valid in (("lose", scenario.lose, labels), ("compromise", scenario.compromise, things)):
            for at, label in enumerate(given):
                if label not in valid:
                    hint = did_you_mean(label, valid, "use one that is given to something")
                    message = "nothing in this config has this label: the scenario takes nothing there"
                    yield Diagnostic("warning", ("scenarios", index, key, at), message, hint)


def _labels(config: Config) -> Iterator[str]:
    yield from config.owner.fate
    yield from config.owner.staging_fate
    for fates in (part.fate for part in config.inventory):
        yield from fates
    for fates in (part.fate for part in config.stewards):
        yield from fates
    for fates in (part.fate for part in config.metadata_stashes):
        yield from fates
    for dataset in config.datasets:
        for stash in (dataset.source, *dataset.destinations):
            yield from stash.fate
    yield from (f"person:{steward.id}" for steward in config.stewards if not steward.fate)
    if not config.owner.fate:
        yield "device:this-machine"


def _protection(config: Config) -> Iterator[Diagnostic]:
    for index, dataset in enumerate(config.datasets):
        for number, each in enumerate(dataset.destinations):
            path = ("datasets", index, "destinations", number)
            if each.protects != "none" and each.keep.model_dump(exclude_none=True):
                message = f"{each.id} is said to be {each.protects}: this machine removes nothing there, so keep has no effect"
                hint = "thin it out by age from another machine; a rule by counts is no protection, whoever adds versions empties it"
                yield Diagnostic("warning", (*path, "keep"), message, hint, at_key=True)
