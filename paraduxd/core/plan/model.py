"""The plan: what the supervisor needs to run while the vault is locked. It holds no secret.

The keeper derives it from the config (`core/plan/derive.py`) and writes it as JSON; the supervisor reads it. A new config
makes a new plan; nobody edits one. Durations are seconds, sizes bytes, times RFC 3339 in UTC.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import field, replace
from functools import cached_property

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.terms import EndedEpoch, Guard, Keep, RecoveryKey
from paraduxd.core.primitives import disks
from paraduxd.core.primitives.place_identity import legacy_uid, place_name

VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """When something runs: every so many seconds, or by a five-field cron expression in local time."""

    every: int | None = None
    cron: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SourcePlan:
    """Where a dataset comes from. `in_place`: the source is itself what is pushed (a local disk without staging).

    `window`: the hours in which scheduled transfers may start (`core/primitives/time_windows.py`). `root`: the absolute path of the source
    ("": unknown); `here`: it is a directory of this machine.
    """

    protocol: str
    place: str
    transport: str
    timing: Timing | None = None
    fates: tuple[str, ...] = ()
    in_place: bool = False
    window: str | None = None
    uid: str = ""
    since: int = 1
    plain_files: bool | None = None
    root: str = ""
    here: bool = False

    @property
    def needs_no_config(self) -> bool:
        """Whether it is a folder of ordinary files on a disk, for whoever holds that; earlier versions did not write down which are."""
        return disks.is_here(self.place) if self.plain_files is None else self.plain_files


@dataclasses.dataclass(frozen=True, slots=True)
class DestinationPlan:
    """One destination of a dataset. `place` is what the limit per place counts: a host, or "local"; `window` as of a source.

    `fetch`: seconds until it is at hand; `protects`: "none", "append-only" or "object-lock", what the credentials of this machine cannot
    undo there; `bandwidth`: bytes per second at most.
    """

    id: str
    protocol: str
    place: str
    transport: str
    timing: Timing | None = None
    fates: tuple[str, ...] = ()
    encryption: str = "none"
    keep: Keep = field(default_factory=Keep)
    window: str | None = None
    uid: str = ""
    since: int = 1
    formerly: str = ""
    beside: tuple[str, ...] = ()
    plain_files: bool | None = None
    fetch: int | None = None
    protects: str = "none"
    bandwidth: int | None = None

    @property
    def needs_no_config(self) -> bool:
        """As of a source."""
        plain = disks.is_here(self.place) if self.plain_files is None else self.plain_files
        return plain and self.encryption == "none"


@dataclasses.dataclass(frozen=True, slots=True)
class DatasetPlan:
    """One dataset: source, staging (absolute path; the source itself when in place), destinations."""

    id: str
    description: str
    source: SourcePlan
    staging: str
    guard: Guard = field(default_factory=Guard)
    destinations: tuple[DestinationPlan, ...] = ()
    uid: str = ""
    staging_uid: str = ""


@dataclass(frozen=True)
class MetadataPlan:
    """One metadata stash. `beside`: uids of the encrypted archives that lie in the same folder, as theirs has that of the stash.
    `kit_access`: kits tell how to read it."""

    id: str
    protocol: str
    place: str
    transport: str
    fates: tuple[str, ...] = ()
    uid: str = ""
    since: int = 1
    beside: tuple[str, ...] = ()
    kit_access: bool = True


@dataclass(frozen=True)
class NotifyPlan:
    """One address for notices: its kind and number, never the address."""

    id: str
    transport: str


@dataclass(frozen=True)
class StewardPlan:
    """What the supervisor may know of a steward. `fetch`: seconds until the share is at hand; `handed_over`: a day."""

    id: str
    name: str
    fates: tuple[str, ...] = ()
    accepted_on: str | None = None
    fetch: int | None = None
    handed_over: str | None = None


@dataclass(frozen=True)
class EntryPlan:
    """An entry of the inventory: its id and what gives access to it, never a name, an address or a password.

    `in_config`: its password stands in the config; `needs`, `reset_by`: alternatives, each a list of ids.
    """

    id: str
    fates: tuple[str, ...] = ()
    in_config: bool = False
    needs: tuple[tuple[str, ...], ...] = ()
    reset_by: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class ScenarioPlan:
    """A loss that has a name."""

    name: str
    lose: tuple[str, ...] = ()
    compromise: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """How many transfers run at once."""

    transfers: int = 4
    per_place: int = 2


@dataclass(frozen=True)
class RotationPlan:
    """The epoch that is about to replace the present one: its number, since when, and which stewards' new kits are confirmed."""

    epoch: int
    started: str
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything the supervisor runs by. `transport` in the parts is a file name in the transport directory.

    `epoch` is the one in force, and `shares_required` how many of its shares open it; during a rotation the config is published
    under both epochs. `kits_written`: by whatever machine, kits of some epoch were. `notify_after`: trouble
    is told when it has stayed for so many seconds; `digest`: seconds between two digests; `heartbeat_every`: between two calls of
    the addresses of `heartbeat`. `grace` and `grace_after_alarm`: seconds in
    which no version is removed. `uid`, `since` and `formerly` of the parts: `core/primitives/place_identity.py`.
    """

    serial: int
    saved: str
    epoch: int
    owner: str
    instance: str
    shares_required: int
    unattended: bool = True
    unlock_for: int = 900
    drill_every: int | None = None
    owner_fates: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    datasets: tuple[DatasetPlan, ...] = ()
    metadata_stashes: tuple[MetadataPlan, ...] = ()
    stewards: tuple[StewardPlan, ...] = ()
    rotation: RotationPlan | None = None
    ended: tuple[EndedEpoch, ...] = ()
    recovery_keys: tuple[RecoveryKey, ...] = ()
    kits_written: bool = False
    notify: tuple[NotifyPlan, ...] = ()
    notify_after: int = 900
    heartbeat: tuple[NotifyPlan, ...] = ()
    heartbeat_every: int = 900
    digest: int | None = None
    generation: int = 1
    grace: int = 7 * 86400
    grace_after_alarm: int = 30 * 86400
    verify_every: int | None = 30 * 86400
    staging_fates: tuple[str, ...] = ()
    inventory: tuple[EntryPlan, ...] = ()
    scenarios: tuple[ScenarioPlan, ...] = ()
    version: int = VERSION

    def dataset(self, name: str) -> DatasetPlan | None:
        """The dataset with this id."""
        return self._by_id.get(name)

    @cached_property
    def _by_id(self) -> dict[str, DatasetPlan]:
        """Every target asks for its dataset; looked for one by one, a thousand datasets are a million comparisons."""
        return {dataset.id: dataset for dataset in self.datasets}

    def window(self, name: str, location: str) -> str | None:
        """The hours in which scheduled transfers of a dataset from its "source", or to a destination, may start."""
        dataset = self.dataset(name)
        if dataset is None:
            return None
        if location == "source":
            return dataset.source.window
        return next((each.window for each in dataset.destinations if each.id == location), None)

    @property
    def uids(self) -> dict[tuple[str, str], str]:
        """(dataset, location) -> uid; the dataset of a metadata stash is "", the location of a dataset itself."""
        found = {("", stash.id): stash.uid for stash in self.metadata_stashes}
        for dataset in self.datasets:
            found[(dataset.id, "")] = dataset.uid
            found[(dataset.id, "source")] = dataset.source.uid
            found[(dataset.id, "staging")] = dataset.staging_uid
            found.update({(dataset.id, each.id): each.uid for each in dataset.destinations})
        return found

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs under which the config is published: the one in force, then the one that is about to replace it."""
        return (self.epoch,) if self.rotation is None else (self.epoch, self.rotation.epoch)


class NewerPlanError(ValueError):
    """The plan is of a format that this program does not know."""


def to_json(plan: Plan) -> str:
    """The plan as the text of `plan.json`."""
    return json.dumps(to_json_value(plan), ensure_ascii=False) + "\n"


def from_json(text: str) -> Plan:
    """The plan from the text of `plan.json`; raises `ValueError` when it is not one, `NewerPlanError` when a newer program wrote it."""
    plan = from_json_value(Plan, bounded_json.parse(text, "plan.json", bounded_json.MEDIUM))
    if plan.version > VERSION:
        raise NewerPlanError(f"it was written by a newer Paradux (its format is {plan.version})")
    return with_uids(plan)


def with_uids(plan: Plan) -> Plan:
    """A plan of version 0.1.0 with the uids of places that were known by name."""
    stashes = tuple(replace(each, uid=each.uid or legacy_uid("", each.id)) for each in plan.metadata_stashes)
    return replace(plan, metadata_stashes=stashes, datasets=tuple(map(_dataset_with_uids, plan.datasets)))


def _dataset_with_uids(dataset: DatasetPlan) -> DatasetPlan:
    name = dataset.id
    return replace(
        dataset,
        uid=dataset.uid or legacy_uid(name, ""),
        staging_uid=dataset.staging_uid or legacy_uid(name, "staging"),
        source=replace(dataset.source, uid=dataset.source.uid or legacy_uid(name, "source")),
        destinations=tuple(_destination_with_uid(name, each) for each in dataset.destinations),
    )


def _destination_with_uid(dataset: str, destination: DestinationPlan) -> DestinationPlan:
    if destination.uid:
        return destination
    uid = legacy_uid(dataset, destination.id)
    return replace(destination, uid=uid, formerly=place_name(dataset, destination.id))
