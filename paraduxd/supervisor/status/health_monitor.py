"""Checks the installation: at each status call, and every minute, when what has changed is logged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import RunPlaces, StatePlaces
from paraduxd.core.installation.health import Health
from paraduxd.core.plan.model import Plan
from paraduxd.effects.installation import outbox, probes
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.vault import luks_header

log = logging.getLogger("paradux.health")

EVERY = 60.0
"""Seconds between two looks."""

VAULT = "vault/sha256"
"""The fact with the hash of the vault as it was last opened or saved."""


class HealthMonitor:
    """Every method may be called from any thread."""

    def __init__(self, state: StatePlaces, run: RunPlaces, journal: Journal) -> None:
        self._state = state
        self._run = run
        self._journal = journal
        self._vault = luks_header.Look(state.vault)
        self._plan = probes.PlanLook(state.plan)
        self._transports = probes.Transports()
        self._expected: str | None = None
        self._looking = threading.Lock()
        self._ending = threading.Event()

    def start(self, look: Callable[[], Health], plan: Callable[[], Plan | None], folder: Callable[[], Path]) -> None:
        """Look every minute, in a thread of its own: only there transport files are read (by another process)."""
        threading.Thread(target=self._go_on, args=(look, plan, folder), name="health", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()

    def take_vault(self, opens: luks_header.Signature) -> None:
        """The file with this signature opens. One that has taken its place since, or has a damaged header, is not what is expected."""
        seen = self.vault()
        if seen.state or seen.signature != opens:
            return
        self._expected = seen.sha256
        try:
            if self._journal.fact(VAULT) != seen.sha256:
                self._journal.set_fact(VAULT, seen.sha256)
        except ParaduxError as problem:
            log.error("Cannot record the hash of the vault: %s", problem.message)

    def look(self, plan: Plan | None, folder: Path, *, ready: bool, authorized: bool) -> Health:
        """What is there now.

        `folder` is that of the transport files; `ready`: they should be there; `authorized`: a save may be under way.
        """
        names = probes.transport_names(plan) if plan and ready else {}
        lacking = self._transports.lacking(folder, names)
        return Health(
            loss=self._journal.lost(),
            aside=self._journal.set_aside,
            failing=self._journal.failing,
            was_set_up=probes.was_set_up(self._state),
            vault=self._vault_state(authorized=authorized),
            previous=probes.previous_vault(self._state).exists(),
            plan=self._plan.now(),
            unusable=probes.unusable(self._state, self._run),
            transports=tuple(sorted(names[name] for name in lacking)),
            outbox=outbox.lacking(self._state.outbox, plan.epochs, plan.serial) if plan else (),
        )

    def load_plan(self) -> Plan:
        """The plan on disk, to run by it; raises `OSError` or `ValueError`."""
        return self._plan.load()

    def vault(self) -> luks_header.Seen:
        """What the vault looks like from outside."""
        with self._looking:
            return self._vault.now()

    def _vault_state(self, *, authorized: bool) -> str:
        seen = self.vault()
        expected = self._expected or self._journal.fact(VAULT)
        is_other = bool(expected and seen.sha256) and seen.sha256 != expected
        return "changed" if is_other and not authorized and not self._state.pending.exists() else seen.state

    def _go_on(self, look: Callable[[], Health], plan: Callable[[], Plan | None], folder: Callable[[], Path]) -> None:
        before = Health()
        while True:
            try:
                before = self._once(look, plan(), folder(), before)
            except Exception:
                log.exception("Cannot check vault, plan and journal")
            if self._ending.wait(EVERY):
                return

    def _once(self, look: Callable[[], Health], plan: Plan | None, folder: Path, before: Health) -> Health:
        if plan is not None:
            self._transports.read(folder, probes.transport_names(plan))
        if self._journal.failing:
            self._try_to_record()
        found = look()
        if found.wrong != before.wrong:
            log.log(
                logging.ERROR if found.wrong else logging.INFO, "Health: %s", "; ".join(found.wrong) or "all is well"
            )
        return found

    def _try_to_record(self) -> None:
        """Whether the journal can be written again shows by writing."""
        try:
            with self._journal.batch():
                pass
        except ParaduxError as problem:
            log.debug("%s", problem.message)
