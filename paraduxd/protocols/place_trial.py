"""Trying a place while it is set up: one small object is written, read back and removed, as a transfer would do it."""

from __future__ import annotations

import io
import secrets
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import BlobStore
from paraduxd.protocols.marking import place_marker

KIT = "kit"
"""The role of a login that stewards read by."""

PREFIX = "paradux-setup-"
"""How the name of the object begins."""

_SENTENCE = b"Paradux tries whether it can write here. This file can be removed.\n"

Result = dict[str, Any]


def write_and_remove(store: BlobStore) -> Result:
    """Raises `ParaduxError` unless an object could be written and read back. `removed`: it could be removed, too; `owned`: a Paradux has
    marked this place as its own."""
    owned = place_marker.NAME in _names(store)
    name, content = f"{PREFIX}{secrets.token_hex(8)}", _SENTENCE + secrets.token_hex(8).encode()
    store.put(name, io.BytesIO(content))
    if _read(store, name, len(content)) != content:
        raise ParaduxError("not-stored", "what was written there does not come back as it was", "choose another place")
    return {"tried": True, "owned": owned, "removed": _removes(store, name)}


def read_only(store: BlobStore) -> Result:
    """Raises `ParaduxError` unless the place can be listed. `writes`: this login could do more than that."""
    _names(store)
    name = f"{PREFIX}{secrets.token_hex(8)}"
    try:
        store.put(name, io.BytesIO(_SENTENCE))
    except ParaduxError:
        return {"tried": True, "writes": False}
    _removes(store, name)
    return {"tried": True, "writes": True}


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
