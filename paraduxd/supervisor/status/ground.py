"""Looks at what the daemon stands on: at each status call, and every minute, when what has changed is logged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import RunPlaces, StatePlaces
from paraduxd.core.installation.ground import Ground
from paraduxd.core.plan.model import Plan
from paraduxd.effects.installation import ground, outbox
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.vault import luks_header

log = logging.getLogger("paradux.ground")

EVERY = 60.0
"""Seconds between two looks."""

VAULT = "vault/sha256"
"""The fact with the hash of the vault as it was last opened or saved."""


class Grounds:
    """Every method may be called from any thread."""

    def __init__(self, state: StatePlaces, run: RunPlaces, journal: Journal) -> None:
        self._state = state
        self._run = run
        self._journal = journal
        self._vault = luks_header.Look(state.vault)
        self._plan = ground.PlanLook(state.plan)
        self._transports = ground.Transports()
        self._expected: str | None = None
        self._looking = threading.Lock()
        self._ending = threading.Event()

    def start(self, look: Callable[[], Ground], plan: Callable[[], Plan | None], folder: Callable[[], Path]) -> None:
        """Look every minute, in a thread of its own: only there transport files are read (by another process)."""
        threading.Thread(target=self._go_on, args=(look, plan, folder), name="ground", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()

    def take_vault(self, sha256: str) -> None:
        """The vault looks like this, and it opens."""
        self._expected = sha256
        try:
            if self._journal.fact(VAULT) != sha256:
                self._journal.set_fact(VAULT, sha256)
        except ParaduxError as problem:
            log.error("What the vault looks like cannot be recorded: %s", problem.message)

    def look(self, plan: Plan | None, folder: Path, *, ready: bool, authorized: bool) -> Ground:
        """What is there now.

        `folder` is that of the transport files; `ready`: they should be there; `authorized`: a save may be under way.
        """
        names = ground.transport_names(plan) if plan and ready else {}
        lacking = self._transports.lacking(folder, names)
        return Ground(
            loss=self._journal.lost(),
            aside=self._journal.set_aside,
            failing=self._journal.failing,
            was_set_up=ground.was_set_up(self._state),
            vault=self._vault_state(authorized=authorized),
            previous=ground.previous_vault(self._state).exists(),
            plan=self._plan.now(),
            unusable=ground.unusable(self._state, self._run),
            transports=tuple(sorted(names[name] for name in lacking)),
            outbox=outbox.lacking(self._state.outbox, plan.epochs, plan.serial) if plan else (),
        )

    def vault(self) -> luks_header.Seen:
        """What the vault looks like from outside."""
        with self._looking:
            return self._vault.now()

    def _vault_state(self, *, authorized: bool) -> str:
        seen = self.vault()
        expected = self._expected or self._journal.fact(VAULT)
        is_other = bool(expected and seen.sha256) and seen.sha256 != expected
        return "changed" if is_other and not authorized and not self._state.pending.exists() else seen.state

    def _go_on(self, look: Callable[[], Ground], plan: Callable[[], Plan | None], folder: Callable[[], Path]) -> None:
        before = Ground()
        while True:
            try:
                before = self._once(look, plan(), folder(), before)
            except Exception:
                log.exception("The ground could not be looked at")
            if self._ending.wait(EVERY):
                return

    def _once(self, look: Callable[[], Ground], plan: Plan | None, folder: Path, before: Ground) -> Ground:
        if plan is not None:
            self._transports.read(folder, ground.transport_names(plan))
        if self._journal.failing:
            self._try_to_record()
        found = look()
        if found.wrong != before.wrong:
            log.log(
                logging.ERROR if found.wrong else logging.INFO, "Ground: %s", "; ".join(found.wrong) or "all is well"
            )
        return found

    def _try_to_record(self) -> None:
        """Whether the journal can be written again shows by writing."""
        try:
            with self._journal.batch():
                pass
        except ParaduxError as problem:
            log.debug("%s", problem.message)
