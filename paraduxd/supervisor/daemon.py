"""The supervisor put together: what there is, how it starts, how it ends."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import RunPlaces, StatePlaces
from paraduxd.api.replies.kits import Stewards
from paraduxd.api.replies.state import Status
from paraduxd.api.replies.what_if import WhatIf
from paraduxd.core.devices.stick_rules import Check, PluggedIn, Seen, Stick, decide, known_steward
from paraduxd.core.plan import model as plans
from paraduxd.core.plan.model import Plan
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.core.status import document, steward_table
from paraduxd.core.whatif.answer import Question
from paraduxd.effects.files import bounded, transport_files
from paraduxd.effects.installation import probes
from paraduxd.effects.ipc import unix_sockets
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.process import hardening, orphans
from paraduxd.effects.process.children import Children
from paraduxd.effects.process.worker_hosts import WORKER, ChildHost, UnitHost
from paraduxd.supervisor.confirmations import Confirmations
from paraduxd.supervisor.devices.folder_watcher import StickFolders
from paraduxd.supervisor.devices.usb_watcher import Watcher
from paraduxd.supervisor.drill_records import Drills
from paraduxd.supervisor.keeper_answers import KeeperAnswers, answer
from paraduxd.supervisor.keeper_link import KeeperHost
from paraduxd.supervisor.rpc.handlers import Calls, Services
from paraduxd.supervisor.rpc.server import RpcServer
from paraduxd.supervisor.runs.launcher import Launcher
from paraduxd.supervisor.runs.service import Dispatcher
from paraduxd.supervisor.schedule.periodic_checks import Rounds
from paraduxd.supervisor.schedule.scheduler import Scheduler
from paraduxd.supervisor.status.health_monitor import HealthMonitor
from paraduxd.supervisor.status.inputs import Reporter
from paraduxd.supervisor.status.verdict_cache import Judging
from paraduxd.supervisor.status.whatif_cache import Answers

log = logging.getLogger("paradux.daemon")


def now() -> datetime:
    """The one clock of the supervisor."""
    return datetime.now(UTC)


class Daemon:
    """One supervisor on one state directory."""

    def __init__(
        self,
        state: StatePlaces,
        run: RunPlaces,
        *,
        group: str,
        weak_kdf: bool,
        sticks: Path | None = None,
        worker_sockets: Path | None = None,
    ) -> None:
        self._state = state
        self._plan: Plan | None = None
        children = Children()
        private = (state.directory, run.directory, transport_files.directory(state, unattended=False))
        host = (
            UnitHost(worker_sockets, private)
            if worker_sockets
            else ChildHost(children.start, children.end, WORKER, private)
        )
        of_keeper = ["--run", str(run.directory), *(["--weak-kdf"] if weak_kdf else [])]
        of_keeper += ["--worker-sockets", str(worker_sockets)] if worker_sockets else []
        self._journal = Journal(state.journal, now(), expected=probes.was_set_up(state))
        self._health_monitor = HealthMonitor(state, run, self._journal)
        self._dispatcher = Dispatcher(self._journal, Launcher(host), now, state, str(sticks or ""))
        self._scheduler = Scheduler(self._dispatcher, self._journal, now)
        self._drills = Drills(self._journal, state, now)
        self._confirmations = Confirmations(state, self._journal, now, lambda: self._dispatcher.plan)
        answers = KeeperAnswers(
            self._dispatcher,
            self._scheduler,
            self._journal,
            self._drills,
            self._confirmations,
            now,
            self._apply_plan,
            self.record_kit,
        )
        self._keeper = KeeperHost(
            unix_sockets.listen(run.keeper_socket, group),
            state,
            children,
            partial(answer, answers),
            more=of_keeper,
            may_connect=lambda peer: _may_connect(peer, group),
            on_vault=self._health_monitor.take_vault,
            on_end=self._drills.sweep,
        )
        self._reporter = Reporter(
            state,
            self._journal,
            self._dispatcher,
            self._scheduler,
            self._keeper,
            self._health_monitor,
            now(),
            weak_kdf,
            str(sticks or ""),
            seen_by_code=self._confirmations.seen,
        )
        self._judging = Judging()
        self._answers = Answers()
        calls = Calls(
            Services(
                dispatcher=self._dispatcher,
                status=self._status,
                lock=self._keeper.lock,
                stewards=self._stewards,
                confirmations=self._confirmations,
                whatif=self._whatif,
            )
        )
        self._server = RpcServer(
            unix_sockets.listen(run.supervisor_socket, group),
            calls.handle,
            may_connect=lambda peer: _may_connect(peer, group),
        )
        self._rounds = Rounds(self._dispatcher, self._journal, self._reporter.facts, now, str(sticks or ""))
        self._watcher = StickFolders(self._take_stick, sticks) if sticks else Watcher(self._take_stick)

    def start(self) -> None:
        """Take up what was going on, then answer."""
        transport_files.forget(self._state, unattended=False)
        hardening.sweep_stale()
        self._load_plan()
        self._drills.sweep(at_start=True)
        self._dispatcher.resume()
        self._scheduler.start()
        self._keeper.start()
        self._server.start()
        self._rounds.start()
        self._health_monitor.start(self._reporter.health, lambda: self._plan, lambda: self._dispatcher.transports)
        self._watcher.start(privileged=os.geteuid() == 0)

    def stop(self) -> None:
        """End orderly: nothing new, transfers ended and marked, the keeper killed."""
        self._watcher.stop()
        self._health_monitor.stop()
        self._rounds.stop()
        self._server.close()
        self._scheduler.stop()
        self._keeper.close()
        self._dispatcher.stop()
        transport_files.forget(self._state, unattended=False)
        self._journal.close()

    def _status(self, dataset: str | None) -> Status:
        plan, facts, moment = self._plan, self._reporter.facts(), now()
        verdict = self._judging.verdict(plan, facts, moment) if dataset is None else None
        return document.status(plan, facts, moment, dataset, verdict)

    def _whatif(self, question: Question) -> WhatIf:
        self._dispatcher.need_plan()
        if self._plan is None:
            raise ParaduxError(
                "not-set-up", "there is nothing to lose yet: no config is in force", "see: paraductl status"
            )
        return self._answers.answer(self._plan, self._reporter.facts(), now(), question)

    def _stewards(self) -> Stewards:
        self._dispatcher.need_plan()
        return steward_table.table(self._plan, self._reporter.facts(), self._journal.kits(), now())

    def _load_plan(self) -> None:
        """Run by the plan on disk, if there is one; one that cannot be read is told and leaves everything as it is."""
        if not self._state.plan.exists():
            return
        try:
            self._apply_plan()
        except (OSError, ValueError, ParaduxError) as problem:
            log.error("The plan cannot be read: %s. Unlock the vault to write it again.", problem)

    def _apply_plan(self, publish: bool = False) -> tuple[int, ...]:
        """Run by the plan on disk from now on; gives the runs that publish its config, if it shall be published.

        Publishing is queued before the scheduler sees the new serial, which would queue it as well.
        """
        begun = time.monotonic()
        plan = plans.from_json(bounded.text(self._state.plan))
        folder = transport_files.directory(self._state, unattended=plan.unattended)
        self._plan = plan
        self._reporter.plan = plan
        self._forget_kits(plan)
        self._dispatcher.apply_plan(plan, folder)
        self._dispatcher.set_ready(folder.is_dir())
        runs = self._dispatcher.publish() if publish else ()
        self._scheduler.apply_plan(plan)
        log.info(
            "Plan applied: serial %d, %d datasets, in %.3f s", plan.serial, len(plan.datasets), time.monotonic() - begun
        )
        return runs

    def _forget_kits(self, plan: Plan) -> None:
        try:
            for steward in self._journal.forget_kits([steward.id for steward in plan.stewards]):
                log.info("The kit of %s is forgotten: the config has no such steward any more", steward)
        except ParaduxError as problem:
            log.error("Kits of former stewards cannot be forgotten now: %s", problem.message)

    def record_kit(self, news: KitRecord) -> None:
        """Take in what is known of a kit, by whoever wrote, read or checked it; of somebody who is no steward here it is not kept."""
        if self._plan is not None and news.steward in {steward.id for steward in self._plan.stewards}:
            self._journal.record_kit(news)
        else:
            log.info("A kit of somebody who is no steward of this config was seen")

    def _take_stick(self, stick: Stick, others: tuple[Stick, ...]) -> None:
        """A stick was plugged in: the keeper's business if one lives; a known kit is checked at once unless the keeper does that.

        Of the sticks beside it, those that hold known kits cannot be meant. A disk on which a destination lies is nothing to the keeper.
        """
        if self._rounds.take(stick):
            return
        known = self._journal.kits()
        beside = tuple(other.name for other in others if known_steward(other, known) is None)
        told = self._keeper.tell_stick(PluggedIn(stick.device, stick.directory, stick.serial, beside))
        if told and self._keeper.facts().authorized:
            return
        decision = decide(stick, Seen(), None, known)
        if isinstance(decision, Check):
            self._dispatcher.kit_check(stick, decision.steward)


def _may_connect(peer: Peer, group: str | None) -> bool:
    """Whether somebody may ask for anything; never what this daemon has started: a transfer that was taken over would ask as root."""
    return unix_sockets.may_connect(peer, group) and not orphans.is_descendant(peer.pid)
