"""How each location of each dataset is doing: running, held, failed, overdue, never, waiting or ok.

A location that cannot be reached is only waiting, however often it was tried: in time it becomes overdue. Any other error makes
it failed at once. Overdue means: no success for longer than the period and a half, and at least for the period and one hour. Waiting
means: due, but outside the hours in which transfers may start there (`window`); time before these begin makes nothing overdue.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Listed, Pushed, Version
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan, SourcePlan, Timing
from paraduxd.core.primitives import cron, time_windows, timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.runs.damage import Damage
from paraduxd.core.runs.facts import Facts, Key, Latest
from paraduxd.core.runs.guard.holds import Hold
from paraduxd.core.runs.orders import Failed

STATES = ("running", "held", "failed", "overdue", "never", "waiting", "ok")
"""Worst first; a dataset is in the worst state of its parts."""

WAITING = frozenset(
    {
        "absent",
        "busy",
        "cancelled",
        "connection-lost",
        "interrupted",
        "not-inserted",
        "not-mounted",
        "not-run",
        "offline",
        "timeout",
        "unreachable",
    }
)
"""Codes of errors that pass when a machine wakes up or a disk is put in; "not-run": an earlier run of the chain failed."""

UNANSWERED = WAITING - {"not-mounted"}
"""Codes that say nothing about what a place holds. A disk that is not mounted is an answer: it is not there where it should be."""

GONE = frozenset({"no-version", "not-found"})
"""Codes of checks and rehearsals that found nothing to restore."""

NOT_INSERTED = "not-inserted"
"""The code of a disk that lies in its drawer."""

CLOCK_TOLERANCE = 300
"""Seconds that a record may lie in the future before the clock is distrusted."""

_NOTHING = Latest()
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One location. `standing` is its state but for a transfer that runs now; `period` in seconds, `None`: only by hand.

    `completed`: it holds a whole version (a destination), or was read whole once (a source). `checked`: how its checks ended,
    `rehearsed`: how rehearsals of a restore ended, `damaged`: the last of either found damage, or nothing to restore. `late`: overdue,
    `old`: its last `answer` is older than two periods, `ahead`: its last success is dated in the future. `due`: when the next success
    is expected. `disk`: UUID of the file system of a disk that must be plugged in. `looked_at`: this machine has asked it, or tried to.
    `emptied`: when a look found no version there any more. `found`: damage that no later look went deep enough to disprove.
    """

    dataset: str
    location: str
    state: str
    standing: str
    latest: Latest
    success: datetime | None
    period: int | None
    late: bool
    ahead: bool
    completed: bool = False
    next: str | None = None
    checked: Latest = _NOTHING
    rehearsed: Latest = _NOTHING
    damaged: bool = False
    versions: int = 0
    bytes: int | None = None
    due: datetime | None = None
    disk: str = ""
    old: bool = False
    answer: datetime | None = None
    looked_at: bool = True
    emptied: datetime | None = None
    found: Latest = _NOTHING

    @property
    def damage(self) -> Latest:
        """Of checks and rehearsals those that found damage; the checks if none did."""
        if self.found is not _NOTHING and not _damaged(self.checked) and not _damaged(self.rehearsed):
            return self.found
        return self.rehearsed if _damaged(self.rehearsed) and not _damaged(self.checked) else self.checked

    @property
    def failing(self) -> bool:
        """The last run failed, for whatever reason, except that a disk lies in its drawer."""
        failed = self.latest.failures > 0 or self.latest.state == "failed"
        error = error_of(self.latest)
        return failed and (error is None or error.code != NOT_INSERTED)

    @property
    def out_of_reach(self) -> bool:
        """It has not answered for longer than two periods, though it was tried."""
        return self.old and self.failing

    @property
    def counts(self) -> bool:
        """Somebody who loses everything else can rely on this copy. One that is merely `old` counts with its age."""
        return self.completed and not self.damaged and not self.out_of_reach


@dataclasses.dataclass(frozen=True, slots=True)
class DatasetCondition:
    """One dataset: its parts, and what the guard says when it holds the push."""

    plan: DatasetPlan
    state: str
    source: Condition
    destinations: tuple[Condition, ...]
    hold: Hold | None


def survey(plan: Plan, facts: Facts, now: datetime, name: str | None = None) -> tuple[DatasetCondition, ...]:
    """The condition of every dataset, in the plan's order, or of the one with this name."""
    running = {(run.dataset, run.step, run.location) for run in facts.running}
    wanted = (dataset for dataset in plan.datasets if name in (None, dataset.id))
    return tuple(_dataset(dataset, facts, now, running) for dataset in wanted)


def failed(latest: Latest) -> bool:
    """The last run failed for another reason than that the place could not be reached."""
    error = error_of(latest)
    return error is not None and error.code not in WAITING


def answered(code: str) -> bool:
    """Whether an error of this code tells what a place holds, or does not."""
    return code not in UNANSWERED


def error_of(latest: Latest) -> RunError | None:
    """The error that stands."""
    if latest.failures <= 0 and latest.state != "failed":
        return None
    error = latest.error or Failed("", "")
    return RunError(error.code or "failed", error.message or "the transfer failed", error.hint)


def whole(value: object) -> int | None:
    """A count out of a result, or `None` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def period_of(timing: Timing | None) -> int | None:
    """Seconds between two runs; for a cron expression the longest time between them, about."""
    if timing is None:
        return None
    if timing.every is not None and timing.every > 0:
        return timing.every
    return cron.period(timing.cron) if timing.cron else None


def _dataset(plan: DatasetPlan, facts: Facts, now: datetime, running: set[Key]) -> DatasetCondition:
    hold = facts.holds.get(plan.id)
    pull = period_of(plan.source.timing)
    pushes = {destination.id: period_of(destination.timing) or pull for destination in plan.destinations}
    pull = pull or min((push for push in pushes.values() if push), default=None)
    judge = _Judge(plan.id, facts, now, running, hold is not None)
    source = judge.source(plan.source, pull)
    destinations = tuple(judge.destination(destination, pushes[destination.id]) for destination in plan.destinations)
    return DatasetCondition(plan, _worst((source, *destinations)), source, destinations, hold)


def _worst(parts: Iterable[Condition]) -> str:
    return min((part.state for part in parts), key=STATES.index)


@dataclass(frozen=True)
class _Judge:
    """What all locations of one dataset are judged by."""

    dataset: str
    facts: Facts
    now: datetime
    running: set[Key]
    held: bool

    def source(self, plan: SourcePlan, period: int | None) -> Condition:
        key = (self.dataset, "pull", "source")
        latest = self.facts.latest.get(key, _NOTHING)
        read = timestamps.parse(latest.last_success) is not None
        never = not read and not plan.in_place
        return replace(self._condition(key, latest, period, plan.window, never=never), completed=read)

    def destination(self, plan: DestinationPlan, period: int | None) -> Condition:
        steps = ("push", "versions", "verify", "rehearse")
        news = [self.facts.latest.get((self.dataset, step, plan.id), _NOTHING) for step in steps]
        latest, listed, checked, rehearsed = news
        versions, size = _versions(latest, listed)
        found = _as_latest(self.facts.damage.get((self.dataset, plan.id)))
        seen = timestamps.parse(latest.last_success) or timestamps.parse(rehearsed.last_success)
        completed = seen is not None if versions is None else versions > 0
        condition = self._condition(
            (self.dataset, "push", plan.id),
            latest,
            period,
            plan.window,
            never=not completed,
            damaged=found is not _NOTHING or _found_bad(checked, rehearsed, latest),
            answers=[moment for each in news if (moment := timestamps.parse(each.last_success))],
        )
        return replace(
            condition,
            completed=completed,
            found=found,
            checked=checked,
            rehearsed=rehearsed,
            versions=versions or 0,
            bytes=size,
            disk=uuid_of(plan.place),
            looked_at=any(each.last_attempt for each in news),
            emptied=timestamps.parse(listed.last_success) if versions == 0 else None,
        )

    def _condition(
        self,
        key: Key,
        latest: Latest,
        period: int | None,
        window: str | None,
        *,
        never: bool,
        damaged: bool = False,
        answers: Sequence[datetime] = (),
    ) -> Condition:
        success = timestamps.parse(latest.last_success)
        age = (self.now - success).total_seconds() if success else 0.0
        due = timestamps.later(success, period) if success and period else None
        late = due is not None and period is not None and self._is_late(due, period, window)
        answer = max(answers, default=success)
        waiting = bool(due or (never and period)) and self._is_waiting(due, window, latest)
        standing = self._standing(damaged or failed(latest), late, never and not waiting, waiting)
        return Condition(
            dataset=key[0],
            location=key[2],
            state="running" if key in self.running else standing,
            standing=standing,
            latest=latest,
            success=success,
            period=period,
            late=late,
            ahead=age < -CLOCK_TOLERANCE,
            next=timestamps.stamp(timestamps.parse(self.facts.next_runs.get(key))),
            damaged=damaged,
            due=due,
            answer=answer,
            old=answer is not None and period is not None and self._is_old(answer, period, window),
        )

    def _is_late(self, due: datetime, period: int, window: str | None) -> bool:
        """Whether more than half a period, and an hour, has passed since it was due and could start."""
        grace = max(period // 2, timestamps.HOUR)
        is_past = self.now > timestamps.later(due, grace)
        return is_past and self.now > timestamps.later(time_windows.opens(window, due), grace)

    def _is_old(self, answer: datetime, period: int, window: str | None) -> bool:
        """Whether the last answer is older than two periods; and than one and an hour, for those that are short."""
        due, grace = timestamps.later(answer, period), max(period, timestamps.HOUR)
        is_past = self.now > timestamps.later(due, grace)
        return is_past and self.now > timestamps.later(time_windows.opens(window, due), grace)

    def _is_waiting(self, due: datetime | None, window: str | None, latest: Latest) -> bool:
        """Whether it is due (or was never run) and may not start at this hour; what was tried in vain is told as that."""
        wanted = self.now >= due if due else latest.failures == 0
        return wanted and not time_windows.is_open(window, self.now)

    def _standing(self, failed: bool, late: bool, never: bool, waiting: bool) -> str:
        order = (("held", self.held), ("failed", failed), ("overdue", late), ("never", never), ("waiting", waiting))
        return next((state for state, applies in order if applies), "ok")


def _damaged(checked: Latest) -> bool:
    """The last check found the copy damaged, or nothing there; that it could not be made says nothing about the copy."""
    error = error_of(checked)
    return error is not None and (error.code == "damaged" or error.code in GONE)


def _found_bad(checked: Latest, rehearsed: Latest, pushed: Latest) -> bool:
    """Whether checks or rehearsals found damage that nothing later has put right.

    A push proves its own objects and not what rots beside them: it makes up only for a place that was empty.
    """
    return _stands(checked, (), pushed) or _stands(rehearsed, (checked,), pushed)


def _stands(bad: Latest, cured_by: Iterable[Latest], pushed: Latest) -> bool:
    error, tried = error_of(bad), timestamps.parse(bad.last_attempt)
    if error is None or not _damaged(bad):
        return False
    cures = (*cured_by, *((pushed,) if error.code in GONE else ()))
    return tried is None or not any(_succeeded(cure) > tried for cure in cures)


def _as_latest(damage: Damage | None) -> Latest:
    """Damage as the check that found it."""
    if damage is None:
        return _NOTHING
    return Latest(None, damage.at, 1, Failed("damaged", damage.message, damage.hint), None, "failed")


def _succeeded(latest: Latest) -> datetime:
    return timestamps.parse(latest.last_success) or _LONG_AGO


def _versions(pushed: Latest, listed: Latest) -> tuple[int | None, int | None]:
    """How many versions there are, and the bytes of the newest, by the newer of the two results; `None`: not known."""
    newest = pushed if listed is _NOTHING else max((pushed, listed), key=_succeeded)
    size = whole(newest.told(Pushed).bytes)
    versions = versions_of(newest)
    if versions is None:
        return None, size
    last = whole(versions[-1].bytes) if versions else None
    return len(versions), size if last is None else last


def versions_of(latest: Latest) -> tuple[Version, ...] | None:
    """The versions that a push, a removal or a look has told of, oldest first; `None`: not known."""
    return latest.result.versions if isinstance(latest.result, Pushed | Listed) else None
