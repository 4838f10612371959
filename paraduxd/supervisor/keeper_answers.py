"""What the supervisor answers the keeper, which has authorized whoever is behind a question."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from paraduxd.api.calls import JsonObject, check_arguments, reply_to
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import Question, RestoreOptions
from paraduxd.api.replies.config import HostKeysOf
from paraduxd.api.replies.kits import Challenge, CodeTaken
from paraduxd.api.replies.transfer_runs import Left, Nothing, ReadingStarted, Run, Started
from paraduxd.core.primitives import timestamps
from paraduxd.core.recovery.drill_judgement import Drill
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.ipc.keeper_questions import QUESTIONS, DrillPlace, KeeperQuestions, KnownKits
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.confirmations import Confirmations
from paraduxd.supervisor.drill_records import DrillRecords
from paraduxd.supervisor.rpc import service
from paraduxd.supervisor.runs import alarms
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.schedule.scheduler import Scheduler

log = logging.getLogger("paradux.daemon")

HOSTKEY_PATIENCE = 40.0
"""Seconds; the keeper waits a little longer than this."""


@dataclass(frozen=True)
class KeeperAnswers:
    """`apply_plan` gives the runs that publish its config; `record_kit` keeps what is known of a kit, `unwatched` says why
    no stick is noticed, if so."""

    dispatcher: Dispatcher
    scheduler: Scheduler
    journal: Journal
    drills: DrillRecords
    confirmations: Confirmations
    now: Callable[[], datetime]
    apply_plan: Callable[[bool], tuple[int, ...]]
    record_kit: Callable[[KitRecord], None]
    unwatched: Callable[[], str] = str

    def apply(self, *, publish: bool) -> Started:
        try:
            return Started(self.apply_plan(publish))
        except (OSError, ValueError) as problem:
            log.error("The new plan cannot be read: %s", problem)
            why = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise ParaduxError(
                "bad-plan",
                f"the supervisor cannot read the new plan: {why}",
                "see that all parts of Paradux are of one version and the disk is not full; then: paraductl edit",
            ) from None

    def restore(
        self,
        *,
        keys: Mapping[str, str],
        uid: int,
        dataset: str,
        to: str,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[object] = (),
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
    ) -> ReadingStarted:
        location = self.dispatcher.where_from(dataset, source, at, options.version)
        wanted = service.RestoreWanted(paths, options, uid, keys.get(location, ""))
        runs = service.restore(self.dispatcher, dataset, to, location, at, untrusted=wanted)
        return ReadingStarted(runs, (location,) if location in keys else ())

    def look(
        self, *, keys: Mapping[str, str], uid: int, dataset: str, question: Question, source: str | None = None
    ) -> ReadingStarted:
        runs = service.look(self.dispatcher, dataset, source, question, keys=keys, uid=uid)
        at = {run.location for run in self.dispatcher.runs(runs)}
        return ReadingStarted(runs, tuple(sorted(at & set(keys))))

    def approve(self, *, dataset: str) -> Started:
        return Started(tuple(self.dispatcher.approve(dataset)))

    def prune(self, *, dataset: str, destination: str | None = None) -> Started:
        return Started(tuple(self.dispatcher.prune(dataset, destination)))

    def verify(self, *, dataset: str | None = None, deep: bool = False) -> Started:
        return Started(tuple(self.dispatcher.verify(dataset, deep=deep)))

    def cancel(self, *, runs: Sequence[object]) -> Left:
        return Left(tuple(self.dispatcher.engine.cancel(service.numbers(runs))))

    def ask(self, *, steward: str) -> Challenge:
        return self.confirmations.ask(steward)

    def confirm(self, *, code: str, uid: int) -> CodeTaken:
        return self.confirmations.confirm(code, uid)

    def alarm(self, *, why: str) -> Nothing:
        alarms.raise_alarm(self.journal, timestamps.stamp(self.now()) or "", why)
        return Nothing()

    def kit(self, *, record: KitRecord) -> Nothing:
        self.record_kit(record)
        return Nothing()

    def kits(self) -> KnownKits:
        return KnownKits(tuple(self.journal.kits()), self.unwatched())

    def hostkeys(self, *, hosts: Sequence[object]) -> HostKeysOf:
        (number,) = self.dispatcher.hostkeys([_server(each) for each in hosts])
        run = self._ended(number)
        if run.result is None:
            reason = run.error.message if run.error else "no reason known"
            raise ParaduxError("hostkeys", f"cannot ask for host keys: {reason}")
        return from_json_value(HostKeysOf, run.result)

    def _ended(self, number: int) -> Run:
        deadline = time.monotonic() + HOSTKEY_PATIENCE
        while (run := self.dispatcher.runs([number])[0]).state in ("queued", "running"):
            if time.monotonic() > deadline:
                raise ParaduxError("hostkeys", "the servers did not show their keys in time", "try again later")
            self.dispatcher.engine.await_end([number], deadline - time.monotonic())
        return run

    def drill_begins(self, *, base: str) -> DrillPlace:
        return self.drills.begins(base)

    def drill_ended(self, *, drill: Drill) -> Nothing:
        self.scheduler.changed(self.drills.ended(self.dispatcher.plan, drill))
        return Nothing()


def answer(answers: KeeperQuestions, untrusted_name: str, untrusted_arguments: object) -> JsonObject:
    """The reply to one question; raises `ParaduxError`."""
    question = QUESTIONS.get(untrusted_name)
    if question is None:
        raise ParaduxError("bad-request", "the supervisor has no answer to this question")
    return reply_to(QUESTIONS, answers, untrusted_name, check_arguments(question, untrusted_arguments))


def _server(untrusted_host: object) -> tuple[str, int] | tuple[str, int, str]:
    match untrusted_host:
        case [str(host), int(port)]:
            return host, port
        case [str(host), int(port), str(how)]:
            return host, port, how
    raise ParaduxError("bad-request", "a server must be a list of host, port, and how it is spoken to")
