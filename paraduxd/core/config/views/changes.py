"""What a new config changes, one plain sentence each; a secret has only "changed"."""

from __future__ import annotations

import json
from collections.abc import Iterator

from paraduxd.api.calls import JsonObject
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.models import Config, Managed
from paraduxd.core.config.views.masking import mask

_NOUNS = {
    "datasets": "dataset",
    "destinations": "destination",
    "stewards": "steward",
    "metadata_stashes": "metadata stash",
    "inventory": "inventory entry",
    "scenarios": "scenario",
}
"""Lists whose entries have names of their own, and what one entry is called."""

_OURS = ("$schema", "serial", "managed")
_WAITS = (
    "another shares_required takes effect with the next rotation (paraductl rotate); until then the present shares stay"
)
_LONGEST = 60
"""Characters of a value that a sentence still shows."""


def changes(old: Config | None, new: Config, capabilities: ProtocolCapabilities | None = None) -> tuple[str, ...]:
    """One sentence per change from `old` to `new`; for a first config (`None`) one per named part of it."""
    after = _comparable(new)
    if old is None:
        after = {key: value for key, value in after.items() if key in _NOUNS}
    before: JsonObject = _comparable(old) if old else {key: [] for key in after}
    shown = (mask(before, capabilities), mask(after, capabilities))
    return (*_object("", "", (before, after), shown), *(_consequences(old, new) if old else ()))


def managed_changed(old: Config, new: Config) -> bool:
    """Whether an edit touches what only Paradux may change. Taking out a pinned host is allowed: the next save asks for its key again.

    What is remembered of kits does not matter: it may have grown since the text was given out.
    """
    before, after = _unchangeable(old.managed), _unchangeable(new.managed)
    pinned = new.managed.hosts if new.managed else {}
    known = old.managed.hosts if old.managed else {}
    return before != after or not pinned.items() <= known.items()


def _unchangeable(managed: Managed | None) -> JsonObject:
    return managed.model_dump(mode="json", exclude={"kits", "hosts"}) if managed else {}


def _comparable(config: Config) -> JsonObject:
    """The config as plain values with every default filled in, so that writing a default out is no change."""
    document = config.model_dump(mode="json", by_alias=True)
    return {key: value for key, value in document.items() if key not in _OURS}


Pair = tuple[object, object]
"""Before and after."""

Objects = tuple[JsonObject, JsonObject]
Entries = tuple[list[JsonObject], list[JsonObject]]


def _object(context: str, field: str, values: Objects, shown: Objects) -> Iterator[str]:
    """Sentences about two objects. `context` says which entry ("dataset photos: "), `field` the way within it ("source.")."""
    for key in dict.fromkeys([*values[0], *values[1]]):
        inner = (values[0].get(key), values[1].get(key))
        if inner[0] != inner[1]:
            yield from _value(context, field + key, key, inner, (shown[0].get(key), shown[1].get(key)))


def _value(context: str, field: str, key: str, values: Pair, shown: Pair) -> Iterator[str]:
    if key in _NOUNS and isinstance(values[0], list) and isinstance(values[1], list):
        yield from _entries(context, _NOUNS[key], (values[0], values[1]), (_list(shown[0]), _list(shown[1])))
    elif isinstance(values[0], dict) and isinstance(values[1], dict):
        yield from _object(context, field + ".", (values[0], values[1]), (_dict(shown[0]), _dict(shown[1])))
    else:
        yield f"{context}{field}{_change(shown)}"


def _list(value: object) -> list[JsonObject]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _change(shown: Pair) -> str:
    old, new = (json.dumps(value, ensure_ascii=False) for value in shown)
    if old == new or "****" in old + new or max(len(old), len(new)) > _LONGEST:
        return " changed"
    if shown[0] is None:
        return f" set to {new}"
    return f": {old} -> {new}" if shown[1] is not None else f": {old} removed"


def _entries(context: str, noun: str, values: Entries, shown: Entries) -> Iterator[str]:
    """Sentences about two lists of named entries; the order of entries means nothing."""
    old, new = (_named(entries) for entries in values)
    old_shown = dict(zip(old, shown[0], strict=True))
    new_shown = dict(zip(new, shown[1], strict=True))
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield f"{context}{noun} {name} removed"
        elif name not in old:
            yield f"{context}{noun} {name} added"
        else:
            inner = f"{context}{noun} {name}: "
            yield from _object(inner, "", (old[name], new[name]), (old_shown[name], new_shown[name]))


def _named(entries: list[JsonObject]) -> dict[str, JsonObject]:
    """Entries by id or name; entries of the same name are numbered."""
    named: dict[str, JsonObject] = {}
    for entry in entries:
        name = str(entry.get("id") or entry["name"])
        number = 2
        unique = name
        while unique in named:
            unique, number = f"{name} ({number})", number + 1
        named[unique] = entry
    return named


def _consequences(old: Config, new: Config) -> Iterator[str]:
    """What the owner has to do about a change of stewards."""
    if old.policy.shares_required != new.policy.shares_required:
        kits = new.managed is not None and new.managed.kits_written
        yield _WAITS if kits else "a changed shares_required replaces all shares"
    before, after = ({steward.id for steward in config.stewards} for config in (old, new))
    for steward in sorted(after - before):
        yield f"steward {steward} needs a kit"
    for steward in sorted(before - after):
        yield f"the share that {steward} holds stays good until the recovery secret is replaced (paraductl rotate)"
