"""From a config to what runs: the plan, which holds no secret, and one transport file per stash, which holds that stash's.

Everything here expects a config that `validate.check` has accepted with the same capabilities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from paraduxd.core.config.addresses import address, given, kit_settings, settings_of
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.managed import ArchiveKey
from paraduxd.core.config.models import (
    Config,
    DataKey,
    Dataset,
    Destination,
    Managed,
    MetadataStash,
    Source,
    Stash,
    Steward,
)
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.plan import model as plans
from paraduxd.core.primitives.place_identity import place_name

Transport = dict[str, object]


@dataclass(frozen=True)
class Derived:
    """The plan, and transport files by name.

    A transport file is {"protocol", "settings", "host_keys": {"host:port": [line]}, "secret"}; those of sources and destinations have
    "bandwidth" (bytes per second) and "memory" (MiB) besides where they are given, that of a metadata stash "kit_access" (settings
    as kits use them, or null), that of a destination with encryption gpg "archive" (`archive_keys`). That of an address for notices is
    {"address"}.
    """

    plan: plans.Plan
    transports: dict[str, Transport]


def derive(config: Config, capabilities: ProtocolCapabilities, saved: str) -> Derived:
    """Plan and transport files of a saved config; `saved` is the time of saving, RFC 3339 in UTC.

    Raises `ValueError` for answers, which have no serial and nothing managed.
    """
    if config.serial is None or config.managed is None:
        raise ValueError("answers are no saved config")
    plan = plans.Plan(
        serial=config.serial,
        saved=saved,
        epoch=config.managed.recovery.epoch,
        owner=config.managed.owner_id,
        instance=config.managed.instance,
        shares_required=config.managed.shares.threshold,
        unattended=config.policy.unattended,
        unlock_for=config.policy.unlock_for,
        drill_every=config.policy.drill_every,
        owner_fates=config.owner.fate,
        limits=plans.Limits(config.policy.limits.transfers, config.policy.limits.per_place),
        datasets=tuple(_dataset(dataset, config, capabilities) for dataset in config.datasets),
        metadata_stashes=tuple(_metadata(stash, config, capabilities) for stash in config.metadata_stashes),
        stewards=tuple(map(_steward, config.stewards)),
        rotation=_rotation(config.managed),
        ended=tuple(plans.EndedEpoch(past.epoch, past.key_sha256) for past in config.managed.past_epochs),
        recovery_keys=tuple(_recovery_keys(config.managed)),
        kits_written=config.managed.kits_written,
        notify=tuple(plans.NotifyPlan(name, notify_file(name)) for name in _addresses(config)),
        notify_after=config.policy.notify_after,
        heartbeat=tuple(plans.NotifyPlan(name, notify_file(name)) for name in _heartbeats(config)),
        heartbeat_every=config.policy.heartbeat_every,
        digest=config.policy.digest,
        generation=config.managed.generation,
        grace=config.policy.grace,
        grace_after_alarm=config.policy.grace_after_alarm,
        verify_every=config.policy.verify_every,
        staging_fates=config.owner.staging_fate,
        inventory=tuple(_entries(config)),
        scenarios=tuple(plans.ScenarioPlan(each.name, each.lose, each.compromise) for each in config.scenarios),
    )
    return Derived(plan, dict(_transports(config, config.managed, capabilities)))


def source_file(dataset: str) -> str:
    """The name of a source's transport file. Ids hold no dots, so names cannot collide."""
    return f"dataset.{dataset}.source.json"


def destination_file(dataset: str, destination: str) -> str:
    """The name of a destination's transport file."""
    return f"dataset.{dataset}.{destination}.json"


def metadata_file(stash: str) -> str:
    """The name of a metadata stash's transport file."""
    return f"metadata.{stash}.json"


def notify_file(address: str) -> str:
    """The name of the file with one address for notices."""
    return f"notify.{address}.json"


def data_key(managed: Managed, dataset: str, destination: str) -> DataKey | None:
    """The generated keys of a destination, by its uid; a config of version 0.1.0 has them by name."""
    if not managed.places:
        return managed.data_keys.get(place_name(dataset, destination))
    return managed.data_keys.get(managed.place(dataset, destination).uid)


def needed_hosts(config: Config, capabilities: ProtocolCapabilities) -> tuple[str, ...]:
    """The SSH servers, "host:port", whose keys are not pinned yet, in the order of the config, each once."""
    pinned = config.managed.hosts if config.managed else {}
    hosts = (host for stash in _stashes(config) for host in _hosts(stash, capabilities))
    return tuple(dict.fromkeys(host for host in hosts if host not in pinned))


def needed_tls_hosts(config: Config, capabilities: ProtocolCapabilities) -> tuple[tuple[str, int, str], ...]:
    """The TLS servers (host, port, how) without a pinned certificate; they need none if an authority vouches for theirs."""
    pinned = config.managed.hosts if config.managed else {}
    hosts = (host for stash in _stashes(config) for each in _reached(stash, capabilities) for host in each.tls_hosts())
    return tuple(dict.fromkeys(host for host in hosts if f"{host[0]}:{host[1]}" not in pinned))


def needed_data_keys(config: Config, capabilities: ProtocolCapabilities) -> tuple[str, ...]:
    """The destinations, "dataset/destination", for which a password must be generated."""
    return tuple(
        place_name(dataset, each.id)
        for dataset, each in _destinations(config)
        if _wants_secret(each, capabilities) and not ((key := _key(config, dataset, each.id)) and key.password)
    )


def needed_archive_keys(config: Config) -> tuple[str, ...]:
    """The destinations, "dataset/destination", for which keys of encrypted archives must be generated."""
    return tuple(
        place_name(dataset, each.id)
        for dataset, each in _destinations(config)
        if each.encryption == "gpg" and not ((key := _key(config, dataset, each.id)) and key.archive)
    )


def archive_keys(key: ArchiveKey) -> Transport:
    """What a worker gets to make archives: nothing that opens one."""
    return key.model_dump(include={"fingerprint", "public_key", "verify_key", "signing_key"})


def private_archive_keys(config: Config, dataset: str) -> dict[str, Transport]:
    """What a worker gets besides to read archives, by destination: those of one dataset that keep encrypted archives."""
    return {
        destination.id: key.archive.model_dump(include={"private_key", "passphrase"})
        for name, destination in _destinations(config)
        if name == dataset and destination.encryption == "gpg"
        if (key := _key(config, dataset, destination.id)) and key.archive
    }


def _key(config: Config, dataset: str, destination: str) -> DataKey | None:
    return data_key(config.managed, dataset, destination) if config.managed else None


def _destinations(config: Config) -> Iterator[tuple[str, Destination]]:
    for dataset in config.datasets:
        for destination in dataset.destinations:
            yield dataset.id, destination


def _wants_secret(destination: Destination, capabilities: ProtocolCapabilities) -> bool:
    """Whether Paradux makes the password of what the protocol encrypts, because the owner gives none."""
    key = capabilities[destination.protocol].traits.generates
    return bool(key) and not given(destination.settings, key)


def _stashes(config: Config) -> Iterator[Stash]:
    for dataset in config.datasets:
        yield dataset.source
        yield from dataset.destinations
    yield from config.metadata_stashes


def _hosts(stash: Stash, capabilities: ProtocolCapabilities) -> list[str]:
    """The SSH servers that a worker may meet at this stash, its kit access included."""
    return [f"{host}:{port}" for each in _reached(stash, capabilities) for host, port in each.ssh_hosts()]


def _reached(stash: Stash, capabilities: ProtocolCapabilities) -> Iterator[ProtocolSettings]:
    """The settings with which the stash is reached: its own, and those of its kit access."""
    yield settings_of(stash, capabilities)
    if isinstance(stash, MetadataStash) and stash.kit_access is not None:
        yield _kit(stash, capabilities)


def _pinned(stash: Stash, managed: Managed, capabilities: ProtocolCapabilities) -> dict[str, list[str]]:
    """The pinned keys and certificates of the servers of this stash, by "host:port"."""
    tls = (f"{host}:{port}" for each in _reached(stash, capabilities) for host, port, _ in each.tls_hosts())
    return {host: list(managed.hosts[host]) for host in (*_hosts(stash, capabilities), *tls) if host in managed.hosts}


def _kit(stash: MetadataStash, capabilities: ProtocolCapabilities) -> ProtocolSettings:
    return capabilities[stash.protocol].settings.model_validate(_kit_plain(stash, capabilities))


def _kit_plain(stash: MetadataStash, capabilities: ProtocolCapabilities) -> Transport | None:
    if stash.kit_access is None:
        return None
    return kit_settings(stash.settings, stash.kit_access.model_dump(mode="json"), capabilities[stash.protocol].settings)


def _timing(stash: Source | Destination) -> plans.Timing | None:
    if stash.every is None and stash.cron is None:
        return None
    return plans.Timing(stash.every, stash.cron)


def _recovery_keys(managed: Managed) -> Iterator[plans.RecoveryKey]:
    for part in (managed, managed.rotation):
        if part is not None:
            yield plans.RecoveryKey(part.recovery.epoch, part.recovery.fingerprint, part.recovery.public_key)


def _rotation(managed: Managed) -> plans.RotationPlan | None:
    if managed.rotation is None:
        return None
    return plans.RotationPlan(managed.rotation.recovery.epoch, managed.rotation.started, managed.rotation.confirmed)


def _dataset(dataset: Dataset, config: Config, capabilities: ProtocolCapabilities) -> plans.DatasetPlan:
    managed = _managed(config)
    source = settings_of(dataset.source, capabilities)
    place = managed.place(dataset.id, "source")
    staging = dataset.staging or source.local_path()
    if staging is None:
        raise ValueError("a dataset without staging must come from a directory of this machine")
    return plans.DatasetPlan(
        id=dataset.id,
        description=dataset.description,
        source=plans.SourcePlan(
            protocol=dataset.source.protocol,
            place=source.place(),
            transport=source_file(dataset.id),
            timing=_timing(dataset.source),
            fates=dataset.source.fate,
            in_place=dataset.staging is None,
            window=dataset.source.window,
            uid=place.uid,
            since=place.since,
            plain_files=capabilities[dataset.source.protocol].traits.plain_files,
            root=source.root(),
            here=source.local_path() is not None,
        ),
        staging=str(PurePosixPath(staging)),
        guard=plans.Guard(dataset.guard.max_removed, dataset.guard.max_changed),
        destinations=tuple(_destination(dataset.id, each, config, capabilities) for each in dataset.destinations),
        uid=managed.place(dataset.id, "").uid,
        staging_uid=managed.place(dataset.id, "staging").uid,
    )


def _destination(
    dataset: str, destination: Destination, config: Config, capabilities: ProtocolCapabilities
) -> plans.DestinationPlan:
    place = _managed(config).place(dataset, destination.id)
    return plans.DestinationPlan(
        id=destination.id,
        protocol=destination.protocol,
        place=settings_of(destination, capabilities).place(),
        transport=destination_file(dataset, destination.id),
        timing=_timing(destination),
        fates=destination.fate,
        encryption=capabilities[destination.protocol].encryption(destination.encryption),
        keep=plans.Keep(**destination.keep.model_dump()),
        window=destination.window,
        uid=place.uid,
        since=place.since,
        formerly=place.formerly,
        beside=_stashes_beside(destination, config, capabilities),
        plain_files=capabilities[destination.protocol].traits.plain_files,
        fetch=destination.fetch,
        protects=destination.protects,
        bandwidth=destination.bandwidth,
    )


def _metadata(stash: MetadataStash, config: Config, capabilities: ProtocolCapabilities) -> plans.MetadataPlan:
    place = _managed(config).place("", stash.id)
    return plans.MetadataPlan(
        id=stash.id,
        protocol=stash.protocol,
        place=settings_of(stash, capabilities).place(),
        transport=metadata_file(stash.id),
        fates=stash.fate,
        uid=place.uid,
        since=place.since,
        beside=_archives_beside(stash, config, capabilities),
        kit_access=stash.kit_access is not None,
    )


def _steward(steward: Steward) -> plans.StewardPlan:
    return plans.StewardPlan(
        steward.id, steward.name, steward.fate, steward.accepted_on, steward.fetch, steward.handed_over
    )


def _entries(config: Config) -> Iterator[plans.EntryPlan]:
    """The inventory as ids and what gives access to what: nothing that is written in it."""
    for entry in config.inventory:
        if entry.id is not None:
            yield plans.EntryPlan(entry.id, entry.fate, bool(entry.password), entry.needs, entry.reset_by)


def _managed(config: Config) -> Managed:
    """What Paradux has generated; only answers have none, and `derive` takes no answers."""
    if config.managed is None:
        raise ValueError("answers are no saved config")
    return config.managed


def _stashes_beside(destination: Destination, config: Config, capabilities: ProtocolCapabilities) -> tuple[str, ...]:
    """The metadata stashes in whose folder these archives lie: names of objects tell them apart, and one marker serves both."""
    if destination.encryption != "gpg":
        return ()
    here = address(destination, capabilities)
    stashes = (stash for stash in config.metadata_stashes if address(stash, capabilities) == here)
    return tuple(_managed(config).place("", stash.id).uid for stash in stashes)


def _archives_beside(stash: MetadataStash, config: Config, capabilities: ProtocolCapabilities) -> tuple[str, ...]:
    """The encrypted archives in the folder of a metadata stash."""
    here = address(stash, capabilities)
    return tuple(
        _managed(config).place(dataset, each.id).uid
        for dataset, each in _destinations(config)
        if each.encryption == "gpg" and address(each, capabilities) == here
    )


def _transports(
    config: Config, managed: Managed, capabilities: ProtocolCapabilities
) -> Iterator[tuple[str, Transport]]:
    for dataset in config.datasets:
        yield source_file(dataset.id), _limited(dataset.source, managed, capabilities)
        for destination in dataset.destinations:
            key = data_key(managed, dataset.id, destination.id)
            transport = _limited(destination, managed, capabilities)
            transport["secret"] = key.password if key and _wants_secret(destination, capabilities) else ""
            if key and key.repository:
                transport["key_file"] = key.repository.key_file
            if key and key.archive and destination.encryption == "gpg":
                transport["archive"] = archive_keys(key.archive)
            yield destination_file(dataset.id, destination.id), transport
    for stash in config.metadata_stashes:
        yield (
            metadata_file(stash.id),
            {**_transport(stash, managed, capabilities), "kit_access": _kit_plain(stash, capabilities)},
        )
    for name, url in {**_addresses(config), **_heartbeats(config)}.items():
        yield notify_file(name), {"address": url}


def _addresses(config: Config) -> dict[str, str]:
    """Addresses for notices by what they are called: "mailto-1" is the first one, and a mailto."""
    kinds = (re.sub(r"[^a-z0-9]+", "-", address.partition(":")[0]) for address in config.notify)
    return {f"{kind}-{number}": config.notify[number - 1] for number, kind in enumerate(kinds, 1)}


def _heartbeats(config: Config) -> dict[str, str]:
    """Addresses of watchdogs by what they are called."""
    return {f"heartbeat-{number}": address for number, address in enumerate(config.heartbeat, 1)}


def _limited(stash: Source | Destination, managed: Managed, capabilities: ProtocolCapabilities) -> Transport:
    transport = _transport(stash, managed, capabilities)
    limits = {"bandwidth": stash.bandwidth, "memory": stash.memory}
    return {**transport, **{name: limit for name, limit in limits.items() if limit is not None}}


def _transport(stash: Stash, managed: Managed, capabilities: ProtocolCapabilities) -> Transport:
    return {
        "protocol": stash.protocol,
        "settings": stash.settings,
        "host_keys": _pinned(stash, managed, capabilities),
        "secret": "",
    }
