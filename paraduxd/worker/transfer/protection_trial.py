"""Whether the credentials of this machine can remove what is stored at a place: tried, with an object of our own.

The object stays where removing it is refused, and the next trial takes the same one. What is found says nothing about anybody else's
credentials. A trial that could not be made has no result: it never fails the run that it is a part of.
"""

from __future__ import annotations

import contextlib
import io
import logging
import secrets

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import BlobStore, Destination

NAME = "paradux-trial"
"""Of the object."""

_SENTENCE = b"Paradux tries to replace and to remove this file, to see whether it can.\n"
_LONGEST = 4096
"""Bytes of the object."""

_log = logging.getLogger(__name__)


def try_removal(store: BlobStore) -> bool | None:
    """Whether the object was neither replaced nor removed; `None`: that could not be found out."""
    try:
        if NAME not in _names(store):
            store.put(NAME, io.BytesIO(_content()))
        before = _read(store)
        for write in (store.put, store.overwrite):
            with contextlib.suppress(ParaduxError):
                write(NAME, io.BytesIO(_content()))
        if _read(store) != before:
            _remove(store)
            return False
        _remove(store)
        return NAME in _names(store) and _read(store) == before
    except ParaduxError as problem:
        _tell_untried(problem)
        return None


def try_erasing(store: BlobStore) -> bool | None:
    """The same where what is replaced or removed is kept out of sight: whether a version of the object stays whatever is tried."""
    if (kept := try_removal(store)) is not False:
        return kept
    try:
        return store.erase(NAME)
    except ParaduxError as problem:
        _tell_untried(problem)
        return None


def of_destination(destination: Destination) -> bool | None:
    """The same for a destination that has no objects of its own, such as a repository."""
    try:
        return destination.is_protected()
    except ParaduxError as problem:
        _tell_untried(problem)
        return None


def _tell_untried(problem: ParaduxError) -> None:
    _log.warning("Whether the place is protected could not be tried: %s", problem.message)


def _content() -> bytes:
    return _SENTENCE + secrets.token_hex(8).encode() + b"\n"


def _remove(store: BlobStore) -> None:
    with contextlib.suppress(ParaduxError):
        store.delete(NAME)


def _names(store: BlobStore) -> set[str]:
    return {blob.name for blob in store.list()}


def _read(store: BlobStore) -> bytes:
    found = b""
    for piece in store.get(NAME):
        found += piece
        if len(found) > _LONGEST:
            raise ParaduxError("too-long", f"{NAME} is longer than what was written", "see who can write there")
    return found
