"""The thread that takes sticks one after the other: for a recovery, for the kit that is next, or to refresh a known kit.

It lives as long as the keeper, because a worker dies with the thread that started it.
"""

from __future__ import annotations

import logging
import os
import queue

from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_rules import PluggedIn, known_steward
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.kits.arming import ArmedStewards, StandingContext, Tools, write_onto
from paraduxd.keeper.kits.make import has_old_tools
from paraduxd.keeper.kits.pending_kits import KitState
from paraduxd.keeper.recovery import stick_reader
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.session import Session

log = logging.getLogger("paradux.keeper")


class Sticks:
    """What the control line tells of sticks, taken in turn."""

    def __init__(self, session: Session, installation: Installation, tools: Tools) -> None:
        self._session = session
        self._installation = installation
        self.tools = tools
        self._plugged_in: queue.SimpleQueue[PluggedIn] = queue.SimpleQueue()

    def plugged_in(self, event: PluggedIn) -> None:
        """A stick was plugged in; returns at once."""
        self._plugged_in.put(event)

    def run(self) -> None:
        """Take sticks for ever."""
        while True:
            self.take(self._plugged_in.get())

    def take(self, event: PluggedIn) -> None:
        """Whatever comes of one stick. It raises nothing: the next one comes."""
        try:
            self._take(event)
        except ParaduxError as problem:
            log.error("A stick was not taken: %s", problem.message)
        except Exception as problem:  # its text may repeat a secret
            log.error("A stick was not taken: %s", type(problem).__name__)

    def _take(self, event: PluggedIn) -> None:
        arming = self._session.kept.of(KitState).arming
        if stick_reader.take(self._session, event):
            return
        if arming is not None and arming.is_live:
            arming.take(event)
        else:
            self._refresh(event)

    def _refresh(self, event: PluggedIn) -> None:
        """A known kit while the vault is open: checked and dated, and written anew if its config or its tools are not the present ones.

        The new kit holds the very share that is on the stick already. A stick of an earlier epoch would get a share that its holder
        does not have: that takes `create-steward-device`.
        """
        opened = self._session.opened
        if opened is None:
            return
        stick, _ = self.tools.look(event)
        steward = known_steward(stick, kit_journal.known(self._installation.control))
        if steward is None:
            return
        found = self.tools.check(event, stick, opened.managed)
        if found is None or found.steward != steward:
            log.warning("%s held the kit of %s and holds something else now", stick.name, steward)
            return
        kit_journal.record(self._installation.control, [found])
        log.info("The kit of %s was checked: %s", steward, found.problems[0] if found.problems else "it is whole")
        if _is_outdated(found, opened):
            self._rewrite(event, steward)

    def _rewrite(self, event: PluggedIn, steward: str) -> None:
        peer = Peer(os.getpid(), os.geteuid(), os.getegid())
        context = StandingContext(peer, self._session.enter(peer.uid), self._session, self._installation, unasked=True)
        writing = ArmedStewards(context, self.tools, {steward: steward})
        try:
            with context.change() as opened:
                kit = write_onto(writing, event, opened, steward)
        finally:
            writing.end()
        log.info("The kit of %s was refreshed: it holds serial %d now", steward, kit.serial)


def _is_outdated(found: KitRecord, opened: Opened) -> bool:
    in_force = found.epoch == opened.managed.recovery.epoch and not opened.managed.rotation
    return in_force and found.counts and ((found.serial or 0) < opened.serial or has_old_tools(found))
