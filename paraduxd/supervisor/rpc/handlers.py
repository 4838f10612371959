"""What a connection can ask of the supervisor: the table of `api/contract.py` brought to life. What comes in is untrusted until checked."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Any

from paraduxd.api import bounded_json
from paraduxd.api.contract import SUPERVISOR, check_arguments
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.core.primitives import timestamps
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.supervisor.runs.service import Dispatcher

Reply = dict[str, Any]

log = logging.getLogger("paradux.calls")

_ACTS = frozenset(SUPERVISOR) - {"status", "history", "runs", "stewards"}
"""Calls that do more than tell: the log names who asked."""

_OF_SOMEBODY = frozenset({"backup", "versions", "verify", "publish", "cancel"})
"""Calls that make runs which belong to who asked, or end such."""

MAX_RUNS = 10_000
"""How many runs one call may name or ask for."""


class Calls:
    """Answers calls; `status` builds the status document of everything or one dataset, `lock` ends the keeper, `stewards` tells
    who holds what."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        status: Callable[[str | None], Reply],
        lock: Callable[[], None],
        stewards: Callable[[], Reply],
    ) -> None:
        self._build_stewards = stewards
        self._dispatcher = dispatcher
        self._build_status = status
        self._lock_vault = lock

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
        if untrusted_name in _OF_SOMEBODY:
            arguments["uid"] = 0 if _is_owner(peer) else peer.uid
        method: Callable[..., Reply] = getattr(self, f"_{untrusted_name}")
        return json.dumps({"reply": method(**arguments)})

    def restore(self, keys: dict[str, str], uid: int, **untrusted_arguments: Any) -> Reply:
        """Restore for `uid`, whom the keeper has authorized; `keys` says where the worker gets the key of which destination."""
        arguments = check_arguments(SUPERVISOR["restore"], untrusted_arguments)
        location = self._dispatcher.where_from(arguments["dataset"], arguments["source"], arguments["at"])
        reply = self._restore(**{**arguments, "source": location}, key=keys.get(location, ""), uid=uid)
        return {**reply, "needs_key": location in keys}

    def approve(self, dataset: str) -> Reply:
        """Release a held dataset for somebody whom the keeper has authorized."""
        return {"runs": list(self._dispatcher.approve(dataset))}

    def prune(self, dataset: str, destination: str | None) -> Reply:
        """Remove versions for somebody whom the keeper has authorized."""
        return {"runs": list(self._dispatcher.prune(dataset, destination))}

    def verify(self, **untrusted_arguments: Any) -> Reply:
        """Check destinations for somebody whom the keeper has authorized."""
        return self._verify(**check_arguments(SUPERVISOR["verify"], untrusted_arguments), uid=0)

    def cancel(self, runs: list[Any]) -> Reply:
        """End runs for somebody whom the keeper has authorized."""
        return self._cancel(runs, uid=0)

    def _status(self, dataset: str | None) -> Reply:
        return self._build_status(dataset)

    def _stewards(self) -> Reply:
        return self._build_stewards()

    def _history(self, dataset: str | None, failed: bool, limit: int) -> Reply:
        count = max(1, min(limit, MAX_RUNS))
        return {"runs": self._dispatcher.history(dataset, failed=failed, limit=count)}

    def _backup(
        self, datasets: list[Any], destination: str | None, pull_only: bool, push_only: bool, uid: int
    ) -> Reply:
        names = _texts(datasets, "datasets")
        runs = self._dispatcher.backup(
            names, destination, pull_only=pull_only, push_only=push_only, removes=not uid, uid=uid
        )
        return {"runs": list(runs)}

    def _runs(self, runs: list[Any]) -> Reply:
        return {"runs": self._dispatcher.runs(_numbers(runs))}

    def _cancel(self, runs: list[Any], uid: int) -> Reply:
        return {"left": list(self._dispatcher.cancel(_numbers(runs), uid))}

    def _versions(self, dataset: str, destination: str | None, uid: int) -> Reply:
        return {"runs": list(self._dispatcher.versions(dataset, destination, uid=uid))}

    def _verify(self, dataset: str | None, deep: bool, uid: int) -> Reply:
        return {"runs": list(self._dispatcher.verify(dataset, deep=deep, uid=uid))}

    def _publish(self, uid: int) -> Reply:
        return {"runs": list(self._dispatcher.publish(uid=uid))}

    def _lock(self) -> Reply:
        self._lock_vault()
        return {}

    def _restore(
        self,
        dataset: str,
        to: str,
        source: str | None,
        at: str | None,
        paths: list[Any],
        *,
        on_behalf_of: int | None = None,
        key: str = "",
        uid: int = 0,
    ) -> Reply:
        if on_behalf_of is not None:  # which root alone may say
            uid = on_behalf_of
        if at is not None and timestamps.parse(at) is None:
            raise ParaduxError("bad-request", "a time must be of the form 2026-11-23T12:00:00Z", "say it with --at")
        wanted = _texts(paths, "paths")
        return {"runs": list(self._dispatcher.restore(dataset, to, source, at, wanted, key=key, uid=uid))}


def _is_owner(peer: Peer) -> bool:
    """Root, or the user that the daemon runs as."""
    return peer.uid in (0, os.geteuid())


def _parsed(untrusted_text: str) -> Any:
    try:
        return bounded_json.parse(untrusted_text, "what a call was given")
    except ValueError:
        raise ParaduxError("bad-request", "the arguments of a call must be JSON") from None


def _numbers(untrusted: list[Any]) -> list[int]:
    if len(untrusted) > MAX_RUNS or not all(type(number) is int and 0 < number < 1 << 53 for number in untrusted):
        raise ParaduxError("bad-request", "runs must be a list of run numbers")
    return untrusted


def _texts(untrusted: list[Any], name: str) -> list[str]:
    if len(untrusted) > MAX_RUNS or not all(type(text) is str and "\x00" not in text for text in untrusted):
        raise ParaduxError("bad-request", f"{name} must be a list of texts")
    return untrusted
