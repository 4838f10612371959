"""Declaring a run complete: its list and its manifest are signed, stored and read back.

A manifest is written once. The list comes before it, so that no manifest is ever without the list that it speaks of; lists of earlier
runs go afterwards (`remove.py`). Where they cannot go, most runs have none: then the manifest has the digest of what lay there.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

from paraduxd.api.frozen import dataclass
from paraduxd.effects.crypto import archive_crypto
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.chain import Manifest
from paraduxd.protocols.archive.manifests import Keys, StoredRuns
from paraduxd.protocols.base import BlobStore, TransientError


@dataclass(frozen=True)
class Place:
    """Where it is written; `stored` is what lies there, and is told of what was written."""

    store: BlobStore
    keys: Keys
    stored: StoredRuns


@dataclass(frozen=True)
class Published:
    """The newest run with all earlier ones, as its list has them, and the bytes that were written."""

    manifest: Manifest
    size: int


def declare(place: Place, made: Manifest, *, removable: bool) -> Published:
    """A run all of whose objects are there; its `runs` are all that stay. `removable`: lists of earlier runs may go."""
    sizes = place.stored.sizes
    with_list = chain.wants_list(sizes, made.runs, removable=removable)
    line = chain.to_line(chain.manifest_of(made, "" if with_list else chain.digest(sizes, made.run)))
    content = _signed(place, line)
    whole = chain.list_of(made, hashlib.sha256(line).hexdigest(), len(content))
    size = write_list(place, whole) if with_list else 0
    _put(place, chain.manifest_name(made.run.id), content)
    return Published(whole, size + len(content))


def write_list(place: Place, newest: Manifest) -> int:
    """Replace the list of the newest run, and give its bytes. One of the first format has its list in its manifest: nothing has the hash of
    that yet.
    """
    run = newest.run
    if newest.format == chain.FIRST_FORMAT:
        name, whole = chain.manifest_name(run.id), replace(newest, run=replace(run, sha256=""))
    else:
        name = chain.list_name(run.id)
        size = newest.manifest_size or place.stored.sizes[chain.manifest_name(run.id)]
        whole = chain.list_of(newest, run.sha256, size)
    content = _signed(place, chain.to_line(whole))
    _put(place, name, content)
    return len(content)


def _signed(place: Place, line: bytes) -> bytes:
    return line + archive_crypto.sign(line, place.keys.signing_key) + b"\n"


def _put(place: Place, name: str, content: bytes) -> None:
    place.store.put(name, io.BytesIO(content))
    if b"".join(place.store.get(name)) != content:
        raise TransientError("not-read-back", f"{name} is not what was sent there", "see whether the place is full")
    place.stored.sizes[name] = len(content)
    place.stored.remember(name, content)
