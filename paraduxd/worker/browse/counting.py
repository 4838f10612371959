"""How many files and bytes versions hold, where the place does not tell: from the journal, or from the index of names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import Order
from paraduxd.protocols.base import Destination, Version
from paraduxd.worker.browse import contents
from paraduxd.worker.browse.contents import key_of

MOST_FETCHED = 50
"""Of so many versions what is in them is asked for to count it, the newest first; each can take seconds."""


def counted(order: Order, destination: Destination, versions: Sequence[Version]) -> tuple[Version, ...]:
    """The versions with their counts, as far as anybody knows them."""
    known = {each.id: each for each in contents.Reading.of(order).versions}
    told = [_with(version, known.get(version.id)) for version in versions]
    if all(version.files is not None for version in told):
        return tuple(told)
    try:
        with contents.of_destination(order, lambda: destination) as there:
            there.fetch([version for version in told if version.files is None][-MOST_FETCHED:])
            unknown = {version.id for version in there.lacks(told)}
            return tuple(
                version if version.files is not None or version.id in unknown else _summed(there, version)
                for version in told
            )
    except ParaduxError:
        return tuple(told)


def _with(version: Version, known: Version | None) -> Version:
    if version.files is not None or known is None:
        return version
    return replace(version, files=known.files, bytes=known.bytes)


def _summed(there: contents.Contents, version: Version) -> Version:
    files, size = there.index.counts(key_of(version))
    return replace(version, files=files, bytes=size)
