"""What is known of the kits that stewards hold: one record for each steward and epoch, and what a piece of news makes of it.

A kit counts when it was written and read back, or found whole at a check-up. One whose writing was cut off is void, and
one that a check-up found damaged does not count until it is written anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import KitChecked
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recovery.confirmation import SHARE, WHOLE, CodeRecord

CHECK_UP = timedelta(days=365)
"""A kit that was not seen for so long is due for a check-up."""


@dataclass(frozen=True)
class Kit:
    """What one steward holds, as far as this machine has seen it."""

    epoch: int
    written: str | None = None
    last_seen: str | None = None
    device_serial: str | None = None
    serial: int | None = None
    void: bool = False
    problems: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None

    @property
    def counts(self) -> bool:
        """Whether its share can be relied on."""
        return not self.void and not self.problems


@dataclass(frozen=True)
class KitRecord:
    """The kit of one steward and epoch. Times are RFC 3339 in UTC; `serial` is that of its config.

    `device_serial` and `uuid` (of the file system) tell the stick; both are `None` for a kit in a directory. `kit_sha256` is that
    of its `kit.json`. `void`: writing began and did not end. `problems`: what the last check-up found, as sentences. `reads`: the formats
    that its tools know (`kit_tools.py`); `None`: not known.
    """

    steward: str
    epoch: int
    serial: int | None = None
    written: str | None = None
    last_seen: str | None = None
    device_serial: str | None = None
    uuid: str | None = None
    kit_sha256: str | None = None
    void: bool = False
    problems: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None

    @property
    def counts(self) -> bool:
        """Whether its share can be relied on."""
        return not self.void and not self.problems

    def same_stick(self, other: KitRecord) -> bool:
        """Whether both are on the same device; two kits in directories are never known to be."""
        if self.device_serial and other.device_serial:
            return self.device_serial == other.device_serial
        return self.uuid is not None and self.uuid == other.uuid


def after(known: KitRecord | None, news: KitRecord) -> KitRecord:
    """The record after news of the same steward and epoch: writing began (`void`), it was written, or seen.

    One that was just written was seen at the very moment it was written.
    """
    if known is None:
        return news
    if news.void:
        return replace(known, void=True) if known.same_stick(news) or not known.counts else known
    if news.written and (news.written == news.last_seen or news.written > (known.written or "")):
        return news
    if not known.same_stick(news) and (known.kit_sha256 is None or known.kit_sha256 != news.kit_sha256):
        return replace(known, last_seen=news.last_seen) if not news.problems and known.counts else known
    return replace(known, last_seen=news.last_seen, problems=news.problems, void=known.void and bool(news.problems))


def displaced(records: Iterable[KitRecord], news: KitRecord) -> tuple[KitRecord, ...]:
    """The kits of other stewards that are gone because this one is being written onto their stick, now void."""
    if not news.void or news.uuid is None:
        return ()
    others = (record for record in records if record.steward != news.steward and record.uuid == news.uuid)
    return tuple(replace(record, void=True) for record in others if record.same_stick(news))


def of_check(found: KitChecked, owner: str, now: str, known: KitRecord | None) -> KitRecord | None:
    """What a check-up (`kit-check` of `core/runs/orders.py`) makes known at `now`; `known` is what this stick was known to hold.

    Nobody's word but the owner's is taken: a manifest that the owner's key has not signed says nothing.
    """
    if found.signed and found.owner == owner and found.steward is not None and found.epoch is not None:
        return KitRecord(
            steward=found.steward,
            epoch=found.epoch,
            serial=found.serial,
            written=found.written,
            last_seen=now,
            device_serial=found.device_serial,
            uuid=found.uuid,
            kit_sha256=found.kit_sha256,
            problems=found.problems,
            reads=found.reads,
        )
    if known is None:
        return None
    return replace(known, last_seen=now, problems=found.problems or ("it holds something else now",))


def held(records: Iterable[KitRecord], plan: Plan | None) -> dict[str, Kit]:
    """For each steward of the plan the kit that matters: one of the epoch in force, else the newest that counts, else the newest."""
    if plan is None:
        return {}
    best: dict[str, KitRecord] = {}
    for record in records:
        if record.steward not in best or _rank(record, plan) > _rank(best[record.steward], plan):
            best[record.steward] = record
    return {steward.id: _fact(best[steward.id]) for steward in plan.stewards if steward.id in best}


def of_epoch(records: Iterable[KitRecord], epoch: int) -> set[str]:
    """The stewards who hold a kit of this epoch that counts."""
    return {record.steward for record in records if record.epoch == epoch and record.counts}


def is_overdue(kit: Kit, now: datetime, by_code: CodeRecord | None = None) -> bool:
    """Whether a check-up of the kit is due. A code is one if it said that the whole kit is good, and was asked for: then it was new."""
    seen = timestamps.parse(kit.last_seen) or timestamps.parse(kit.written)
    if by_code and by_code.asked and by_code.kind == WHOLE and by_code.epoch == kit.epoch:
        heard = timestamps.parse(by_code.heard)
        seen = max(seen, heard) if seen and heard else seen or heard
    return seen is None or now - seen > CHECK_UP


def broken_by_code(kit: Kit, by_code: CodeRecord | None) -> bool:
    """Whether the last that is known of the kit is a code which says that its share is good and something else is not."""
    if by_code is None or by_code.kind != SHARE or by_code.epoch != kit.epoch:
        return False
    return by_code.heard > max(kit.written or "", kit.last_seen or "")


def _rank(record: KitRecord, plan: Plan) -> tuple[bool, bool, int]:
    return (record.counts and record.epoch == plan.epoch, record.counts, record.epoch)


def _fact(record: KitRecord) -> Kit:
    return Kit(
        record.epoch,
        record.written,
        record.last_seen,
        record.device_serial,
        record.serial,
        record.void,
        record.problems,
        record.reads,
    )
