"""Makes the order of one run from the plan and from what the journal remembers. Formats: `core/runs/orders.py`."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, assert_never

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies.results import Published, Pulled, Pushed, Version
from paraduxd.core.devices.stick_arguments import KitCheckArguments
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, MetadataPlan, Plan
from paraduxd.core.plan.terms import UNPROTECTED
from paraduxd.core.primitives import timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.core.recovery import drill_judgement
from paraduxd.core.recovery.rehearsal_arguments import RehearseArguments
from paraduxd.core.runs import conditions, unread
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.core.runs.order_arguments import (
    NoArguments,
    PlaceIdentity,
    PublishArguments,
    PullArguments,
    PushArguments,
    Reach,
    ReadArguments,
    VerifyArguments,
)
from paraduxd.core.runs.orders import Order, Step
from paraduxd.core.runs.queue import STAGING, Request
from paraduxd.core.runs.requests import SOURCE
from paraduxd.effects.files import scratch
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.runs import alarms

MAINTENANCE = timedelta(days=1)
"""A destination reclaims space at most once in this time."""

SMALL = 1 << 30
"""Bytes of a version that is read back whenever something is to be removed."""

YEAR = 365 * 86400
"""Seconds in which scheduled checks have read every byte."""

SEEN = "seen"

CUT_OFF = ("failed", "interrupted", "cancelled")
"""States of a pull that may have changed staging without telling how much."""


DatasetStep = Literal[Step.PULL, Step.PUSH, Step.PRUNE, Step.VERIFY, Step.LIST, Step.RESTORE, Step.VERSIONS]

StepArguments = (
    PullArguments
    | PushArguments
    | VerifyArguments
    | ReadArguments
    | PublishArguments
    | RehearseArguments
    | KitCheckArguments
    | NoArguments
)


@dataclass(frozen=True)
class OrderFactory:
    """What every order is made from. `transports`: the directory of the transport files; `stick_folders`: where folders stand
    for disks ("": nowhere)."""

    plan: Plan
    journal: Journal
    state: StatePlaces
    transports: Path
    stick_folders: str = ""

    def order(self, request: Request, arguments: JsonObject, now: datetime) -> Order:
        """The order for the request; `arguments` are those that came with it. Its location is in the plan."""
        dataset = self.plan.dataset(request.dataset)
        told = self._arguments(dataset, request, now, asked_how="deep" in arguments)
        return Order(
            request.number,
            request.step,
            request.dataset,
            request.location,
            self._transport(dataset, request.step, request.location),
            dataset.staging if dataset else "",
            {**self._reach(dataset, request), **to_json_value(told), **arguments},
            disk=bool(uuid_of(request.place) or arguments.get("device")),
            staging_uid=dataset.staging_uid if dataset else "",
            in_place=bool(dataset and dataset.source.in_place),
            pulled=bool(dataset and self._was_pulled(dataset)),
            others=tuple(each.staging for each in self.plan.datasets if each.id != request.dataset),
        )

    def _reach(self, dataset: DatasetPlan | None, request: Request) -> JsonObject:
        """The fields of `Reach` that are known. A rehearsal uses nothing that production has."""
        place = self._marked_place(dataset, request)
        reach = Reach(
            cache=str(self.state.cache) if dataset and request.step != Step.REHEARSE else None,
            counted=self._pulled(dataset).files if dataset and request.step != Step.REHEARSE else None,
            index=self._remembered(dataset, request) if dataset else None,
            identity=self._identity(place, request.key) if place else None,
            stick_folders=self.stick_folders if self.stick_folders and uuid_of(request.place) else None,
        )
        known = {name: to_json_value(getattr(reach, name)) for name in ("cache", "index", "identity", "stick_folders")}
        counted = {"counted": reach.counted} if reach.cache else {}
        return {**counted, **{name: value for name, value in known.items() if value is not None}}

    def _remembered(self, dataset: DatasetPlan, request: Request) -> str | None:
        """Where the guard, or a destination, keeps what it remembers."""
        if request.step == Step.PULL:
            return str(self._seen(dataset))
        found = [each for each in dataset.destinations if each.id == request.location]
        return self._index(dataset, found[0]) if found and request.step != Step.REHEARSE else None

    def _arguments(
        self, dataset: DatasetPlan | None, request: Request, now: datetime, *, asked_how: bool
    ) -> StepArguments:
        """What the step is told. `asked_how`: who asked for a check said how deep it goes."""
        step = Step(request.step)
        match step:
            case Step.PULL | Step.PUSH | Step.PRUNE | Step.VERIFY | Step.LIST | Step.RESTORE | Step.VERSIONS:
                return self._of_dataset(step, dataset, request, now, asked_how) if dataset else NoArguments()
            case Step.REHEARSE:
                return self._rehearsal(dataset, request.location)
            case Step.PUBLISH:
                return self._publish(request.location)
            case Step.KIT_CHECK:
                return KitCheckArguments(self.plan.recovery_keys, self.plan.owner)
            case Step.NOTIFY | Step.HEARTBEAT | Step.HOSTKEYS:  # told by whoever asks
                return NoArguments()
            case Step.FETCH | Step.TRY | Step.NOTIFY_CHECK | Step.KIT_LOOK | Step.KIT_WRITE | Step.KIT_READ:
                return NoArguments()  # of the keeper's own workers
            case _:
                assert_never(step)

    def _of_dataset(
        self, step: DatasetStep, dataset: DatasetPlan, request: Request, now: datetime, asked_how: bool
    ) -> StepArguments:
        match step:
            case Step.PULL:
                return self._pull(dataset)
            case Step.PUSH | Step.PRUNE:
                return self._push(dataset, request.location, now)
            case Step.VERIFY:
                return self._verify(dataset, self._destination(dataset, request.location), whole=asked_how)
            case Step.LIST | Step.RESTORE | Step.VERSIONS:
                return self._reading(dataset, request)
            case _:
                assert_never(step)

    def _destination(self, dataset: DatasetPlan, location: str) -> DestinationPlan:
        (destination,) = [each for each in dataset.destinations if each.id == location]
        return destination

    def _reading(self, dataset: DatasetPlan, request: Request) -> ReadArguments:
        """For whoever reads versions, or staging; and what was mounted in the source, for whoever writes there."""
        found = [each for each in dataset.destinations if each.id == request.location != STAGING]
        known = self._known_versions(dataset, found[0]) if found else None
        return ReadArguments(self._pulled(dataset).mounts, known)

    def _was_pulled(self, dataset: DatasetPlan) -> bool:
        """Whether a pull has ever filled this staging directory."""
        if self.journal.fact(staging_fact(dataset)) is not None:
            return True
        return staging_is_filled(dataset, self.journal.latest((dataset.id, Step.PULL, SOURCE)))

    def _marked_place(self, dataset: DatasetPlan | None, request: Request) -> DestinationPlan | MetadataPlan | None:
        """The destination or stash, for a step that looks at its marker."""
        if dataset is not None:
            return next((each for each in dataset.destinations if each.id == request.location), None)
        if request.step not in (Step.PUBLISH, Step.REHEARSE):
            return None
        return next((each for each in self.plan.metadata_stashes if each.id == request.location), None)

    def _identity(self, place: DestinationPlan | MetadataPlan, key: Key) -> PlaceIdentity:
        written = Step.PUBLISH if key[0] == "" else Step.PUSH
        last = self.journal.latest((key[0], written, key[2])).result
        return PlaceIdentity(
            owner=self.plan.owner,
            place=place.uid,
            instance=self.plan.instance,
            generation=self.plan.generation,
            outbox=str(self.state.outbox),
            marked=isinstance(last, Published | Pushed) and last.marked,
            formerly=place.formerly if isinstance(place, DestinationPlan) else "",
            beside=place.beside,
        )

    def _transport(self, dataset: DatasetPlan | None, step: str, location: str) -> str:
        addresses = {Step.NOTIFY: self.plan.notify, Step.HEARTBEAT: self.plan.heartbeat}.get(Step(step), ())
        names = {address.id: address.transport for address in addresses}
        names = names or {stash.id: stash.transport for stash in self.plan.metadata_stashes}
        if dataset is not None:
            names = {destination.id: destination.transport for destination in dataset.destinations}
            names[SOURCE] = dataset.source.transport
        name = names.get(location, "")
        return str(self.transports / name) if name else ""

    def _publish(self, stash: str) -> PublishArguments:
        last = self.journal.latest(("", Step.PUBLISH, stash)).told(Published)
        outbox, plan = str(self.state.outbox), self.plan
        return PublishArguments(outbox, plan.serial, tuple(plan.epochs), plan.ended, last.serial)

    def _pull(self, dataset: DatasetPlan) -> PullArguments:
        key, known = (dataset.id, Step.PULL, SOURCE), self._pulled(dataset)
        return PullArguments(
            guard=dataset.guard,
            known_files=known.files,
            allowed=self.journal.approval(dataset.id),
            since=self._end_of_last_good(key),
            staged_as=staging_fact(dataset),
            mounts=known.mounts,
            mounts_looked=known.mounts_looked,
        )

    def _pulled(self, dataset: DatasetPlan) -> Pulled:
        """What the last good pull has told, or what is remembered of staging from a source before this one."""
        last = self.journal.latest((dataset.id, Step.PULL, SOURCE)).result
        if isinstance(last, Pulled):
            return last
        return self.journal.fact_as(Pulled, staging_fact(dataset)) or Pulled()

    def _seen(self, dataset: DatasetPlan) -> Path:
        """The file in which a source in place remembers what it has seen, in a directory of its own; a worker may write to no other."""
        folder = self._place_of(dataset.uid, dataset.id)
        moving = folder.with_name(f"{folder.name}.moving")
        with contextlib.suppress(OSError):
            if folder.is_file():  # as earlier versions have it
                folder.rename(moving)
            if moving.is_file():  # also where that was cut off
                folder.mkdir(mode=0o700, exist_ok=True)
                moving.rename(folder / SEEN)
        return folder / SEEN

    def _end_of_last_good(self, key: Key) -> str | None:
        """If the last pull was cut off: when the last good one ended."""
        good, last = self.journal.last(key, ("done",)), self.journal.last(key, ("done", "held", *CUT_OFF))
        return good.ended if good and last and last.state in CUT_OFF else None

    def _push(self, dataset: DatasetPlan, location: str, now: datetime) -> PushArguments:
        destination = self._destination(dataset, location)
        pulled = self.journal.latest((dataset.id, Step.PULL, SOURCE))
        missing = unread.of_pull(pulled.told(Pulled))
        return PushArguments(
            keep=destination.keep,
            known_versions=self._known_versions(dataset, destination),
            held=destination.protects != UNPROTECTED,  # this machine removes nothing there
            pushed_before=self.journal.latest((dataset.id, Step.PUSH, location)).last_success is not None,
            prune=self._maintenance_due((dataset.id, Step.PUSH, location), now),
            grace=self.plan.grace,
            guard=dataset.guard,
            protected_until=alarms.protected_until(self.journal, self.plan, now),
            read_back=self._may_read_back(dataset, destination, now),
            unread=missing.names,
            unread_count=missing.count,
            suspect=self._is_suspect(dataset.id, location),
            pulled=None if dataset.source.in_place else pulled.last_success,
        )

    def _is_suspect(self, dataset: str, location: str) -> bool:
        """Whether damage was found at a destination after the last push to it."""
        pushed = self.journal.latest((dataset, Step.PUSH, location)).last_success or ""
        looks = [self.journal.latest((dataset, step, location)) for step in (Step.VERIFY, Step.REHEARSE)]
        return any(
            look.failures
            and look.error is not None
            and look.error.code == "damaged"
            and (look.last_attempt or "") >= pushed
            for look in looks
        )

    def _may_read_back(self, dataset: DatasetPlan, destination: DestinationPlan, now: datetime) -> bool:
        """Reading a large version back before something is removed is worth it once a day; a small one costs nothing."""
        key = (dataset.id, Step.PUSH, destination.id)
        size = self.journal.latest(key).told(Pushed).bytes
        return (size is not None and size < SMALL) or self._maintenance_due(key, now)

    def _verify(self, dataset: DatasetPlan, destination: DestinationPlan, *, whole: bool) -> VerifyArguments:
        """A scheduled check, which is not of the `whole`, reads one part of the data: all of them come round within a year."""
        known = self._known_versions(dataset, destination)
        told = VerifyArguments(known_versions=known, protects=destination.protects)
        if whole:
            return told
        parts = max(1, round(YEAR / (self.plan.verify_every or YEAR)))
        done = self.journal.fact(part_fact(destination.uid))
        return replace(told, part=done % parts if isinstance(done, int) else 0, parts=parts)

    def _rehearsal(self, dataset: DatasetPlan | None, location: str) -> RehearseArguments:
        """Unattended: a small sample, or what was published against what was sent. No cache of production is used."""
        common = RehearseArguments(str(scratch.BASE), scratch.mark_of(self.state.directory))
        if dataset is None:
            plan = self.plan
            return replace(common, outbox=str(self.state.outbox), serial=plan.serial, epoch=plan.epoch)
        destination = self._destination(dataset, location)
        known = self._known_versions(dataset, destination)
        return replace(common, sample=drill_judgement.ROUTINE, known_versions=known, protects=destination.protects)

    def _known_versions(self, dataset: DatasetPlan, destination: DestinationPlan) -> tuple[Version, ...]:
        """As the last push or the last look at the destination reported them, whichever is newer."""
        steps = (Step.PUSH, Step.VERSIONS, Step.PRUNE)
        reports = [self.journal.latest((dataset.id, step, destination.id)) for step in steps]
        newest = max(reports, key=lambda latest: latest.last_success or "")
        return conditions.versions_of(newest) or ()

    def _index(self, dataset: DatasetPlan, destination: DestinationPlan) -> str:
        """What a destination remembers of its last push, by its uid."""
        return str(self._place_of(destination.uid, dataset.id, destination.id))

    def _place_of(self, uid: str, dataset: str, location: str = "") -> Path:
        """Where something is remembered by its uid; what version 0.1.0 has by its name is taken over."""
        here = self.state.index / uid
        if uid == legacy_uid(dataset, location) and not here.exists():
            with contextlib.suppress(OSError):
                (self.state.index / (f"{dataset}.{location}" if location else dataset)).rename(here)
        return here

    def _maintenance_due(self, key: Key, now: datetime) -> bool:
        last = timestamps.parse(self.journal.fact(maintenance_fact(self.journal, key)))
        return last is None or not timedelta() <= now - last < MAINTENANCE


def maintenance_fact(journal: Journal, key: Key) -> str:
    """Under which name the journal remembers when a destination last reclaimed space."""
    return journal.named("maintenance", key[0], key[2])


def part_fact(uid: str) -> str:
    """Under which name the journal remembers which part of a place's data is read next."""
    return f"part/{uid}"


def changes_fact(journal: Journal, dataset: str) -> str:
    """Under which name the journal remembers when the last pull began that changed staging."""
    return journal.named("changes", dataset)


def staging_fact(dataset: DatasetPlan) -> str:
    """Under which name the journal remembers what staging held after the last good pull, from whatever source."""
    return f"staging/{dataset.staging_uid}"


def staging_is_filled(dataset: DatasetPlan, pulled: Latest) -> bool:
    """Whether staging, where it lies now, was filled by a good pull: before that, nothing may be pushed from it."""
    return pulled.last_success is not None and pulled.told(Pulled).staging == dataset.staging
