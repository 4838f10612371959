"""What a connection can ask of the supervisor: the contract of `api/contract.py` brought to life.

What comes in is untrusted until checked.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paraduxd.api import bounded_json
from paraduxd.api.calls import check_arguments, reply_to
from paraduxd.api.contract import SUPERVISOR, SupervisorCalls
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.kits import Challenge, CodeTaken, Stewards
from paraduxd.api.replies.state import Status
from paraduxd.api.replies.transfers import Left, Nothing, Runs, Started
from paraduxd.api.replies.what_if import WhatIf
from paraduxd.core.primitives import timestamps
from paraduxd.core.whatif.answer import Question
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.supervisor.confirmations import Confirmations
from paraduxd.supervisor.runs.service import Dispatcher

log = logging.getLogger("paradux.calls")

_ACTS = frozenset(SUPERVISOR) - {"status", "whatif", "history", "runs", "stewards"}
"""Calls that do more than tell: the log names who asked."""

MAX_RUNS = 10_000
"""How many runs one call may name or ask for."""


@dataclass(frozen=True)
class Services:
    """What carries calls out: `status` is of everything or one dataset, `lock` ends the keeper, `stewards` tells who holds what, `whatif`
    what would be left."""

    dispatcher: Dispatcher
    status: Callable[[str | None], Status]
    lock: Callable[[], None]
    stewards: Callable[[], Stewards]
    confirmations: Confirmations
    whatif: Callable[[Question], WhatIf]


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

    def stewards(self) -> Stewards:
        return self._services.stewards()

    def whatif(
        self, *, lose: Sequence[object] = (), compromise: Sequence[object] = (), scenario: str = "", advice: str = ""
    ) -> WhatIf:
        losses, seeds = texts(lose, "losses"), texts(compromise, "things in other hands")
        return self._services.whatif(Question(tuple(losses), tuple(seeds), scenario, advice))

    def ask(self, *, steward: str) -> Challenge:
        return self._services.confirmations.ask(steward)

    def confirm(self, *, code: str) -> CodeTaken:
        return self._services.confirmations.confirm(code)

    def history(self, *, dataset: str | None = None, failed: bool = False, limit: int = 100) -> Runs:
        count = max(1, min(limit, MAX_RUNS))
        return Runs(tuple(self._dispatcher.history(dataset, failed=failed, limit=count)))

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
        return Runs(tuple(self._dispatcher.runs(numbers(runs))))

    def cancel(self, *, runs: Sequence[object]) -> Left:
        return Left(tuple(self._dispatcher.cancel(numbers(runs), self._uid)))

    def versions(self, *, dataset: str, destination: str | None = None) -> Started:
        return Started(tuple(self._dispatcher.versions(dataset, destination, uid=self._uid)))

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
        on_behalf_of: int | None = None,
    ) -> Started:
        uid = 0 if on_behalf_of is None else on_behalf_of  # which root alone may say
        return Started(restore(self._dispatcher, dataset, to, source, at, untrusted_paths=paths, uid=uid))


def restore(
    dispatcher: Dispatcher,
    dataset: str,
    to: str,
    source: str | None,
    at: str | None,
    *,
    untrusted_paths: Sequence[object],
    uid: int,
    key: str = "",
) -> tuple[int, ...]:
    """The runs of a restore for `uid`; `key`: where the worker gets the key of encrypted archives."""
    if at is not None and timestamps.parse(at) is None:
        raise ParaduxError("bad-request", "a time must be of the form 2026-11-23T12:00:00Z", "say it with --at")
    wanted = texts(untrusted_paths, "paths")
    return tuple(dispatcher.restore(dataset, to, source, at, wanted, key=key, uid=uid))


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
