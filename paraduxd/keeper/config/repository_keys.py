"""Copies of the key files of repositories that encrypt by themselves: from where a worker left them into the config.

The worker, which has the repository's password, leaves the key file in the private directory of its destination. The supervisor takes no
part in that. Here it is opened with the password that the config has: what does not open is nothing, whoever wrote it.
"""

from __future__ import annotations

import hashlib

from paraduxd.api.paths import StatePlaces
from paraduxd.effects.files import directories
from paraduxd.keeper.runtime.opened import Json
from paraduxd.protocols import registry
from paraduxd.protocols.base import KEY_COPY

_LONGEST = 16 * 1024
"""Bytes."""


def with_copies(state: StatePlaces, document: Json) -> Json:
    """The document with every copy that waits; the same object when there is nothing new."""
    managed, found = document["managed"], {}
    for dataset in document.get("datasets", []):
        for destination in dataset.get("destinations", []):
            name = f"{dataset['id']}/{destination['id']}"
            uid = managed.get("places", {}).get(name, {}).get("uid", "")
            key = managed["data_keys"].get(uid, {"name": name})
            if uid and (copied := _copied(state, destination, uid, key)):
                found[uid] = {**key, "repository": copied}
    return {**document, "managed": {**managed, "data_keys": {**managed["data_keys"], **found}}} if found else document


def _copied(state: StatePlaces, destination: Json, uid: str, key: Json) -> Json | None:
    """What the config should have and has not: `managed.data_keys.<uid>.repository`."""
    opens = registry.find(str(destination["protocol"])).master_key
    key_file = _waiting(state, uid) if opens else None
    if opens is None or key_file is None:
        return None
    digest = hashlib.sha256(key_file).hexdigest()
    if (key.get("repository") or {}).get("id") == digest:
        return None
    password = (destination.get("credentials") or {}).get("password") or key.get("password", "")
    try:
        return {"id": digest, "key_file": key_file.decode(), "master_key": opens(key_file, str(password))}
    except (ValueError, KeyError, TypeError):  # another password's, or none at all
        return None


def _waiting(state: StatePlaces, uid: str) -> bytes | None:
    try:
        with directories.own(state.index / uid) as folder:
            return folder.read(KEY_COPY, _LONGEST)
    except OSError:
        return None
