"""What runs by itself, and when next, by the plan and by what the journal remembers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from paraduxd.api.replies.results import Published, Rehearsal
from paraduxd.core.plan.model import Plan, Timing
from paraduxd.core.primitives import time_windows, timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.runs import next_run
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.core.runs.next_run import Due
from paraduxd.core.runs.orders import Step
from paraduxd.core.runs.requests import SOURCE
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.runs.order_factory import changes_fact, staging_is_filled

FIRST_REHEARSAL = timedelta(days=1)
"""After a config was saved: nobody wants restores among the first pushes."""

AGAIN = timedelta(minutes=1)
"""A stash that took the config but is still behind (another was saved meanwhile) is not tried again before."""

LACKING = frozenset({"not-published", "not-read-back", "not-opened"})
"""Codes of rehearsals and drills after which a metadata stash is published to again."""


def targets_of(plan: Plan) -> dict[Key, Timing | None]:
    """What runs by itself, but nothing on removable disks; `None`: not by the clock, but when there is a reason (see `Look.next_date`)."""
    found: dict[Key, Timing | None] = {("", Step.PUBLISH, stash.id): None for stash in plan.metadata_stashes}
    for dataset in plan.datasets:
        if dataset.source.timing is not None:
            found[(dataset.id, Step.PULL, SOURCE)] = dataset.source.timing
        for destination in dataset.destinations:
            by_itself = destination.timing is not None or dataset.source.timing is not None
            if by_itself and not uuid_of(destination.place):
                found[(dataset.id, Step.PUSH, destination.id)] = destination.timing
    return found | _rehearsals(plan) | _checks(plan) | _first_looks(plan)


def _checks(plan: Plan) -> dict[Key, Timing | None]:
    """What is verified by itself, and read from the metadata stashes."""
    if not plan.verify_every:
        return {}
    every = min(plan.verify_every, plan.drill_every or plan.verify_every)
    found: dict[Key, Timing | None] = {
        ("", Step.REHEARSE, stash.id): Timing(every=every) for stash in plan.metadata_stashes
    }
    for dataset in plan.datasets:
        here = [each for each in dataset.destinations if not uuid_of(each.place)]
        found.update({(dataset.id, Step.VERIFY, each.id): Timing(every=plan.verify_every) for each in here})
    return found


def _first_looks(plan: Plan) -> dict[Key, Timing | None]:
    """What a machine that was recovered asks once: what is there already. The first machine knows that nothing is."""
    if plan.generation == 1:
        return {}
    return {
        (dataset.id, Step.VERSIONS, each.id): None
        for dataset in plan.datasets
        for each in dataset.destinations
        if not uuid_of(each.place)
    }


def _rehearsals(plan: Plan) -> dict[Key, Timing | None]:
    """What can be rehearsed while the vault is locked."""
    if not plan.drill_every:
        return {}
    timing = Timing(every=plan.drill_every)
    found: dict[Key, Timing | None] = {("", Step.REHEARSE, stash.id): timing for stash in plan.metadata_stashes}
    for dataset in plan.datasets:
        here = [each for each in dataset.destinations if not uuid_of(each.place) and each.encryption != "gpg"]
        found.update({(dataset.id, Step.REHEARSE, each.id): timing for each in here})
    return found


def window_of(plan: Plan, key: Key) -> str | None:
    """The hours in which this target may start by itself; a mere look may at any."""
    return None if key[1] == Step.VERSIONS else plan.window(key[0], key[2])


def in_window(date: Due, window: str | None, now: datetime) -> Due:
    """The date, or the next moment at which the window is open."""
    at = max(date.at, now)
    return date if time_windows.is_open(window, at) else replace(date, at=time_windows.opens(window, at))


class Look:
    """One look at plan, journal and clock, from which dates are made."""

    def __init__(self, plan: Plan, journal: Journal, now: datetime, cron_next: next_run.CronNext) -> None:
        self._plan = plan
        self._datasets = {dataset.id: dataset for dataset in plan.datasets}
        self._journal = journal
        self._now = now
        self._holds = journal.holds()
        self._cron_next = cron_next
        self._all: dict[Key, Latest] | None = None

    def look_at_all(self) -> None:
        """Read everything at once: faster than one by one for many dates."""
        self._all = self._journal.latest_by_target()

    def _latest(self, key: Key) -> Latest:
        return self._journal.latest(key) if self._all is None else self._all.get(key, Latest())

    def next_date(self, key: Key, timing: Timing | None) -> Due | None:
        """When this target may run next: what is due while its window is closed waits until that opens. Raises `ValueError` for a bad
        cron expression."""
        date = self._next_date(key, timing)
        return in_window(date, window_of(self._plan, key), self._now) if date else None

    def _next_date(self, key: Key, timing: Timing | None) -> Due | None:
        """A push needs a filled staging that nobody holds, or a pull before it. Without a timing it is due when a pull has changed
        something since; publishing is due until the stash has the newest config."""
        latest = self._latest(key)
        seed = "/".join(key)
        if key[1] == Step.PUSH and not self._may_push(key[0]):
            return None
        if key[1] in (Step.REHEARSE, Step.VERIFY) and latest.last_attempt is None:
            return self._first_look(key, timing)
        if key[1] == Step.VERSIONS:
            return next_run.when_allowed(latest, self._now, seed) if self._is_unknown(key) else None
        if timing is not None:
            return next_run.next_run(timing, latest, self._now, key[0], self._cron_next)
        wanted = self._is_behind(key[2], latest) if key[1] == Step.PUBLISH else self._has_news(key, latest)
        date = next_run.when_allowed(latest, self._now, seed) if wanted else None
        published = next_run.known(latest.last_success, self._now) if key[1] == Step.PUBLISH else None
        return replace(date, at=max(date.at, published + AGAIN)) if date and published else date

    def _first_look(self, key: Key, timing: Timing | None) -> Due | None:
        """A day after the config was saved, or a period if that is shorter, when what is to be rehearsed or checked is there."""
        made = self._latest((key[0], Step.PUSH if key[0] else Step.PUBLISH, key[2])).last_success
        if made is None:
            return None
        saved = next_run.known(self._plan.saved, self._now) or self._now
        period = timedelta(seconds=timing.every) if timing and timing.every else FIRST_REHEARSAL
        return Due(max(self._now, saved + min(FIRST_REHEARSAL, period)), "schedule")

    def _is_unknown(self, key: Key) -> bool:
        """Whether this destination has never said what it holds."""
        steps = (Step.VERSIONS, Step.PUSH, Step.REHEARSE)
        return not any(self._latest((key[0], step, key[2])).last_success for step in steps)

    def _may_push(self, name: str) -> bool:
        dataset = self._datasets.get(name)
        if dataset is None or dataset.source.timing is None:
            return dataset is not None
        return name not in self._holds and staging_is_filled(dataset, self._latest((name, Step.PULL, SOURCE)))

    def _has_news(self, key: Key, latest: Latest) -> bool:
        changed = timestamps.parse(self._journal.fact(changes_fact(self._journal, key[0])))
        pushed = next_run.known(latest.last_success, self._now)
        return pushed is None or (changed is not None and changed > pushed)

    def _is_behind(self, stash: str, latest: Latest) -> bool:
        """Whether the stash does not hold the present config, by what was published there or by what a later rehearsal has found."""
        wanted, published = (self._plan.epoch, self._plan.serial), latest.told(Published)
        if (published.epoch, published.serial) != wanted:
            return True
        found = self._latest(("", Step.REHEARSE, stash))
        if timestamps.parse(found.last_attempt) is None or (found.last_attempt or "") <= (latest.last_success or ""):
            return False
        seen = found.told(Rehearsal)
        if found.failures:
            return found.error is not None and found.error.code in LACKING
        return (seen.epoch, seen.serial) != wanted
