"""When things run by themselves: the one door to APScheduler.

Every target (dataset, step, location) has a next date in a table here, made by `core/runs/next_run.py` from its timing and from what the
journal remembers, so that downtime is noticed and nothing hangs on a job store. APScheduler holds one alarm, set to the earliest of these
dates, and the daily clean-up. That keeps clear of what its own interval jobs get wrong: jitter that drifts, runs dropped when
late, next dates reset when a job is replaced.

A wall clock that is set, or a machine that slept, is noticed within half a minute by a thread that sleeps by the steady clock
(an APScheduler job would wait for the old time to come again) and has all dates made anew.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.model import Plan, Timing
from paraduxd.core.primitives import cron, timestamps
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.next_run import Due
from paraduxd.core.runs.orders import Step
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.schedule.timetable import Look, in_window, targets_of, window_of

log = logging.getLogger("paradux.scheduler")

BEAT = 30.0
"""Seconds between two looks at the clock."""

JUMP = 5.0
"""Seconds by which the wall clock may stray from the steady one between two looks."""

MANY = 20
"""From so many dates on it is faster to read the whole journal's summary at once."""

LATER = timedelta(minutes=1)
"""After which queueing is tried again when the journal could not be written."""


CLEAN_UP = "clean-up"
"""It has a thread of its own: what is due does not wait for it."""

PAUSE = 0.02
"""Seconds between two pieces of the clean-up, in which whoever waits for the journal gets it."""


class Scheduler:
    """Keeps the dates, and has the dispatcher queue what is due. Every method may be called from any thread."""

    def __init__(self, dispatcher: Dispatcher, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._dispatcher = dispatcher
        self._journal = journal
        self._clock = clock
        self._making = threading.Lock()
        self._lock = threading.Lock()
        self._targets: dict[Key, Timing | None] = {}
        self._windows: dict[Key, str | None] = {}
        self._dates: dict[Key, Due] = {}
        self._ending = threading.Event()
        self._alarms = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1), CLEAN_UP: ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 4},
        )
        dispatcher.engine.on_change = self.changed

    def start(self) -> None:
        """Begin to run what is due."""
        self._alarms.start()
        daily, at_once = IntervalTrigger(days=1), datetime.now(UTC)
        self._alarms.add_job(self._clean_up, daily, id=CLEAN_UP, executor=CLEAN_UP, next_run_time=at_once)
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        self.tick()

    def stop(self) -> None:
        """Queue nothing more."""
        self._ending.set()
        if self._alarms.running:
            self._alarms.shutdown(wait=False)

    def apply_plan(self, plan: Plan) -> None:
        """Schedule by a new plan, after the dispatcher has it: only targets that are new, gone or timed differently are touched."""
        targets = targets_of(plan)
        windows = {key: window_of(plan, key) for key in targets}
        with self._lock:
            before, self._targets = self._targets, targets
            opened, self._windows = self._windows, windows
            for key in before.keys() - targets.keys():
                self._dates.pop(key, None)
        same = {key for key in targets if before.get(key, _NEW) == targets[key] and opened.get(key) == windows[key]}
        self._make_dates({key for key in targets if key[1] == Step.PUBLISH or key not in same})

    def changed(self, datasets: set[str]) -> None:
        """Runs of these datasets have ended: when is the next one of each of their targets?"""
        self._make_dates({key for key in self._targets if key[0] in datasets})

    def clock_jumped(self) -> None:
        """The clock was set, or the machine slept: make all dates anew."""
        self._make_dates(set(self._targets))

    def next_runs(self) -> dict[Key, str]:
        """All dates, RFC 3339 in UTC."""
        with self._lock:
            return {key: timestamps.stamp(date.at) or "" for key, date in self._dates.items()}

    def tick(self) -> None:
        """Queue what is due, all at once, and set the alarm for what is next."""
        if self._dispatcher.engine.transport_ready:
            self._queue_due(self._clock())
        self._set_alarm()

    def _queue_due(self, now: datetime) -> None:
        waiting = self._dispatcher.engine.pending()
        with self._lock:
            ready = {key: date for key, date in self._dates.items() if date.at <= now}
            # The machine may have slept until the window was closed again.
            fitted = {key: in_window(date, self._windows.get(key), now) for key, date in ready.items()}
            self._dates.update({key: date for key, date in fitted.items() if date.at > now})
            ready = {key: date for key, date in ready.items() if fitted[key].at <= now}
            for key in ready:
                del self._dates[key]
        ordered = sorted(ready.items(), key=lambda item: (item[1].at, item[0][1] != Step.PULL, item[0]))
        try:
            self._dispatcher.scheduled([(key, date.trigger) for key, date in ordered if key not in waiting])
        except ParaduxError as problem:
            log.error("What is due cannot be queued: %s", problem.message)
            with self._lock:
                self._dates.update({key: replace(date, at=now + LATER) for key, date in ready.items()})

    def _make_dates(self, keys: set[Key]) -> None:
        if not keys or self._ending.is_set():
            return
        with self._making:
            look = Look(self._dispatcher.plan, self._journal, self._clock(), cron.following)
            if len(keys) > MANY:
                look.look_at_all()
            waiting = self._dispatcher.engine.pending()
            dates = {key: None if key in waiting else self._date(look, key) for key in keys}
            with self._lock:
                for key, date in dates.items():
                    self._dates.pop(key, None)
                    if date is not None and key in self._targets:
                        self._dates[key] = date
        self._set_alarm()

    def _date(self, look: Look, key: Key) -> Due | None:
        try:
            return look.next_date(key, self._targets.get(key))
        except ValueError as problem:
            log.error("The timing of %s cannot be used: %s", "/".join(key), problem)
            return None

    def _set_alarm(self) -> None:
        with self._lock:
            earliest = min((date.at for date in self._dates.values()), default=None)
        if not self._alarms.running:
            return
        if earliest is None or not self._dispatcher.engine.transport_ready:
            with contextlib.suppress(JobLookupError):
                self._alarms.remove_job("alarm")
        else:
            self._alarms.add_job(self.tick, DateTrigger(earliest, UTC), id="alarm", replace_existing=True)

    def _clean_up(self) -> None:
        """In pieces: a history of many years takes half a minute, and whoever asks for status waits for one piece at most."""
        try:
            while self._journal.prune(self._clock()) and not self._ending.wait(PAUSE):
                pass
        except ParaduxError as problem:
            log.error("The journal cannot be cleaned up: %s", problem.message)

    def _beat(self) -> None:
        wall, steady = self._clock(), time.monotonic()
        while not self._ending.wait(BEAT):
            jumped = has_jumped(self._clock() - wall, time.monotonic() - steady)
            wall, steady = self._clock(), time.monotonic()
            try:
                if jumped:
                    log.info("The clock was set, or the machine slept")
                    self.clock_jumped()
                self._dispatcher.engine.beat()
                self.tick()
            except Exception:
                log.exception("The heartbeat failed")


def has_jumped(wall: timedelta, steady: float) -> bool:
    """Whether the wall clock has moved otherwise than the steady one (seconds) since the last look."""
    return abs(wall.total_seconds() - steady) > JUMP


_NEW = Timing(every=0)
"""Equal to no timing of a plan."""
