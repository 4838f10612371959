"""What a connection can ask of the supervisor: the contract of `api/contract.py` brought to life.

What comes in is untrusted until checked.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace

from paraduxd.api import bounded_json
from paraduxd.api.calls import check_arguments, reply_to
from paraduxd.api.contract import SUPERVISOR, SupervisorCalls
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import DIFF, FIND, LS, Question, RestoreOptions
from paraduxd.api.replies.kits import Challenge, CodeTaken, Stewards
from paraduxd.api.replies.listings import Page
from paraduxd.api.replies.state import Overview, Status
from paraduxd.api.replies.transfer_runs import Left, Nothing, Run, Runs, Started, Waited
from paraduxd.api.replies.what_if import WhatIf
from paraduxd.core.primitives import timestamps
from paraduxd.core.whatif import answer as whatif_answer
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.supervisor.confirmations import Confirmations
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.runs.run_waiters import RunWaiters

log = logging.getLogger("paradux.calls")

_ACTS = frozenset(SUPERVISOR) - {
    *("status", "overview", "whatif", "history", "unfinished", "runs", "await_end", "stewards", "page")
}
"""Calls that do more than tell: the log names who asked."""

LONGEST_WAIT = 0.25
"""Seconds that `await_end` takes at most; whoever follows a run wants to show how far it is."""

MAX_TEXT = 8192
"""Characters of a path or a pattern."""

MAX_RUNS = 10_000
"""How many runs one call may name or ask for."""


@dataclass(frozen=True)
class Services:
    """What carries calls out: `status` is of everything or one dataset, `overview` of so many, `lock` ends the keeper, `stewards` tells
    who holds what, `whatif` what would be left."""

    dispatcher: Dispatcher
    status: Callable[[str | None], Status]
    overview: Callable[[int], Overview]
    lock: Callable[[], None]
    stewards: Callable[[], Stewards]
    confirmations: Confirmations
    whatif: Callable[[whatif_answer.WhatIfQuestion], WhatIf]
    waiters: RunWaiters = field(default_factory=RunWaiters)


class Calls:
    """Takes calls: who may make it and with what is checked here, for all of them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def handle(self, peer: Peer, untrusted_name: str, untrusted_arguments: str) -> str:
        """The reply to one call as JSON; raises `ParaduxError`."""
        call = SUPERVISOR.get(untrusted_name)
        if call is None:
            raise ParaduxError("bad-request", "the daemon has no such call", "do client and daemon differ in version?")
        arguments = check_arguments(call, _parsed(untrusted_arguments))
        if not _is_owner(peer) and (call.access == "owner" or call.of_owner(arguments)):
            log.info("uid %d was refused %s", peer.uid, untrusted_name)
            raise ParaduxError(
                "not-allowed", "this needs the operational passphrase", "give it", ExitCode.NOT_AUTHORIZED
            )
        if untrusted_name in _ACTS:
            log.info("uid %d asks for %s", peer.uid, untrusted_name)
        return json.dumps({"reply": reply_to(SUPERVISOR, self._handlers(peer), untrusted_name, arguments)})

    def _handlers(self, peer: Peer) -> SupervisorCalls:
        return Handlers(self._services, 0 if _is_owner(peer) else peer.uid)


class Handlers:
    """Answers the calls of `uid`, which is 0 for whoever may do everything. Members of lists are untrusted until checked here."""

    def __init__(self, services: Services, uid: int) -> None:
        self._services = services
        self._dispatcher = services.dispatcher
        self._uid = uid

    def status(self, *, dataset: str | None = None) -> Status:
        return self._services.status(dataset)

    def overview(self, *, most: int) -> Overview:
        return self._services.overview(max(0, most))

    def stewards(self) -> Stewards:
        return self._services.stewards()

    def whatif(
        self, *, lose: Sequence[object] = (), compromise: Sequence[object] = (), scenario: str = "", advice: str = ""
    ) -> WhatIf:
        losses, seeds = texts(lose, "losses"), texts(compromise, "things in other hands")
        return self._services.whatif(whatif_answer.WhatIfQuestion(tuple(losses), tuple(seeds), scenario, advice))

    def ask(self, *, steward: str) -> Challenge:
        return self._services.confirmations.ask(steward)

    def confirm(self, *, code: str) -> CodeTaken:
        return self._services.confirmations.confirm(code, self._uid)

    def history(self, *, dataset: str | None = None, failed: bool = False, limit: int = 100) -> Runs:
        count = max(1, min(limit, MAX_RUNS))
        return self._shown(self._dispatcher.history(dataset, failed=failed, limit=count))

    def unfinished(self) -> Runs:
        return self._shown(self._dispatcher.unfinished())

    def backup(
        self,
        *,
        datasets: Sequence[object] = (),
        destination: str | None = None,
        pull_only: bool = False,
        push_only: bool = False,
    ) -> Started:
        names = texts(datasets, "datasets")
        may_remove = not self._uid
        runs = self._dispatcher.backup(
            names, destination, pull_only=pull_only, push_only=push_only, removes=may_remove, uid=self._uid
        )
        return Started(tuple(runs))

    def runs(self, *, runs: Sequence[object]) -> Runs:
        return self._shown(self._dispatcher.runs(numbers(runs)))

    def await_end(self, *, runs: Sequence[object]) -> Waited:
        chosen = numbers(runs)
        with self._services.waiters.one_more(self._uid) as admitted:
            if admitted:
                self._dispatcher.engine.await_end(chosen, LONGEST_WAIT)
        return Waited(admitted)

    def _shown(self, runs: Iterable[Run]) -> Runs:
        """What others have made at a place, with hosts and folders, is not told to members."""
        return Runs(tuple(_without_others(run) if self._uid else run for run in runs))

    def cancel(self, *, runs: Sequence[object]) -> Left:
        return Left(tuple(self._dispatcher.engine.cancel(numbers(runs), self._uid)))

    def versions(self, *, dataset: str, destination: str | None = None, others: bool = False) -> Started:
        return Started(tuple(self._dispatcher.versions(dataset, destination, others=others, uid=self._uid)))

    def verify(self, *, dataset: str | None = None, deep: bool = False) -> Started:
        return Started(tuple(self._dispatcher.verify(dataset, deep=deep, uid=self._uid)))

    def publish(self) -> Started:
        return Started(tuple(self._dispatcher.publish(uid=self._uid)))

    def notify_test(self) -> Started:
        return Started(tuple(self._dispatcher.notify_test(uid=self._uid)))

    def lock(self) -> Nothing:
        self._services.lock()
        return Nothing()

    def restore(
        self,
        *,
        dataset: str,
        to: str,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[object] = (),
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
        on_behalf_of: int | None = None,
    ) -> Started:
        uid = 0 if on_behalf_of is None else on_behalf_of  # which root alone may say
        return Started(restore(self._dispatcher, dataset, to, source, at, untrusted=RestoreWanted(paths, options, uid)))

    def look(self, *, dataset: str, question: Question, source: str | None = None) -> Started:
        return Started(look(self._dispatcher, dataset, source, question, keys={}, uid=self._uid))

    def page(self, *, run: int) -> Page:
        return self._dispatcher.page(run, self._uid)


def _without_others(run: Run) -> Run:
    if not run.result or "others" not in run.result:
        return run
    return replace(run, result={key: value for key, value in run.result.items() if key != "others"})


def look(
    dispatcher: Dispatcher,
    dataset: str,
    source: str | None,
    untrusted_question: Question,
    *,
    keys: Mapping[str, str],
    uid: int,
) -> tuple[int, ...]:
    """The runs of a look into versions for `uid`; `keys` as of `restore`, by place."""
    question = untrusted_question
    if question.ask not in (LS, FIND, DIFF) or not 0 <= question.after < 1 << 53:
        raise ParaduxError("bad-request", "versions can be asked for ls, find and diff")
    given = (question.version, question.other, question.path, question.pattern)
    if any("\x00" in text or len(text) > MAX_TEXT for text in given if text is not None):
        raise ParaduxError("bad-request", "a path or a pattern is too long, or none")
    _check_time(question.at)
    return tuple(dispatcher.look(dataset, source, question, keys=keys, uid=uid))


@dataclass(frozen=True)
class RestoreWanted:
    """Which paths, how, for whom; `key`: where the worker gets the key of encrypted archives."""

    untrusted_paths: Sequence[object]
    untrusted_options: RestoreOptions
    uid: int
    key: str = ""


def restore(
    dispatcher: Dispatcher,
    dataset: str,
    to: str,
    source: str | None,
    at: str | None,
    *,
    untrusted: RestoreWanted,
) -> tuple[int, ...]:
    """The runs of a restore."""
    _check_time(at)
    wanted, options = texts(untrusted.untrusted_paths, "paths"), untrusted.untrusted_options
    texts(options.owners, "owners")
    return tuple(
        dispatcher.restore(dataset, to, source, at, wanted, options=options, key=untrusted.key, uid=untrusted.uid)
    )


def _check_time(untrusted: str | None) -> None:
    if untrusted is not None and timestamps.parse(untrusted) is None:
        raise ParaduxError("bad-request", "a time must be of the form 2026-11-23T12:00:00Z", "say it with --at")


def _is_owner(peer: Peer) -> bool:
    """Root, or the user that the daemon runs as."""
    return peer.uid in (0, os.geteuid())


def _parsed(untrusted_text: str) -> object:
    try:
        parsed: object = bounded_json.parse(untrusted_text, "what a call was given")
        return parsed
    except ValueError:
        raise ParaduxError("bad-request", "the arguments of a call must be JSON") from None


def numbers(untrusted: Sequence[object]) -> list[int]:
    """Numbers of runs."""
    found = [number for number in untrusted[:MAX_RUNS] if type(number) is int and 0 < number < 1 << 53]
    if len(found) != len(untrusted):
        raise ParaduxError("bad-request", "runs must be a list of run numbers")
    return found


def texts(untrusted: Sequence[object], name: str) -> list[str]:
    """Texts that may be names or paths; `name`: of the argument."""
    found = [text for text in untrusted[:MAX_RUNS] if type(text) is str and "\x00" not in text]
    if len(found) != len(untrusted):
        raise ParaduxError("bad-request", f"{name} must be a list of texts")
    return found
