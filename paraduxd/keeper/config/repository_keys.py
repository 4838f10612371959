"""Copies of the key files of repositories that encrypt by themselves: from where a worker left them into the config.

The worker, which has the repository's password, leaves the key file in the private directory of its destination. The supervisor takes no
part in that. Here it is opened with the password that the config has: what does not open is nothing, whoever wrote it.
"""

from __future__ import annotations

import hashlib

from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.addresses import given
from paraduxd.core.config.managed import DataKey, Managed, RepositoryKey
from paraduxd.core.config.models import Config, Destination
from paraduxd.core.primitives.place_identity import place_name
from paraduxd.effects.files import directories
from paraduxd.protocols import registry
from paraduxd.protocols.base import KEY_COPY

_LONGEST = 16 * 1024
"""Bytes."""


def with_copies(state: StatePlaces, managed: Managed, config: Config) -> Managed:
    """`managed` with every copy that waits; the same object when there is nothing new."""
    found = {}
    for dataset in config.datasets:
        for destination in dataset.destinations:
            name = place_name(dataset.id, destination.id)
            place = managed.places.get(name)
            if place is None:
                continue
            key = managed.data_keys.get(place.uid, DataKey(name=name))
            if copied := _copied(state, destination, place.uid, key):
                found[place.uid] = key.model_copy(update={"repository": copied})
    return managed.with_(data_keys={**managed.data_keys, **found}) if found else managed


def _copied(state: StatePlaces, destination: Destination, uid: str, key: DataKey) -> RepositoryKey | None:
    """What the config should have and has not: `managed.data_keys.<uid>.repository`."""
    opens = registry.find(destination.protocol).master_key
    key_file = _waiting(state, uid) if opens else None
    if opens is None or key_file is None:
        return None
    digest = hashlib.sha256(key_file).hexdigest()
    if key.repository is not None and key.repository.id == digest:
        return None
    password = given(destination.settings, "credentials.password") or key.password
    try:
        master_key = opens(key_file, str(password))
        return RepositoryKey(id=digest, key_file=key_file.decode(), master_key=master_key)
    except (ValueError, KeyError, TypeError):  # another password's, or none at all
        return None


def _waiting(state: StatePlaces, uid: str) -> bytes | None:
    try:
        with directories.own(state.index / uid) as folder:
            return folder.read(KEY_COPY, _LONGEST)
    except OSError:
        return None
