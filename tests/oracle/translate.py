"""A family of the oracle's as the inputs of the code under test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from paraduxd.api.replies.results import Listed, Published, Pulled, Pushed, Rehearsal, Result, Verified, Version
from paraduxd.core.plan.model import (
    DatasetPlan,
    DestinationPlan,
    MetadataPlan,
    Plan,
    RotationPlan,
    SourcePlan,
    StewardPlan,
    Timing,
)
from paraduxd.core.recovery.kit_records import Kit as KitFact
from paraduxd.core.runs.facts import Daemon, Drills, Facts, Key, Latest, SeenCopy, SeenStash
from paraduxd.core.runs.guard.holds import Hold
from paraduxd.core.runs.orders import Failed
from tests.oracle.family import (
    DISK,
    MACHINE,
    Dataset,
    Destination,
    Drill,
    Family,
    Form,
    Holding,
    Proof,
    Stash,
    Steward,
    Tries,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = 3600


def plan(family: Family) -> Plan:
    """What the supervisor of this family runs by."""
    return Plan(
        serial=family.serial,
        saved=_time(1000.0),
        epoch=family.epoch,
        owner="owner",
        instance="instance",
        shares_required=family.required,
        unattended=family.unattended,
        owner_fates=family.machine,
        datasets=tuple(map(_dataset, family.datasets)),
        metadata_stashes=tuple(map(_stash, family.stashes)),
        stewards=tuple(StewardPlan(each.name, each.name, each.labels) for each in family.stewards),
        rotation=RotationPlan(family.epoch + 1, _time(50.0)) if family.rotating else None,
        kits_written=any(each.kit for each in family.stewards),
        generation=2 if family.recovered else 1,
        verify_every=None,
    )


def facts(family: Family) -> Facts:
    """What the supervisor of this family has seen."""
    return Facts(
        daemon=Daemon("0", 1, _time(2000.0), "userspace"),
        latest={key: latest for key, latest in _latest(family) if latest != Latest()},
        holds={each.name: Hold("changed", "held") for each in family.datasets if each.held},
        kits={each.name: kit for each in family.stewards if (kit := _kit(each))},
        transport_ready=family.credentials_there,
        drills=_drills(family.drill),
        own_names=frozenset(family.names),
    )


def _drills(drill: Drill | None) -> Drills:
    if drill is None:
        return Drills()
    ended = _time(drill.age)
    return Drills(
        ended,
        drill.epoch,
        drill.serial,
        tuple(SeenCopy(each.dataset, each.place, _uid(each), "a", ended) for each in drill.restored),
        tuple(SeenStash(each.place, _uid(each), drill.serial, ended) for each in drill.opened),
        drill.by_kit,
    )


def _uid(proof: Proof) -> str:
    """That of the place, or of another one that had its name."""
    return f"{proof.dataset}/{proof.place}" if proof.same else "another"


def _dataset(dataset: Dataset) -> DatasetPlan:
    source = dataset.source
    return DatasetPlan(
        dataset.name,
        dataset.name,
        SourcePlan(
            "disk" if source.form is Form.IN_HAND else "rsync",
            _address(source.address),
            f"{dataset.name}.source",
            _timing(source.every),
            source.labels,
            source.in_place,
            uid=f"{dataset.name}/source",
            since=source.since,
            plain_files=source.form is Form.IN_HAND,
        ),
        f"/srv/{dataset.name}",
        destinations=tuple(_destination(dataset.name, each) for each in dataset.destinations),
        uid=f"{dataset.name}/",
        staging_uid=f"{dataset.name}/staging",
    )


def _destination(dataset: str, destination: Destination) -> DestinationPlan:
    protocol, encryption = _protocol(destination)
    return DestinationPlan(
        destination.name,
        protocol,
        _address(destination.address),
        f"{dataset}.{destination.name}",
        _timing(destination.every),
        destination.labels,
        encryption,
        uid=f"{dataset}/{destination.name}",
        since=destination.since,
        plain_files=destination.form is Form.IN_HAND,
    )


def _protocol(destination: Destination) -> tuple[str, str]:
    """Protocol and encryption of a destination."""
    if destination.address.startswith(DISK):
        return "removable", "gpg" if destination.form is Form.SEALED else "none"
    if destination.form is Form.SEALED:
        return "disk" if destination.address == MACHINE else "sftp", "gpg"
    found = {Form.IN_HAND: ("disk", "none"), Form.CLEAR_AWAY: ("rsync", "none"), Form.KEYED: ("restic", "restic")}
    return found[destination.form]


def _stash(stash: Stash) -> MetadataPlan:
    away = "removable" if stash.address.startswith(DISK) else "sftp"
    protocol = "disk" if stash.address == MACHINE else away
    return MetadataPlan(
        stash.name,
        protocol,
        _address(stash.address),
        f"metadata.{stash.name}",
        stash.labels,
        f"/{stash.name}",
        stash.since,
    )


def _address(address: str) -> str:
    if address == MACHINE:
        return "local"
    return f"removable:{address.removeprefix(DISK)}" if address.startswith(DISK) else address


def _timing(every: int | None) -> Timing | None:
    return None if every is None else Timing(every * HOUR)


def _kit(steward: Steward) -> KitFact | None:
    kit = steward.kit
    if kit is None:
        return None
    problems = ("a file is damaged",) if kit.damaged else ()
    return KitFact(kit.epoch, _time(kit.age), _time(kit.age), None, kit.serial, kit.void, problems)


def _latest(family: Family) -> Iterator[tuple[Key, Latest]]:
    for stash in family.stashes:
        yield ("", "publish", stash.name), _publishing(stash)
        yield ("", "rehearse", stash.name), _reading(stash)
    for dataset in family.datasets:
        yield (dataset.name, "pull", "source"), _runs(dataset.source.pulled, Pulled(9, 900))
        for each in dataset.destinations:
            yield from _runs_at(dataset.name, each)


def _runs_at(dataset: str, destination: Destination) -> Iterator[tuple[Key, Latest]]:
    version = Version("a", _time(50.0) or "", 9, 900)
    seen = Listed(() if destination.empty else (version,))
    yield (dataset, "push", destination.name), _runs(destination.pushed, Pushed("a", (version,), files=9, bytes=900))
    yield (dataset, "verify", destination.name), _runs(destination.verified, Verified(9, 900, deep=True))
    yield (dataset, "rehearse", destination.name), _runs(destination.rehearsed, Rehearsal("a", files=9, bytes=900))
    yield (dataset, "versions", destination.name), _runs(destination.seen, seen)


def _publishing(stash: Stash) -> Latest:
    failing = Tries(None, 2.0, 3, "unreachable") if stash.publishing_fails else Tries()
    return _holding(stash.published, failing)


def _reading(stash: Stash) -> Latest:
    """A rehearsal that failed before the last good one says nothing any more."""
    failed = stash.unread
    if failed.tried is None or (stash.read is not None and stash.read.age < failed.tried):
        return _holding(stash.read, Tries())
    return _holding(stash.read, failed)


def _holding(holding: Holding | None, failing: Tries) -> Latest:
    if holding is None:
        return _runs(failing)
    serial, epochs = holding.serial, list(holding.epochs)
    tries = Tries(holding.age, failing.tried if failing.failing else holding.age, failing.failures, failing.code)
    return _runs(tries, Published(serial, epochs[0], tuple(epochs)))


def _runs(tries: Tries, result: Result | None = None) -> Latest:
    """The last runs of a step."""
    if tries.tried is None:
        return Latest()
    error = Failed(tries.code, "it did not work", "try again") if tries.failing else None
    well = None if tries.well is None else _time(tries.well)
    state = "failed" if tries.failing else "done"
    return Latest(well, _time(tries.tried), tries.failures, error, result if well else None, state)


def _time(age: float) -> str:
    return (NOW - timedelta(hours=age)).isoformat()
