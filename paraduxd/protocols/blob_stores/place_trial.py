"""Trying a place while it is set up: one small object is written, read back and removed, as a transfer would do it."""

from __future__ import annotations

import io
import secrets

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.keeper_results import Trial
from paraduxd.protocols.base import BlobStore
from paraduxd.protocols.marking import place_marker

KIT = "kit"
"""The role of a login that stewards read by."""

PREFIX = "paradux-setup-"
"""How the name of the object begins."""

_SENTENCE = b"Paradux tries whether it can write here. This file can be removed.\n"


def write_and_remove(store: BlobStore) -> Trial:
    """Raises `ParaduxError` unless an object could be written and read back."""
    owned = place_marker.NAME in _names(store)
    name, content = f"{PREFIX}{secrets.token_hex(8)}", _SENTENCE + secrets.token_hex(8).encode()
    store.put(name, io.BytesIO(content))
    if _read(store, name, len(content)) != content:
        raise ParaduxError("not-stored", "what was written there does not come back as it was", "choose another place")
    return Trial(owned=owned, removed=_removes(store, name))


def read_only(store: BlobStore) -> Trial:
    """Raises `ParaduxError` unless the place can be listed."""
    _names(store)
    name = f"{PREFIX}{secrets.token_hex(8)}"
    try:
        store.put(name, io.BytesIO(_SENTENCE))
    except ParaduxError:
        return Trial()
    _removes(store, name)
    return Trial(writes=True)


def _removes(store: BlobStore, name: str) -> bool:
    try:
        store.delete(name)
        return name not in _names(store)
    except ParaduxError:
        return False


def _names(store: BlobStore) -> set[str]:
    return {blob.name for blob in store.list()}


def _read(store: BlobStore, name: str, most: int) -> bytes:
    found = b""
    for piece in store.get(name):
        found += piece
        if len(found) > most:
            break
    return found
