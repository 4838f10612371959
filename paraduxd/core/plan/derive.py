"""From a config to what runs: the plan, which holds no secret, and one transport file per stash, which holds that stash's.

Everything here expects a config that `validate.check` has accepted with the same capabilities.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.addresses import address, settings_of
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.models import (
    Config,
    Dataset,
    Destination,
    Managed,
    MetadataStash,
    Source,
    Steward,
)
from paraduxd.core.plan import model as plans
from paraduxd.core.plan import terms
from paraduxd.core.plan.data_keys import destinations_of
from paraduxd.core.plan.derive_transports import heartbeat_addresses, notice_addresses, transports
from paraduxd.core.plan.transport import Transport, destination_file, metadata_file, notify_file, source_file


@dataclass(frozen=True)
class Derived:
    """The plan, and what is in each transport file by its name."""

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
        ended=tuple(terms.EndedEpoch(past.epoch, past.key_sha256) for past in config.managed.past_epochs),
        recovery_keys=tuple(_recovery_keys(config.managed)),
        kits_written=config.managed.kits_written,
        notify=tuple(plans.NotifyPlan(name, notify_file(name)) for name in notice_addresses(config)),
        notify_after=config.policy.notify_after,
        heartbeat=tuple(plans.NotifyPlan(name, notify_file(name)) for name in heartbeat_addresses(config)),
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
    return Derived(plan, dict(transports(config, config.managed, capabilities)))


def _timing(stash: Source | Destination) -> plans.Timing | None:
    if stash.every is None and stash.cron is None:
        return None
    return plans.Timing(stash.every, stash.cron)


def _recovery_keys(managed: Managed) -> Iterator[terms.RecoveryKey]:
    for part in (managed, managed.rotation):
        if part is not None:
            yield terms.RecoveryKey(part.recovery.epoch, part.recovery.fingerprint, part.recovery.public_key)


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
        guard=terms.Guard(dataset.guard.max_removed, dataset.guard.max_changed),
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
        keep=terms.Keep(**destination.keep.model_dump()),
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
        for dataset, each in destinations_of(config)
        if each.encryption == "gpg" and address(each, capabilities) == here
    )
