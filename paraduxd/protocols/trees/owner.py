"""Whether a tree store is the one that is meant: by its marker, by its manifests, and by its being there at all."""

from __future__ import annotations

from collections.abc import Collection

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.protocols.base import Context, Identity, Version
from paraduxd.protocols.marking import place_marker
from paraduxd.protocols.marking.place_marker import Marker
from paraduxd.protocols.trees.layout import Record, State


def check(state: State | None, identity: Identity | None, where: str) -> Marker | None:
    """The marker of a place of ours; `None` where there is none, and where nobody is known to ask. Raises as `place_marker.check` does."""
    if identity is None:
        return None
    there = state or State()
    marker = place_marker.check(there.marker, identity, where)
    if marker is None:
        for record in there.records.values():
            if record.owner:
                place_marker.stop_if_foreign(record.owner, record.place, identity, where)
    return marker


def check_for_push(state: State | None, context: Context, known: Collection[Version], where: str) -> Marker | None:
    """As `check`. Raises also "not-mounted" where versions were known and there are none, and `ParaduxError` "other-dataset"."""
    marker = check(state, context.identity, where)
    if known and not (state and state.versions):
        raise TransientError(
            "not-mounted",
            f"{where} is missing or empty, but had {len(known)} versions: it seems not to be mounted",
            'mount it; if it was emptied on purpose, say "was": "-" on it with paraductl edit, and it begins anew',
        )
    if state is not None and marker is None:
        _check_datasets(state, context, {version.id for version in known}, where)
    return marker


def _check_datasets(state: State, context: Context, known: set[str], where: str) -> None:
    """What lies in an unmarked place was made by us: in this dataset's name, or it is known."""
    foreign = [record.dataset for record in state.records.values() if not _is_ours(record, context, known)]
    if foreign:
        raise ParaduxError(
            "other-dataset",
            f"{where} holds versions of another dataset ({min(foreign)!r})",
            "give every dataset a directory of its own with paraductl edit",
        )


def _is_ours(record: Record, context: Context, known: set[str]) -> bool:
    identity = context.identity
    if identity is None:
        return record.dataset == context.dataset
    if record.place:
        return record.place == identity.place
    by_name = record.dataset == context.dataset or legacy_uid(record.dataset, context.location) == identity.place
    return by_name or record.version.id in known
