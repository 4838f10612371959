"""The supervisor put together: what there is, how it starts, how it ends."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.api.places import RunPlaces, StatePlaces
from paraduxd.core import plan as plans
from paraduxd.core import status
from paraduxd.core.plan import Plan
from paraduxd.effects import peers, transports
from paraduxd.effects.children import Children
from paraduxd.effects.journal import Journal
from paraduxd.supervisor.calls import Calls
from paraduxd.supervisor.dispatcher import Dispatcher
from paraduxd.supervisor.keeper_host import KeeperHost
from paraduxd.supervisor.launch import Launcher
from paraduxd.supervisor.reporting import Reporter
from paraduxd.supervisor.rpc import RpcServer
from paraduxd.supervisor.scheduler import Scheduler

log = logging.getLogger("paradux.daemon")

HOSTKEY_PATIENCE = 40.0
"""Seconds; the keeper waits a little longer than this."""

HOSTKEY_POLL = 0.1
"""Seconds between looks at a run that the keeper waits for."""


def now() -> datetime:
    """The one clock of the supervisor."""
    return datetime.now(UTC)


class Daemon:
    """One supervisor on one state directory."""

    def __init__(self, state: StatePlaces, run: RunPlaces, *, group: str, weak_kdf: bool) -> None:
        self._state = state
        self._plan: Plan | None = None
        children = Children()
        self._journal = Journal(state.journal, now())
        self._dispatcher = Dispatcher(self._journal, Launcher(children), now, state)
        self._scheduler = Scheduler(self._dispatcher, self._journal, now)
        self._keeper = KeeperHost(
            peers.listen(run.keeper_socket, group),
            state,
            children,
            self._answer_keeper,
            weak_kdf=weak_kdf,
            may_connect=lambda peer: peers.may_connect(peer, group),
        )
        self._reporter = Reporter(
            state, self._journal, self._dispatcher, self._scheduler, self._keeper, now(), weak_kdf
        )
        calls = Calls(self._dispatcher, self._status, self._keeper.lock)
        self._server = RpcServer(
            peers.listen(run.supervisor_socket, group),
            calls.handle,
            may_connect=lambda peer: peers.may_connect(peer, group),
        )
        self._calls = calls

    def start(self) -> None:
        """Take up what was going on, then answer."""
        transports.forget(self._state, unattended=False)
        self._load_plan()
        self._dispatcher.resume()
        self._scheduler.start()
        self._keeper.start()
        self._server.start()

    def stop(self) -> None:
        """End orderly: nothing new, transfers ended and marked, the keeper killed."""
        self._server.close()
        self._scheduler.stop()
        self._keeper.close()
        self._dispatcher.stop()
        transports.forget(self._state, unattended=False)
        self._journal.close()

    def _status(self, dataset: str | None) -> dict[str, Any]:
        return status.build(self._plan, self._reporter.facts(), now(), dataset)

    def _load_plan(self) -> None:
        """Run by the plan on disk, if there is one; one that cannot be read is told and leaves everything as it is."""
        if not self._state.plan.exists():
            return
        try:
            self._apply_plan()
        except (OSError, ValueError) as problem:
            log.error("The plan cannot be read: %s. Unlock the vault to write it again.", problem)

    def _apply_plan(self, *, publish: bool = False) -> tuple[int, ...]:
        """Run by the plan on disk from now on; gives the runs that publish its config, if it shall be published.

        Publishing is queued before the scheduler sees the new serial, which would queue it as well.
        """
        begun = time.monotonic()
        plan = plans.from_json(self._state.plan.read_text())
        folder = transports.directory(self._state, unattended=plan.unattended)
        self._plan = plan
        self._dispatcher.apply_plan(plan, folder)
        self._dispatcher.set_ready(folder.is_dir())
        runs = self._dispatcher.publish() if publish else ()
        self._scheduler.apply_plan(plan)
        log.info(
            "Plan applied: serial %d, %d datasets, in %.3f s", plan.serial, len(plan.datasets), time.monotonic() - begun
        )
        return runs

    def _answer_keeper(self, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the keeper asks of the supervisor: it has authorized whoever is behind the question."""
        if what == "apply":
            return {"runs": self._apply_for_keeper(publish=bool(arguments["publish"]))}
        if what == "restore":
            return self._calls.restore(**arguments)
        if what == "hostkeys":
            return self._host_keys([(str(host), int(port)) for host, port in arguments["hosts"]])
        raise ParaduxError("bad-request", "the supervisor has no answer to this question")

    def _apply_for_keeper(self, *, publish: bool) -> list[int]:
        try:
            return list(self._apply_plan(publish=publish))
        except (OSError, ValueError) as problem:
            log.error("The new plan cannot be read: %s", problem)
            raise ParaduxError(
                "bad-plan", "the supervisor cannot read the new plan", "the daemon's log says why"
            ) from None

    def _host_keys(self, hosts: list[tuple[str, int]]) -> dict[str, Any]:
        (number,) = self._dispatcher.hostkeys(hosts)
        deadline = time.monotonic() + HOSTKEY_PATIENCE
        while (run := self._dispatcher.runs([number])[0])["state"] in ("queued", "running"):
            if time.monotonic() > deadline:
                raise ParaduxError("hostkeys", "the SSH servers did not show their keys in time", "try again later")
            time.sleep(HOSTKEY_POLL)
        if run["result"] is None:
            error = run["error"] or {}
            raise ParaduxError("hostkeys", f"cannot ask for host keys: {error.get('message', 'no reason known')}")
        result: dict[str, Any] = run["result"]
        return result
