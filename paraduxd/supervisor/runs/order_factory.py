"""Makes the order of one run from the plan and from what the journal remembers. Formats: `core/runs/orders.py`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies.results import Published, Pulled, Pushed
from paraduxd.core.plan.model import UNPROTECTED, DatasetPlan, DestinationPlan, MetadataPlan, Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.core.recovery import drills
from paraduxd.core.runs import conditions, unread
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.core.runs.orders import Order, Step
from paraduxd.core.runs.queue import STAGING, Request
from paraduxd.core.runs.requests import SOURCE
from paraduxd.effects.files import scratch
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.runs import protection

MAINTENANCE = timedelta(days=1)
"""A destination reclaims space at most once in this time."""

SMALL = 1 << 30
"""Bytes of a version that is read back whenever something is to be removed."""

YEAR = 365 * 86400
"""Seconds in which scheduled checks have read every byte."""

SEEN = "seen"

CUT_OFF = ("failed", "interrupted", "cancelled")
"""States of a pull that may have changed staging without telling how much."""


@dataclass(frozen=True)
class OrderFactory:
    """What every order is made from. `transports`: the directory of the transport files; `stick_folders`: where folders stand
    for disks ("": nowhere)."""

    plan: Plan
    journal: Journal
    state: StatePlaces
    transports: Path
    stick_folders: str = ""

    def order(self, request: Request, arguments: Mapping[str, Any], now: datetime) -> Order:
        """The order for the request; `arguments` are those that came with it. Its location is in the plan."""
        dataset = self.plan.dataset(request.dataset)
        more: dict[str, Any] = {"cache": str(self.state.cache), "files": self._files(dataset)} if dataset else {}
        if dataset is not None and request.step == Step.PULL:
            more |= self._pull(dataset)
        elif dataset is not None and request.step in (Step.PUSH, Step.PRUNE):
            more |= self._push(dataset, request.location, now)
        elif dataset is not None and request.step == Step.VERIFY:
            (destination,) = [each for each in dataset.destinations if each.id == request.location]
            more |= {
                "known_versions": self._known_versions(dataset, destination),
                "index": self._index(dataset, destination),
                "protects": destination.protects,
                **({} if "deep" in arguments else self._part(destination)),
            }
        elif dataset is not None and request.step in (Step.LIST, Step.RESTORE, Step.VERSIONS):
            more |= self._reading(dataset, request)
        elif request.step == Step.REHEARSE:
            more = self._rehearsal(dataset, request.location)
        elif request.step == Step.PUBLISH:
            more = self._publish(request.location)
        elif request.step == Step.KIT_CHECK:
            more = {"owner": self.plan.owner, "keys": [asdict(key) for key in self.plan.recovery_keys]}
        if place := self._marked_place(dataset, request):
            more |= {"identity": self._identity(place, request.key)}
        if self.stick_folders and uuid_of(request.place):
            more |= {"stick_folders": self.stick_folders}
        return Order(
            request.number,
            request.step,
            request.dataset,
            request.location,
            self._transport(dataset, request.step, request.location),
            dataset.staging if dataset else "",
            {**more, **arguments},
            disk=bool(uuid_of(request.place) or arguments.get("device")),
            staging_uid=dataset.staging_uid if dataset else "",
            in_place=bool(dataset and dataset.source.in_place),
            pulled=bool(dataset and self._was_pulled(dataset)),
            others=tuple(each.staging for each in self.plan.datasets if each.id != request.dataset),
        )

    def _reading(self, dataset: DatasetPlan, request: Request) -> dict[str, object]:
        """For whoever reads versions, or staging; and what was mounted in the source, for whoever writes there."""
        found: dict[str, object] = {"mounts": list(self._pulled(dataset).mounts)}
        for destination in dataset.destinations:
            if destination.id == request.location != STAGING:
                found |= {
                    "known_versions": self._known_versions(dataset, destination),
                    "index": self._index(dataset, destination),
                }
        return found

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

    def _identity(self, place: DestinationPlan | MetadataPlan, key: Key) -> dict[str, Any]:
        written = Step.PUBLISH if key[0] == "" else Step.PUSH
        last = self.journal.latest((key[0], written, key[2])).result
        return {
            "owner": self.plan.owner,
            "place": place.uid,
            "formerly": place.formerly if isinstance(place, DestinationPlan) else "",
            "beside": list(place.beside),
            "instance": self.plan.instance,
            "generation": self.plan.generation,
            "outbox": str(self.state.outbox),
            "marked": isinstance(last, Published | Pushed) and last.marked,
        }

    def _transport(self, dataset: DatasetPlan | None, step: str, location: str) -> str:
        addresses = {Step.NOTIFY: self.plan.notify, Step.HEARTBEAT: self.plan.heartbeat}.get(Step(step), ())
        names = {address.id: address.transport for address in addresses}
        names = names or {stash.id: stash.transport for stash in self.plan.metadata_stashes}
        if dataset is not None:
            names = {destination.id: destination.transport for destination in dataset.destinations}
            names[SOURCE] = dataset.source.transport
        name = names.get(location, "")
        return str(self.transports / name) if name else ""

    def _publish(self, stash: str) -> dict[str, Any]:
        last = self.journal.latest(("", Step.PUBLISH, stash)).told(Published)
        return {
            "known_serial": last.serial,
            "outbox": str(self.state.outbox),
            "serial": self.plan.serial,
            "epochs": list(self.plan.epochs),
            "ended": [asdict(past) for past in self.plan.ended],
        }

    def _pull(self, dataset: DatasetPlan) -> dict[str, Any]:
        key, known = (dataset.id, Step.PULL, SOURCE), self._pulled(dataset)
        approval = self.journal.approval(dataset.id)
        return {
            "guard": asdict(dataset.guard),
            "known_files": known.files,
            "allowed": asdict(approval) if approval else None,
            "index": str(self._seen(dataset)),
            "since": self._end_of_last_good(key),
            "staged_as": staging_fact(dataset),
            "mounts": list(known.mounts),
            "mounts_looked": known.mounts_looked,
        }

    def _files(self, dataset: DatasetPlan) -> int | None:
        """As the last good pull has counted them; nothing that a place says of itself."""
        return self._pulled(dataset).files

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

    def _push(self, dataset: DatasetPlan, location: str, now: datetime) -> dict[str, Any]:
        (destination,) = [each for each in dataset.destinations if each.id == location]
        pulled = self.journal.latest((dataset.id, Step.PULL, SOURCE))
        missing = unread.of_pull(pulled.told(Pulled))
        return {
            "keep": asdict(destination.keep),
            "known_versions": self._known_versions(dataset, destination),
            "pushed_before": self.journal.latest((dataset.id, Step.PUSH, location)).last_success is not None,
            "index": self._index(dataset, destination),
            "held": destination.protects != UNPROTECTED,  # this machine removes nothing there
            "grace": self.plan.grace,
            "protected_until": protection.protected_until(self.journal, self.plan, now),
            "read_back": self._may_read_back(dataset, destination, now),
            "guard": asdict(dataset.guard),
            "prune": self._maintenance_due((dataset.id, Step.PUSH, location), now),
            "suspect": self._is_suspect(dataset.id, location),
            "unread": list(missing.names),
            "unread_count": missing.count,
            "pulled": None if dataset.source.in_place else pulled.last_success,
        }

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

    def _part(self, destination: DestinationPlan) -> dict[str, Any]:
        """Which part of the data a scheduled check reads: all of them come round within a year."""
        parts = max(1, round(YEAR / (self.plan.verify_every or YEAR)))
        done = self.journal.fact(part_fact(destination.uid))
        return {"deep": False, "part": done % parts if isinstance(done, int) else 0, "parts": parts}

    def _rehearsal(self, dataset: DatasetPlan | None, location: str) -> dict[str, Any]:
        """Unattended: a small sample, or what was published against what was sent. No cache of production is used."""
        more: dict[str, Any] = {"scratch": str(scratch.BASE), "mark": scratch.mark_of(self.state.directory)}
        if dataset is None:
            return {**more, "outbox": str(self.state.outbox), "serial": self.plan.serial, "epoch": self.plan.epoch}
        (destination,) = [each for each in dataset.destinations if each.id == location]
        return {
            **more,
            "sample": asdict(drills.ROUTINE),
            "known_versions": self._known_versions(dataset, destination),
            "protects": destination.protects,
        }

    def _known_versions(self, dataset: DatasetPlan, destination: DestinationPlan) -> list[Any]:
        """As the last push or the last look at the destination reported them, whichever is newer."""
        steps = (Step.PUSH, Step.VERSIONS, Step.PRUNE)
        reports = [self.journal.latest((dataset.id, step, destination.id)) for step in steps]
        newest = max(reports, key=lambda latest: latest.last_success or "")
        return [asdict(each) for each in conditions.versions_of(newest) or ()]

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
