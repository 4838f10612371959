"""The queue, what runs, and what is recorded of it.

Rules beyond `core/runs/queue.py`: nothing is pushed from a staging that no good pull has filled, and nothing of a dataset that the guard
holds. A hold because files were missing ends with the next good pull; one because too many files changed (ransomware) only when
the owner approves.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import time_windows, timestamps
from paraduxd.core.runs import requests
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Done, Failed, Progress, Step
from paraduxd.core.runs.queue import LOCAL, Request, startable
from paraduxd.core.runs.requests import Draft
from paraduxd.core.status import succession
from paraduxd.effects.journal.journal import INTERRUPTED, Ending, Journal
from paraduxd.supervisor.runs import alarms, outcomes, run_log
from paraduxd.supervisor.runs.late_records import Recorder
from paraduxd.supervisor.runs.launcher import Final, Workers
from paraduxd.supervisor.runs.order_factory import OrderFactory
from paraduxd.supervisor.runs.pages import PAGE, Pages
from paraduxd.supervisor.runs.underway import (
    AGAIN,
    BY_CLOCK,
    CANCELLED,
    READING,
    REMOVED,
    REPLACED,
    Running,
    Waiting,
    needs_no_credentials,
    pulls_differently,
)

log = logging.getLogger("paradux.runs")

NO_PLAN = Plan(serial=0, saved="", epoch=0, owner="", instance="", shares_required=0)


class Engine:
    """Every method may be called from any thread; none waits for a transfer but `stop`. The lock is held in all private methods
    but `_go_on`.

    `on_change` is called with the datasets of runs that have ended or were dropped ("" for what belongs to none).
    """

    def __init__(
        self,
        journal: Journal,
        workers: Workers,
        clock: Callable[[], datetime],
        state: StatePlaces,
        sticks: str = "",
    ) -> None:
        self.on_change: Callable[[set[str]], None] = lambda _: None
        self._journal = journal
        self._workers = workers
        self._clock = clock
        self._state = state
        self._lock = threading.Condition()  # told of every run that ends
        self._sticks = sticks
        self._orders = OrderFactory(NO_PLAN, journal, state, state.transport, sticks)
        self._places: dict[tuple[str, str], str] = {}
        self._queue: dict[tuple[Key, str], Waiting] = {}
        self._running: dict[int, Running] = {}
        self._changed: set[str] = set()
        self._recorder = Recorder()
        self.pages = Pages()
        self._ready = False
        self._stopping = False

    @property
    def plan(self) -> Plan:
        """What is run by; an empty one before the first `apply_plan`."""
        return self._orders.plan

    @property
    def transports(self) -> Path:
        """The directory of the transport files."""
        return self._orders.transports

    @property
    def transport_ready(self) -> bool:
        """Whether the credentials can be read; nothing that needs them starts before."""
        return self._ready

    def set_ready(self, ready: bool) -> None:
        """The transport files are there, or not; what waits for them goes on."""
        with self._lock:
            if ready != self._ready:
                self._ready = ready
                self._changed |= {"", *(dataset.id for dataset in self.plan.datasets)}
        self._go_on()

    def apply_plan(self, plan: Plan, transports: Path | None = None) -> None:
        """Run by a new plan; `transports` is the directory of the transport files.

        What is not in it any more is cancelled; a pull whose source or staging has changed starts again; all other runs go on
        undisturbed.
        """
        with self._lock:
            before = self.plan
            self._journal.use_places(plan.uids)
            self._journal.hold_if_lost([dataset.id for dataset in plan.datasets])
            self._recorder.record(lambda: alarms.note_instance(self._journal, plan, self._now()))
            self._orders = OrderFactory(
                plan, self._journal, self._state, transports or self._state.transport, self._sticks
            )
            self._places = requests.places(plan)
            for waiting in list(self._queue.values()):
                self._fit_waiting(waiting)
            for number, running in list(self._running.items()):
                self._fit_running(number, running, before)
        self._go_on()

    def _fit_waiting(self, waiting: Waiting) -> None:
        request = waiting.request
        if not self._is_known(request):
            self._drop(waiting, Ending("cancelled", self._now(), REMOVED))
        else:
            self._queue[request.identity] = replace(waiting, request=replace(request, place=self._place(request.key)))

    def _fit_running(self, number: int, running: Running, before: Plan) -> None:
        request = running.request
        if not self._is_known(request):
            self._end(number, REMOVED)
        elif request.step == Step.PULL and pulls_differently(before, self.plan, request.dataset):
            self._end(number, REPLACED)
            (again,) = self._enqueue([requests.pull(request.dataset, running.trigger)])
            self._make_wait(after=number, instead=again)

    def _make_wait(self, *, after: int, instead: int) -> None:
        """Let what waits for one run wait for another."""
        for identity, waiting in self._queue.items():
            if waiting.request.after == after:
                self._queue[identity] = replace(waiting, request=replace(waiting.request, after=instead))

    def resume(self) -> None:
        """Once, after the first plan: queue again what the last supervisor left unfinished."""
        with self._lock:
            newest = self._journal.newest()
            self._recorder.record(lambda: self._resume(newest))
        self._go_on()

    def _resume(self, newest: int) -> None:
        """Of what is up to this run: when the journal could not be written at the start, there are others by now."""
        runs = [run for run in self._journal.mark_interrupted(self._now(), newest) if run.step in AGAIN]
        pulls = {run.key for run in runs if run.step == Step.PULL}
        known = [run for run in runs if (run.dataset, run.location) in self._places]
        before = {run.key: requests.pull(run.dataset).key for run in known if run.step == Step.PUSH}
        after = {key: pull for key, pull in before.items() if pull in pulls}
        self._enqueue([Draft(run.key, "catch-up", after.get(run.key)) for run in known])

    def beat(self) -> None:
        """Now and then: record what could not be recorded (a full disk), start what can start."""
        self._go_on()

    def stop(self) -> None:
        """End all transfers; the next start marks them as interrupted and takes them up, and so what is queued."""
        with self._lock:
            self._stopping = True
            for running in self._running.values():
                running.stopped = running.stopped or INTERRUPTED
        self._workers.stop()

    def submit(self, drafts: Sequence[Draft], uid: int = 0) -> tuple[int, ...]:
        """Queue runs that `uid` asks for, all or none, and start what can start."""
        with self._lock:
            numbers = self._enqueue([replace(draft, uid=uid) for draft in drafts])
        self._go_on()
        return tuple(numbers)

    def cancel(self, numbers: Iterable[int], uid: int = 0) -> tuple[int, ...]:
        """End these runs, and what waits for them; those that have ended are left as they are.

        A `uid` other than 0 ends what it asked for alone; gives the numbers that belong to others, or that others wait for.
        """
        wanted = set(numbers)
        with self._lock:
            others = {each.number for each in self._open() if uid not in (0, each.uid)}
            others |= {each.after for each in self._open() if each.number in others and each.after}
            for waiting in list(self._queue.values()):
                if {waiting.request.number, waiting.request.after} & (wanted - others):
                    self._drop(waiting, Ending("cancelled", self._now(), CANCELLED))
            for number in (wanted - others) & set(self._running):
                self._end(number, CANCELLED)
        self._go_on()
        return tuple(sorted(wanted & others))

    def await_end(self, numbers: Iterable[int], seconds: float) -> None:
        """Return when one of these runs has ended, or after so many seconds."""
        wanted = set(numbers)
        with self._lock:
            self._lock.wait_for(
                lambda: not self._stopping and not wanted <= {each.number for each in self._open()}, seconds
            )

    def open_runs(self) -> list[int]:
        """The numbers of what waits or goes on."""
        with self._lock:
            return [each.number for each in self._open()]

    def under_way(self) -> dict[int, Progress]:
        """How far each run is that goes on now."""
        with self._lock:
            return {number: running.progress for number, running in sorted(self._running.items())}

    def pending(self) -> set[Key]:
        """The targets of all runs that wait or go on."""
        with self._lock:
            return {each.key for each in self._open()}

    def progress(self, run: int, progress: Progress) -> None:
        """How far a run is."""
        running = self._running.get(run)
        if running is not None:
            running.progress = progress

    def ended(self, run: int, final: Final) -> None:
        """A run has ended: record it, draw the consequences, start what can start now."""
        with self._lock:
            running = self._running.pop(run, None)
            if running is None:
                return
            now = self._now()
            if isinstance(final, Done) and PAGE in final.result:
                final = self.pages.keep(run, running.request.uid, final)
            ending = outcomes.ending(running.order, final, running.progress, running.stopped, now)
            if ending.state == "interrupted":
                return  # the next start finds it unfinished, marks it and runs it again
            run_log.ended(running.request, ending, running.started)
            self._finish(running.request, ending, lambda: self._keep(running, final, ending))
            if ending.state == "done":
                run_log.safe_to_remove(running.request.place, {each.place for each in self._open()})
            if running.request.step == Step.PULL:
                self._drop_pushes(run, running.request.dataset, ending)
        self._go_on()

    def release(self, dataset: str) -> None:
        """End the hold of a dataset. Raises `ParaduxError` "not-held" where there is none."""
        with self._lock:
            outcomes.release(self._journal, dataset, self._now())

    def knows(self, key: Key) -> bool:
        """Whether the plan has this location."""
        return (key[0], key[2]) in self._places

    def refusal(self, dataset: str) -> Failed | None:
        """Why nothing of this dataset may be pushed anywhere now, if so: its staging is not filled, or it is held."""
        known = self.plan.dataset(dataset)
        return outcomes.refusal(self._journal, known) if known else None

    def _keep(self, running: Running, final: Final, ending: Ending) -> None:
        if running.order.step in READING:
            self._journal.finish(running.request.number, ending)
            outcomes.remember_restore(self._journal, running.order, final, ending.at)
            return
        with self._journal.batch():
            self._journal.finish(running.request.number, ending)
            outcomes.remember(self._journal, running.order, final, running.started, ending.at)

    def _drop_pushes(self, pull: int, dataset: str, ending: Ending) -> None:
        """Drop what waited for a pull that did not end well, and what the guard holds now."""
        for waiting in [each for each in self._queue.values() if each.request.dataset == dataset]:
            error = None
            if ending.state == "held":
                error = self._refusal(waiting.request.key)
            elif waiting.request.after == pull and ending.state != "done":
                error = outcomes.not_pushed(ending)
            if error is not None:
                self._drop(waiting, Ending("cancelled", ending.at, error))

    def _enqueue(self, drafts: Sequence[Draft]) -> list[int]:
        queue = dict(self._queue)
        reading = all(draft.key[1] in READING for draft in drafts)
        with contextlib.nullcontext() if reading else self._journal.batch():
            numbers = [self._enqueue_into(queue, draft) for draft in drafts]
        self._queue = queue
        return numbers

    def _enqueue_into(self, queue: dict[tuple[Key, str], Waiting], draft: Draft) -> int:
        before = queue.get((draft.after, "")) if draft.after else None
        after = before.request.number if before else None
        request = Request(
            0, *draft.key, self._place(draft.key), draft.trigger == "manual", after, draft.detail, draft.uid
        )
        same = queue.get(request.identity)
        if same is None:
            add = self._journal.add_reading if draft.key[1] in READING else self._journal.add
            number = add(draft.key, draft.trigger, self._now()).number
            queue[request.identity] = Waiting(replace(request, number=number), draft.trigger, draft.arguments)
            return number
        uid = request.uid if request.uid == same.request.uid else 0
        manual = same.request.manual or request.manual
        merged = replace(same.request, manual=manual, after=after or same.request.after, uid=uid)
        queue[request.identity] = replace(same, request=merged, arguments={**same.arguments, **draft.arguments})
        return merged.number

    def _go_on(self) -> None:
        """Start what can start, then tell what has changed; the lock is not held."""
        with self._lock:
            self._recorder.catch_up()
            while chosen := self._choose():
                for request in chosen:
                    self._begin(self._queue[request.identity])
            changed, self._changed = self._changed, set()
        if changed:
            self.on_change(changed)

    def _choose(self) -> tuple[Request, ...]:
        if self._stopping:
            return ()
        waiting = [waiting.request for waiting in self._queue.values()]
        if self._recorder.is_behind:  # what the journal does not know yet may be a hold
            waiting = [request for request in waiting if request.step in READING]
        shut = {each.request.number for each in self._queue.values() if self._is_shut_out(each)}
        waiting = [request for request in waiting if not {request.number, request.after} & shut]
        able = [request for request in waiting if self._ready or needs_no_credentials(request)]
        return startable(able, [running.request for running in self._running.values()], self.plan.limits)

    def _is_shut_out(self, waiting: Waiting) -> bool:
        """Whether the window of its location is closed for it: it had to wait for others while that was open."""
        request = waiting.request
        if request.manual or waiting.trigger not in BY_CLOCK or request.step in (Step.VERSIONS, Step.LIST):
            return False
        return not time_windows.is_open(self.plan.window(request.dataset, request.location), self._clock())

    def _begin(self, waiting: Waiting) -> None:
        request, now = waiting.request, self._now()
        try:
            if error := self._refusal(request.key):
                self._drop(waiting, Ending("cancelled", now, error))
                return
            order = self._orders.order(request, waiting.arguments, self._clock())
            start = self._journal.start_reading if request.step in READING else self._journal.start
            start(request.number, now)
        except ParaduxError as problem:
            self._drop(waiting, Ending("failed", now, Failed(problem.code, problem.message, problem.hint)))
            return
        del self._queue[request.identity]
        self._running[request.number] = Running(request, waiting.trigger, order, now)
        run_log.started(request, waiting.trigger)
        self._workers.start(order, self)

    def _drop(self, waiting: Waiting, ending: Ending) -> None:
        """A queued run does not run."""
        del self._queue[waiting.request.identity]
        number = waiting.request.number
        run_log.ended(waiting.request, ending, None)
        self._finish(waiting.request, ending, lambda: self._journal.finish(number, ending))

    def _end(self, number: int, why: Failed) -> None:
        """Ask a run to end."""
        self._running[number].stopped = self._running[number].stopped or why
        self._workers.cancel(number)

    def _finish(self, request: Request, ending: Ending, record: Callable[[], None]) -> None:
        """A run has ended."""
        self._changed.add(request.dataset)
        self._lock.notify_all()
        if not self._recorder.record(record):
            log.error("The end of run %d cannot be recorded yet", request.number)
            self._journal.show_ended(request.number, ending)

    def _refusal(self, key: Key) -> Failed | None:
        if key[1] in succession.WRITES and (error := alarms.superseded(self._journal, self.plan, key)):
            return error
        return self.refusal(key[0]) if key[1] == Step.PUSH else None

    def _open(self) -> list[Request]:
        """What waits or goes on."""
        return [*(each.request for each in self._queue.values()), *(each.request for each in self._running.values())]

    def _is_known(self, request: Request) -> bool:
        return request.step in (Step.HOSTKEYS, Step.KIT_CHECK) or self.knows(request.key)

    def _place(self, key: Key) -> str:
        return self._places.get((key[0], key[2]), LOCAL)

    def _now(self) -> str:
        return timestamps.stamp(self._clock()) or ""
