"""What is looked at every few seconds: whether the owner must be told something, and whether a disk that is there is due.

Rules are in `core/status/notifications.py` and `core/runs/removable_disks.py`; what is sent or written is a run like any other.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Called
from paraduxd.core.devices import arrivals
from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.runs import conditions, next_run, removable_disks, requests
from paraduxd.core.runs.facts import Facts, Key
from paraduxd.core.runs.order_arguments import HeartbeatArguments
from paraduxd.core.runs.orders import Step
from paraduxd.core.runs.requests import Draft
from paraduxd.core.status import heartbeat, notifications
from paraduxd.core.status.assessment import Verdict
from paraduxd.effects.devices import removable_disk
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.runs.dispatcher import Dispatcher

log = logging.getLogger("paradux.rounds")

LOOK = 3.0
"""Seconds between two rounds."""

JUDGE_EVERY = timedelta(seconds=30)
"""How old a verdict may be that a watchdog is told."""

STAYS = math.ceil(arrivals.LONGEST / LOOK) + 2
"""Rounds in a row that must find a disk before it is one that stays; what has just come is told by the watcher, and pushed to once."""


class PeriodicChecks:
    """A thread of its own; a failure in it is a log line."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        journal: Journal,
        judge: Callable[[], tuple[Facts, Verdict]],
        clock: Callable[[], datetime],
        folders: str,
    ) -> None:
        self._dispatcher = dispatcher
        self._journal = journal
        self._judge = judge
        self._clock = clock
        self._folders = folders
        self._found: Counter[str] = Counter()
        """In how many rounds in a row each disk was there."""
        self._complaint = ""
        self._judged: tuple[Plan, datetime, bool] | None = None
        """By which plan and when it was judged whether everything could be recovered."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go_round, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; nothing is sent after this returns."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def _go_round(self) -> None:
        while not self._ending.wait(LOOK):
            try:
                self.push_what_is_due()
                self.tell()
                self.beat()
                self._complaint = ""
            except ParaduxError as problem:
                self._complain(problem.message)
            except Exception:
                log.exception("A round failed")

    def _complain(self, what: str) -> None:
        """Once, not every few seconds while a disk is full."""
        if what != self._complaint:
            log.error("What is due cannot be looked at: %s", what)
        self._complaint = what

    def take(self, stick: Stick) -> bool:
        """Push at once to a disk that was plugged in; false if no destination lies on it."""
        meant = removable_disks.meant(self._dispatcher.plan, stick)
        if meant:
            names = ", ".join("/".join(filter(None, (dataset, location))) for dataset, _, location in meant)
            log.info("%s is the disk of %s: it is written now", stick.name, names)
            checks = [Draft((key[0], Step.VERIFY, key[2]), "inserted", key) for key in meant if self._check_is_due(key)]
            self._dispatcher.engine.submit([*(Draft(key, "inserted") for key in meant), *checks])
        return bool(meant)

    def _check_is_due(self, pushed: Key) -> bool:
        """Whether the versions on a disk are to be checked now that it is here: the schedule never finds it."""
        every, now = self._dispatcher.plan.verify_every, self._clock()
        checked = self._journal.latest((pushed[0], Step.VERIFY, pushed[2])).last_success
        since = next_run.known(checked or self._journal.latest(pushed).last_success, now)
        if pushed[1] != Step.PUSH or not every or since is None:
            return False
        return now >= since + timedelta(seconds=every)

    def push_what_is_due(self) -> None:
        """Push to disks that stay plugged in, or were there before the daemon."""
        self._look_for_disks()
        if not self._dispatcher.engine.transport_ready:
            return
        waiting = self._dispatcher.engine.pending()
        for dataset, each in removable_disks.destinations(self._dispatcher.plan):
            key = (dataset.id, Step.PUSH, each.id)
            if key not in waiting and self._is_due(dataset, each):
                self._dispatcher.engine.submit([replace(requests.push(dataset.id, each.id), trigger="inserted")])

    def _look_for_disks(self) -> None:
        uuids = {uuid_of(each.place) for _, each in removable_disks.destinations(self._dispatcher.plan)}
        there = {uuid for uuid in uuids if removable_disk.is_there(uuid, self._folders)}
        self._found = Counter({uuid: self._found[uuid] + 1 for uuid in there})

    def _is_due(self, dataset: DatasetPlan, each: DestinationPlan) -> bool:
        latest = self._journal.latest((dataset.id, Step.PUSH, each.id))
        now = self._clock()
        period = conditions.period_of(each.timing or dataset.source.timing)
        success = next_run.known(latest.last_success, now)
        if period is None or (success and now < success + timedelta(seconds=period)):
            return False
        stays = self._found[uuid_of(each.place)] >= STAYS
        if not stays or next_run.when_allowed(latest, now, each.id).at > now:
            return False
        return self._dispatcher.engine.refusal(dataset.id) is None

    def tell(self) -> None:
        """Look at what is wrong, and send to each address what it was not told yet."""
        plan = self._dispatcher.plan
        if not plan.notify:
            return
        now = self._clock()
        facts, verdict = self._judge()
        rules = notifications.Rules(plan.notify_after, plan.digest)
        before = notifications.seen_before(self._journal.fact(notifications.SEEN))
        seen = notifications.watch(before, verdict.problems, now, rules.after)
        if seen != before:
            self._journal.set_fact(notifications.SEEN, to_json_value(seen))
        if not self._dispatcher.engine.transport_ready:
            return
        safe = _safe(plan, facts)
        for address in plan.notify:
            # That it cannot be reached is of interest elsewhere.
            found = tuple(
                each for each in verdict.problems if (each.code, each.subject) != ("notify-failed", address.id)
            )
            self._tell(address.id, notifications.News(verdict.headline, found, safe), seen, rules)

    def beat(self) -> None:
        """Call the watchdogs: that everything could be recovered, or that it could not."""
        plan = self._dispatcher.plan
        waiting = self._dispatcher.engine.pending() if plan.heartbeat else frozenset()
        due = [key for each in plan.heartbeat if (key := ("", Step.HEARTBEAT, each.id)) not in waiting]
        if not due or not self._dispatcher.engine.transport_ready:
            return
        now = self._clock()
        well = self._is_well(now)
        for key in due:
            latest = self._journal.latest(key)
            told = latest.told(Called).well
            if next_run.when_allowed(latest, now, key[2]).at > now or not heartbeat.is_due(
                latest, told, well, plan.heartbeat_every, now
            ):
                continue
            self._dispatcher.engine.submit([Draft(key, "heartbeat", arguments=to_json_value(HeartbeatArguments(well)))])

    def _is_well(self, now: datetime) -> bool:
        """Whether everything could be recovered today, as status says it. Judged once for several looks: it takes a while."""
        plan = self._dispatcher.plan
        if self._judged is None or self._judged[0] is not plan or now - self._judged[1] >= JUDGE_EVERY:
            self._judged = (plan, now, self._judge()[1].today)
        return self._judged[2]

    def _tell(
        self, address: str, news: notifications.News, seen: notifications.Seen, rules: notifications.Rules
    ) -> None:
        key, now = ("", Step.NOTIFY, address), self._clock()
        told = self._journal.fact_as(notifications.Told, notifications.told_fact(address))
        if told is None:
            told = notifications.baseline(news, now)
            self._journal.set_fact(notifications.told_fact(address), to_json_value(told))
        if (
            key in self._dispatcher.engine.pending()
            or next_run.when_allowed(self._journal.latest(key), now, address).at > now
        ):
            return
        if found := notifications.notice(news, seen, told, rules, now):
            arguments = {"title": found.title, "body": found.body, "told": to_json_value(found.told)}
            self._dispatcher.engine.submit([Draft(key, "notice", arguments=arguments)])


def _safe(plan: Plan, facts: Facts) -> dict[str, str]:
    """Disks that can be taken out, and since when: those that were written and are not in use."""
    used = {(run.dataset, run.location) for run in facts.running}
    places = {each.place for dataset, each in removable_disks.destinations(plan) if (dataset.id, each.id) in used}
    found = {}
    for dataset, each in removable_disks.destinations(plan):
        latest = facts.latest.get((dataset.id, Step.PUSH, each.id))
        if latest is not None and timestamps.parse(latest.last_success) and each.place not in places:
            found[f"{dataset.id}/{each.id}"] = str(latest.last_success)
    return found
