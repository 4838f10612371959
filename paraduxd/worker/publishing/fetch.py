"""Fetching what a metadata stash holds for a recovery. Nothing is written there, and nothing is believed: the keeper checks signatures.

Whoever can write there may have put anything there: all that is read is bounded, and what cannot be read does not keep the rest away.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import machine_claim, published_config
from paraduxd.core.runs.keeper_results import Fetched, SentObject
from paraduxd.core.runs.order_arguments import FetchArguments
from paraduxd.core.runs.orders import Order
from paraduxd.protocols.base import Blob, BlobStore

NEWEST = 2
"""Configs of each epoch: when the newest cannot be opened, the one before it may."""

MOST_EPOCHS = 16
"""Epochs of which something is fetched: those that are asked for, then the highest."""

LONGEST_CONFIG, LONGEST_KEY, LONGEST_ALL = 16 * 1024 * 1024, 64 * 1024, 32 * 1024 * 1024
"""Bytes; the vault takes no more than 8 MiB of text."""


def fetch(order: Order, store: BlobStore) -> Fetched:
    """The newest configs and the keys of the epochs that are asked for and of all that lie there, and machine.asc, in base64.

    `listed` has the highest serial in the names of each epoch; `troubles` a sentence for each object that could not be read.
    """
    blobs = {blob.name: blob for blob in store.list()}
    serials = _serials(blobs)
    asked = order.read(FetchArguments).epochs
    epochs = [
        *(each for each in asked if each in serials),
        *(each for each in sorted(serials)[::-1] if each not in asked),
    ]
    fetching = _Fetching(store, blobs)
    keys = fetching.all(map(published_config.key_name, epochs[:MOST_EPOCHS]), LONGEST_KEY)
    configs = fetching.all(_newest(serials, epochs[:MOST_EPOCHS]), LONGEST_CONFIG)
    announced = fetching.all([machine_claim.NAME], machine_claim.LONGEST)
    return Fetched(
        configs,
        keys,
        announced[0].data if announced else None,
        max((serial for found in serials.values() for serial in found), default=0),
        tuple((epoch, max(serials[epoch], default=0)) for epoch in epochs[:MOST_EPOCHS]),
        tuple(fetching.troubles),
    )


def _serials(names: Iterable[str]) -> dict[int, list[int]]:
    """Of each epoch of which there is a config or a key, the serials in the names."""
    found: dict[int, list[int]] = defaultdict(list)
    for name in names:
        if parsed := published_config.parse_config_name(name):
            found[parsed[0]].append(parsed[1])
        elif (epoch := published_config.parse_key_name(name)) is not None:
            found[epoch] += []
    return found


def _newest(serials: dict[int, list[int]], epochs: Iterable[int]) -> Iterator[str]:
    """The newest of every epoch first, so that none is left out for the older ones of another."""
    ranked = {epoch: sorted(serials[epoch], reverse=True) for epoch in epochs}
    for place in range(NEWEST):
        yield from (
            published_config.config_name(epoch, found[place]) for epoch, found in ranked.items() if len(found) > place
        )


class _Fetching:
    """Objects of one store, as far as there is room for them."""

    def __init__(self, store: BlobStore, blobs: dict[str, Blob]) -> None:
        self._store = store
        self._blobs = blobs
        self._room = LONGEST_ALL
        self.troubles: list[str] = []

    def all(self, names: Iterable[str], most: int) -> tuple[SentObject, ...]:
        """Name and content of each that is there and has at most so many bytes."""
        return tuple(
            SentObject(name, base64.b64encode(content).decode())
            for name in names
            if name in self._blobs and (content := self._content(name, most)) is not None
        )

    def _content(self, name: str, most: int) -> bytes | None:
        content = b""
        try:
            for piece in self._store.get(name):
                content += piece
                if len(content) > min(most, self._room):
                    self.troubles.append(f"{name} is longer than such an object can be")
                    return None
        except ParaduxError as problem:
            self.troubles.append(f"{name} cannot be read: {problem.message}")
            return None
        self._room -= len(content)
        return content
