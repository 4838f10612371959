"""The keys that Paradux generates for destinations: whose they are, which are missing, and what of them goes where."""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.api.calls import JsonObject
from paraduxd.core.config.addresses import given
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.managed import ArchiveKey, DataKey, Managed
from paraduxd.core.config.models import Config, Destination
from paraduxd.core.primitives.place_identity import place_name


def data_key(managed: Managed, dataset: str, destination: str) -> DataKey | None:
    """The generated keys of a destination, by its uid; a config of version 0.1.0 has them by name."""
    if not managed.places:
        return managed.data_keys.get(place_name(dataset, destination))
    return managed.data_keys.get(managed.place(dataset, destination).uid)


def key_of(config: Config, dataset: str, destination: str) -> DataKey | None:
    """Likewise, where there is anything generated."""
    return data_key(config.managed, dataset, destination) if config.managed else None


def destinations_of(config: Config) -> Iterator[tuple[str, Destination]]:
    """All destinations, with the datasets that they are of."""
    for dataset in config.datasets:
        for destination in dataset.destinations:
            yield dataset.id, destination


def wants_secret(destination: Destination, capabilities: ProtocolCapabilities) -> bool:
    """Whether Paradux makes the password of what the protocol encrypts, because the owner gives none."""
    key = capabilities[destination.protocol].traits.generates
    return bool(key) and not given(destination.settings, key)


def needed_data_keys(config: Config, capabilities: ProtocolCapabilities) -> tuple[str, ...]:
    """The destinations, "dataset/destination", for which a password must be generated."""
    return tuple(
        place_name(dataset, each.id)
        for dataset, each in destinations_of(config)
        if wants_secret(each, capabilities) and not ((key := key_of(config, dataset, each.id)) and key.password)
    )


def needed_archive_keys(config: Config) -> tuple[str, ...]:
    """The destinations, "dataset/destination", for which keys of encrypted archives must be generated."""
    return tuple(
        place_name(dataset, each.id)
        for dataset, each in destinations_of(config)
        if each.encryption == "gpg" and not ((key := key_of(config, dataset, each.id)) and key.archive)
    )


def archive_keys(key: ArchiveKey) -> JsonObject:
    """What a worker gets to make archives: nothing that opens one."""
    return key.model_dump(include={"fingerprint", "public_key", "verify_key", "signing_key"})


def private_archive_keys(config: Config, dataset: str) -> dict[str, JsonObject]:
    """What a worker gets besides to read archives, by destination: those of one dataset that keep encrypted archives."""
    return {
        destination.id: key.archive.model_dump(include={"private_key", "passphrase"})
        for name, destination in destinations_of(config)
        if name == dataset and destination.encryption == "gpg"
        if (key := key_of(config, dataset, destination.id)) and key.archive
    }
