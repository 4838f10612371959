"""A blob store that carries the marker of its place (`place_marker.py`): read before anything is written or removed, written at first
contact, renewed when the newest version or the machine has changed."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import OldShares
from paraduxd.protocols.base import BlobStore, Identity, TransientError
from paraduxd.protocols.marking import place_marker
from paraduxd.protocols.marking.place_marker import LONGEST, NAME, Marker

_OTHERS = frozenset({"other-owner", "other-place", "not-mounted"})
"""What forbids reading, too: what lies there is not what is meant."""

_log = logging.getLogger(__name__)


@dataclass
class MarkedStore:
    """The marker in `store`. `where` names the place in sentences; without an `identity` nothing is looked at, and nothing marked."""

    store: BlobStore
    identity: Identity | None
    where: str
    _found: Marker | None = field(default=None, init=False)

    def check(self) -> int:
        """Before anything is written or removed: the number of the newest version that the marker tells of, 0 without one.

        Raises what `place_marker.check` raises.
        """
        if self.identity is None:
            return 0
        self._found = place_marker.check(self._read(), self.identity, self.where)
        return self._found.newest if self._found and self._found.place == self.identity.place else 0

    def check_for_reading(self) -> int:
        """Before something is read: what a machine that was replaced, or one that cannot read the marker, may still do.

        A marker that is gone forbids it only where nothing else is there either.
        """
        try:
            return self.check()
        except ParaduxError as problem:
            if problem.code not in _OTHERS or (problem.code == "not-mounted" and self.store.list()):
                return 0
            raise

    def claim(self) -> None:
        """At first contact, before anything else is written: say whose place it is."""
        if self.identity is not None and self._found is None:
            self._write(self.identity, 0)

    def renew(self, newest: int) -> bool:
        """After something was written: the number of the newest version. Gives whether the place is marked now.

        What was written is there already, so that a failure is only logged.
        """
        if self.identity is None:
            return False
        identity = self.identity
        if self._found and self._found.place in identity.beside:  # it stays the marker of the place that was here first
            identity, newest = replace(identity, place=self._found.place), self._found.newest
        if place_marker.needs_writing(self._found, identity, newest):
            try:
                self._write(identity, newest)
            except ParaduxError as problem:
                _log.warning("The marker of %s stays as it was: %s", self.where, problem.message)
        return self._found is not None

    def by_old_shares(self) -> OldShares | None:
        """Of the marker that was found: the machine that was recovered with shares of an ended epoch, if one has written it."""
        found = place_marker.by_old_shares(self._found, self.identity)
        return OldShares(found.generation, found.date) if found else None

    def _write(self, identity: Identity, newest: int) -> None:
        content = place_marker.render(identity, newest)
        self.store.put(NAME, io.BytesIO(content))
        if self._read() != content:
            raise TransientError(
                "not-read-back",
                f"{NAME} was sent, but what {self.where} gives back is not the same",
                "see whether the place is full",
            )
        self._found = place_marker.check(content, identity, self.where)

    def _read(self) -> bytes | None:
        """The marker as it lies there, or the beginning of what is too long for one."""
        try:
            return b"".join(_at_most(self.store.get(NAME), LONGEST))
        except ParaduxError as problem:
            if problem.code != "not-found":
                raise
            return None


def _at_most(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        size -= len(piece)
        if size < 0:
            return


def of_stash(store: BlobStore, identity: Identity | None, stash: str) -> MarkedStore:
    """The marker of a metadata stash."""
    return MarkedStore(store, identity, f"the metadata stash {stash}")
