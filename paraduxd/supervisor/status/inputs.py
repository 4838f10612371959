"""Gathers what the supervisor knows into the facts that `core/status/document.py` judges."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies.state import Guess
from paraduxd.core.installation.health import Health
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.recovery import kit_records
from paraduxd.core.recovery.confirmation import CodeRecord
from paraduxd.core.runs import facts as known
from paraduxd.core.runs import removable_disks
from paraduxd.core.runs.facts import Facts
from paraduxd.effects.devices import removable_disk
from paraduxd.effects.devices.device_mapper import available_mode
from paraduxd.effects.installation import own_names
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.process import kernel
from paraduxd.supervisor import drill_records
from paraduxd.supervisor.keeper_link import KeeperHost
from paraduxd.supervisor.runs import damage_records
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.schedule.scheduler import Scheduler
from paraduxd.supervisor.status.health_monitor import HealthMonitor
from paraduxd.version import VERSION


@dataclass
class StatusInputs:
    """Where everything that status tells is known. `plan` is the one that Paradux runs by, once there is one."""

    state: StatePlaces
    journal: Journal
    dispatcher: Dispatcher
    scheduler: Scheduler
    keeper: KeeperHost
    health_monitor: HealthMonitor
    started: datetime
    weak_kdf: bool
    stick_folders: str = ""
    plan: Plan | None = None
    seen_by_code: Callable[[], Mapping[str, CodeRecord]] = dict

    def facts(self) -> Facts:
        """Everything as of now, but the days: no verdict depends on them."""
        latest = self.journal.latest_by_target()
        return Facts(
            daemon=self._daemon(),
            latest=latest,
            drills=drill_records.facts(self.journal, latest),
            next_runs=self.scheduler.next_runs(),
            holds=self.journal.holds(),
            running=self.dispatcher.running(),
            kits=kit_records.held(self.journal.kits(), self.plan),
            transport_ready=self.dispatcher.engine.transport_ready,
            save_pending=self.state.pending.exists() and not self.keeper.facts().authorized,
            health=self.health(),
            locked_since_start=not self.keeper.was_authorized,
            plugged_in=self._plugged_in(),
            own_names=own_names.found(),
            damage=damage_records.of_plan(self.journal, self.plan),
            seen_by_code=self.seen_by_code() if self.plan else {},
        )

    def health(self) -> Health:
        """What the daemon stands on."""
        ready, authorized = self.dispatcher.engine.transport_ready, self.keeper.facts().authorized
        return self.health_monitor.look(
            self.plan, self.dispatcher.engine.transports, ready=ready, authorized=authorized
        )

    def _plugged_in(self) -> frozenset[str]:
        """Disks of destinations that are here now."""
        found = removable_disks.destinations(self.plan) if self.plan else ()
        uuids = {uuid_of(destination.place) for _, destination in found}
        return frozenset(uuid for uuid in uuids if removable_disk.is_there(uuid, self.stick_folders))

    def _daemon(self) -> known.Daemon:
        keeper, vault = self.keeper.facts(), self.health_monitor.vault()
        return known.Daemon(
            version=VERSION,
            pid=os.getpid(),
            started=timestamps.stamp(self.started),
            vault=self._vault_access(),
            locked=not keeper.authorized,
            unlocked_until=keeper.until,
            weak_kdf=vault.is_cheap,
            guess=Guess(vault.cost.memory * 1024, vault.cost.passes) if vault.cost else None,
            for_tests=self.weak_kdf,
            memory_locked=not keeper.weaknesses,
            init_on_free=kernel.init_on_free(),
        )

    def _vault_access(self) -> str:
        """How the keeper opens the vault; "none" before there is one."""
        if not self.state.vault.exists():
            return "none"
        return str(available_mode())
