"""Where every copy lies, as a `fates.Model`: the plan says where copies belong, the facts say which are really there.

When in doubt a copy does not count:

* a destination counts once it was seen to hold a version at its present address, unless a check found it damaged or empty, or it has been
  out of reach for longer than two periods (`core/runs/conditions.py`);
* source and staging count after a pull, while the guard holds nothing of the dataset; a source that has been out of reach for longer than
  two periods does not;
* a copy in clear on a disk is of use to whoever holds the disk. Every other one needs a config, for its password or key or for the
  credentials, and one that knows the place as it is now; on the machine, what is not sealed with a key of the config's can be read
  without it, with the credentials that lie there;
* a kit counts when it was written and read back or found whole, is of this epoch or of the one that is about to replace it, and gives the
  config of its serial;
* a metadata stash counts at the serial that it was last seen to hold.

What dies together: `core/recoverability/labels.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Published, Pulled, Rehearsal
from paraduxd.core.plan.model import DestinationPlan, MetadataPlan, Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability.access import Access, Kit, Stash
from paraduxd.core.recoverability.families import Fates
from paraduxd.core.recoverability.fates import Copy, Model
from paraduxd.core.recoverability.labels import Labels
from paraduxd.core.runs.conditions import DatasetCondition, answered, error_of, whole
from paraduxd.core.runs.facts import Facts, Latest

BY_CONFIG_ONLY = "gpg"
"""The encryption whose key is in the config and nowhere else."""

_NOTHING = Latest()


def model(plan: Plan, facts: Facts, datasets: Sequence[DatasetCondition], where: Labels) -> Model:
    """What is where today."""
    credentials = plan.unattended and facts.transport_ready
    copies = {each.plan.id: (*_near(each, where, credentials), *_far(each, where, credentials)) for each in datasets}
    return Model(copies, access(plan, facts, where))


def access(
    plan: Plan, facts: Facts, where: Labels, no_kits: Collection[str] = (), no_stashes: Collection[str] = ()
) -> Access:
    """What opens the config today; without the kits of these stewards, and without these metadata stashes."""
    return Access(
        machine=where.machine,
        serial=plan.serial,
        stashes=tuple(
            Stash(where.of(stash), stash.since, held.serial)
            for stash in plan.metadata_stashes
            if stash.id not in no_stashes and (held := holding(plan, facts, stash)) is not None
        ),
        kits=tuple(
            Kit(where.of_steward(steward, kit_written(facts, steward.id)), kit_serial(facts, steward.id))
            for steward in plan.stewards
            if steward.id not in no_kits and has_kit(plan, facts, steward.id)
        ),
        required=plan.shares_required,
        memory=where.memory,
    )


@dataclass(frozen=True)
class Holding:
    """The config that a metadata stash was last seen to hold."""

    serial: int
    epochs: frozenset[int]
    seen: datetime


def holding(plan: Plan, facts: Facts, stash: MetadataPlan) -> Holding | None:
    """What the stash holds of this epoch, unless a later rehearsal found that it does not."""
    sent = facts.latest.get(("", "publish", stash.id), _NOTHING)
    return seen_to_hold(plan, sent, facts.latest.get(("", "rehearse", stash.id), _NOTHING))


def seen_to_hold(plan: Plan, sent: Latest, read: Latest) -> Holding | None:
    """The same from how publishing there, and reading there in a rehearsal, have ended."""
    found = [held for held in (_held(sent), _held(read)) if held is not None]
    if not found or contradicted(read, timestamps.parse(sent.last_success)):
        return None
    newest = max(found, key=lambda held: held.seen)
    return newest if plan.epoch in newest.epochs else None


def contradicted(rehearsed: Latest, since: datetime | None) -> bool:
    """Whether the last rehearsal found, after `since`, that a place does not hold what it should; that nobody answered says nothing."""
    error, tried = error_of(rehearsed), timestamps.parse(rehearsed.last_attempt)
    if error is None or tried is None or not answered(error.code):
        return False
    return since is None or tried > since


def _held(latest: Latest) -> Holding | None:
    seen, found = timestamps.parse(latest.last_success), latest.result
    if seen is None or not isinstance(found, Published | Rehearsal) or (serial := whole(found.serial)) is None:
        return None
    epochs = {found.epoch, *(found.epochs if isinstance(found, Published) else ())} - {None}
    return Holding(serial, frozenset(epoch for epoch in epochs if epoch is not None), seen)


def has_kit(plan: Plan, facts: Facts, steward: str) -> bool:
    """Whether the steward holds a whole kit of this epoch, or of the next one, which has the share of this one, too."""
    kit = facts.kits.get(steward)
    return kit is not None and kit.epoch in plan.epochs and kit.counts


def kit_serial(facts: Facts, steward: str) -> int:
    """The serial of the config on the steward's kit; if it is not known, the oldest."""
    kit = facts.kits.get(steward)
    return (kit.serial if kit else None) or 1


def kit_written(facts: Facts, steward: str) -> datetime | None:
    """When the steward's kit was written."""
    kit = facts.kits.get(steward)
    return timestamps.parse(kit.written) if kit else None


def _near(condition: DatasetCondition, where: Labels, credentials: bool) -> list[Copy]:
    """The source and staging."""
    plan, source = condition.plan, condition.source
    if condition.hold is not None or not source.completed:
        return []
    copies = []
    if source.counts:
        since = None if plan.source.needs_no_config else plan.source.since
        copies.append(_copy("source", where.of(plan.source), since, credentials))
    if not plan.source.in_place and _is_filled(condition):
        copies.append(Copy("staging", where.staging))
    return copies


def _is_filled(condition: DatasetCondition) -> bool:
    """Whether the last good pull went to where staging is now."""
    return condition.source.latest.told(Pulled).staging in ("", condition.plan.staging)


def _far(condition: DatasetCondition, where: Labels, credentials: bool) -> list[Copy]:
    """The destinations."""
    return [
        _copy(destination.id, where.of(destination), needed(destination), credentials and _opens_here(destination))
        for destination, state in zip(condition.plan.destinations, condition.destinations, strict=True)
        if state.counts
    ]


def _copy(location: str, fates: Fates, since: int | None, transport: bool) -> Copy:
    return Copy(location, fates, since, transport and since is not None)


def needed(destination: DestinationPlan) -> int | None:
    """The serial of the oldest config that leads to this copy and opens it; `None`: it does without."""
    return None if destination.needs_no_config else destination.since


def _opens_here(destination: DestinationPlan) -> bool:
    return destination.encryption != BY_CONFIG_ONLY
