"""The supervisor put together: what there is, how it starts, how it ends."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.paths import RunPlaces, StatePlaces
from paraduxd.api.replies.kits import Stewards
from paraduxd.api.replies.state import Overview, Status
from paraduxd.api.replies.what_if import WhatIf
from paraduxd.core.devices.stick_rules import Check, PluggedIn, Seen, Stick, decide, known_steward
from paraduxd.core.plan.model import Plan
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status import document, steward_table
from paraduxd.core.status.assessment import Verdict
from paraduxd.core.whatif.answer import WhatIfQuestion
from paraduxd.effects.files import transport_files
from paraduxd.effects.installation import probes
from paraduxd.effects.ipc import unix_sockets
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.process import hardening, orphans
from paraduxd.effects.process.children import Children
from paraduxd.effects.process.worker_hosts import WORKER, ChildHost, Host, UnitHost
from paraduxd.supervisor.confirmations import Confirmations
from paraduxd.supervisor.devices.folder_watcher import StickFolders
from paraduxd.supervisor.devices.usb_watcher import Watcher
from paraduxd.supervisor.drill_records import DrillRecords
from paraduxd.supervisor.keeper_answers import KeeperAnswers, answer
from paraduxd.supervisor.keeper_link import KeeperHost
from paraduxd.supervisor.rpc.server import RpcServer
from paraduxd.supervisor.rpc.service import Calls, Services
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.runs.engine import Engine
from paraduxd.supervisor.runs.launcher import Launcher
from paraduxd.supervisor.schedule.periodic_checks import PeriodicChecks
from paraduxd.supervisor.schedule.scheduler import Scheduler
from paraduxd.supervisor.status.health_monitor import HealthMonitor
from paraduxd.supervisor.status.inputs import StatusInputs
from paraduxd.supervisor.status.verdict_cache import VerdictCache
from paraduxd.supervisor.status.whatif_cache import WhatIfCache

log = logging.getLogger("paradux.daemon")


def now() -> datetime:
    """The one clock of the supervisor."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Options:
    """How a supervisor was started. `group` may ask it; `sticks`: the directory whose folders stand for sticks; `worker_sockets`: what
    starts workers as units of systemd."""

    group: str
    weak_kdf: bool = False
    sticks: Path | None = None
    worker_sockets: Path | None = None

    @property
    def stick_folders(self) -> str:
        """The directory as text; "" without one."""
        return str(self.sticks or "")

    def may_connect(self, peer: Peer) -> bool:
        """Whether somebody may ask for anything; never what this daemon has started: a transfer that was taken over would ask as root."""
        return unix_sockets.may_connect(peer, self.group) and not orphans.is_descendant(peer.pid)

    def of_keeper(self, run: RunPlaces) -> list[str]:
        """What the keeper is told besides."""
        sockets = ["--worker-sockets", str(self.worker_sockets)] if self.worker_sockets else []
        return ["--run", str(run.directory), *(["--weak-kdf"] if self.weak_kdf else []), *sockets]

    def worker_host(self, children: Children, private: Sequence[Path]) -> Host:
        """Where workers run; none of them sees the `private` directories."""
        if self.worker_sockets:
            return UnitHost(self.worker_sockets, private)
        return ChildHost(children.start, children.end, WORKER, private)


class Daemon:
    """One supervisor on one state directory."""

    def __init__(self, state: StatePlaces, run: RunPlaces, options: Options) -> None:
        self._state = state
        self._plan: Plan | None = None
        children = Children()
        private = (state.directory, run.directory, transport_files.directory(state, unattended=False))
        workers = Launcher(options.worker_host(children, private))
        self._journal = Journal(state.journal, now(), expected=probes.was_set_up(state))
        self._health_monitor = HealthMonitor(state, run, self._journal)
        engine = Engine(self._journal, workers, now, state, options.stick_folders)
        self._dispatcher = Dispatcher(engine, self._journal, now, state)
        self._scheduler = Scheduler(self._dispatcher, self._journal, now)
        self._drills = DrillRecords(self._journal, state, now)
        self._confirmations = Confirmations(state, self._journal, now, lambda: self._dispatcher.plan)
        self._keeper = self._keeper_host(run, options, children)
        self._reporter = self._reporter_of(options)
        self._judging = VerdictCache()
        self._answers = WhatIfCache()
        self._server = self._rpc_server(run, options)
        self._rounds = PeriodicChecks(self._dispatcher, self._journal, self._judged, now, options.stick_folders)
        take, sticks = self._take_stick, options.sticks
        self._watcher = StickFolders(take, sticks) if sticks else Watcher(take)

    def _keeper_host(self, run: RunPlaces, options: Options, children: Children) -> KeeperHost:
        answers = KeeperAnswers(
            self._dispatcher,
            self._scheduler,
            self._journal,
            self._drills,
            self._confirmations,
            now,
            self._apply_plan,
            self.record_kit,
            lambda: self._watcher.unwatched,
        )
        return KeeperHost(
            unix_sockets.listen(run.keeper_socket, options.group),
            self._state,
            children,
            partial(answer, answers),
            more=options.of_keeper(run),
            may_connect=options.may_connect,
            on_vault=self._health_monitor.take_vault,
            on_end=self._drills.sweep,
        )

    def _reporter_of(self, options: Options) -> StatusInputs:
        return StatusInputs(
            self._state,
            self._journal,
            self._dispatcher,
            self._scheduler,
            self._keeper,
            self._health_monitor,
            now(),
            options.weak_kdf,
            options.stick_folders,
            seen_by_code=self._confirmations.seen,
        )

    def _rpc_server(self, run: RunPlaces, options: Options) -> RpcServer:
        services = Services(
            dispatcher=self._dispatcher,
            status=self._status,
            overview=self._overview,
            lock=self._keeper.lock,
            stewards=self._stewards,
            confirmations=self._confirmations,
            whatif=self._whatif,
        )
        listener = unix_sockets.listen(run.supervisor_socket, options.group)
        return RpcServer(listener, Calls(services).handle, may_connect=options.may_connect)

    def start(self) -> None:
        """Take up what was going on, then answer."""
        transport_files.forget(self._state, unattended=False)
        hardening.sweep_stale()
        self._load_plan()
        self._drills.sweep(at_start=True)
        self._dispatcher.engine.resume()
        self._scheduler.start()
        self._keeper.start()
        self._server.start()
        self._rounds.start()
        self._health_monitor.start(
            self._reporter.health, lambda: self._plan, lambda: self._dispatcher.engine.transports
        )
        self._watcher.start(privileged=os.geteuid() == 0)

    def stop(self) -> None:
        """End orderly: nothing new, transfers ended and marked, the keeper killed."""
        self._watcher.stop()
        self._health_monitor.stop()
        self._rounds.stop()
        self._server.close()
        self._scheduler.stop()
        self._keeper.close()
        self._dispatcher.engine.stop()
        transport_files.forget(self._state, unattended=False)
        self._journal.close()

    def _status(self, dataset: str | None) -> Status:
        plan, moment = self._plan, now()
        facts, verdict = (self._reporter.facts(), None) if dataset else self._judged()
        facts = replace(facts, days=self._journal.days(moment, [dataset] if dataset else None))
        return document.status(plan, facts, moment, dataset, verdict)

    def _overview(self, most: int) -> Overview:
        """Days are counted of what is shown."""
        plan, moment = self._plan, now()
        facts, verdict = self._judged()
        brief = document.brief(verdict, most)
        facts = replace(facts, days=self._journal.days(moment, [each.plan.id for each in brief.conditions]))
        status = document.status(plan, facts, moment, verdict=brief)
        return Overview(status, len(verdict.conditions) - len(brief.conditions))

    def _judged(self) -> tuple[Facts, Verdict]:
        """What is known, and what it comes to."""
        facts = self._reporter.facts()
        return facts, self._judging.verdict(self._plan, facts, now())

    def _whatif(self, question: WhatIfQuestion) -> WhatIf:
        self._dispatcher.need_plan()
        if self._plan is None:
            raise ParaduxError(
                "not-set-up", "no config is in force yet, so there is nothing to lose", "see: paraductl status"
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
        plan = self._health_monitor.load_plan()
        folder = transport_files.directory(self._state, unattended=plan.unattended)
        self._plan = plan
        self._reporter.plan = plan
        self._forget_kits(plan)
        self._dispatcher.engine.apply_plan(plan, folder)
        self._dispatcher.engine.set_ready(folder.is_dir())
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
