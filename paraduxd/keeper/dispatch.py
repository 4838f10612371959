"""One connection to the keeper: who is at the other end, what they may ask, and the one door to what answers."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from paraduxd.api.calls import JsonObject, check_arguments, reply_to
from paraduxd.api.contract import KEEPER, KeeperCalls
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.config import save
from paraduxd.keeper.handlers import Handlers
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.request_context import Note
from paraduxd.keeper.runtime.session import Session, Visit

log = logging.getLogger("paradux.keeper")

_TELLS = frozenset({"hello", "authorize"})
"""Calls of which the log does not name the user: a wrong passphrase is told elsewhere, and a right one is followed by what it is for."""

_TAKES_KEYS = frozenset({"unlock", "kits_directory", "kits_arm", "rotate"})
"""Calls before which the keys of new repositories are saved, as every save does besides: opening the config for work, and carrying it
away. Not what a person has the config's text from, whose serial must stay, nor a drill."""


class Conversation:
    """One connection: who is at the other end, and what they may ask."""

    def __init__(self, peer: Peer, visit: Visit, session: Session, installation: Installation) -> None:
        self.peer = peer
        self.visit = visit
        self.session = session
        self.installation = installation

    def is_trusted(self) -> bool:
        """Whether the other end has authority: it may send long requests."""
        return self.is_owner() or self.session.covers(self.visit)

    def answer(self, untrusted_request: JsonObject, note: Note) -> JsonObject:
        """The reply to one request; `note` takes what the person should know besides. Raises `ParaduxError`."""
        self.session.asked()
        name = untrusted_request.get("call")
        if type(name) is not str or name not in KEEPER:
            raise ParaduxError("bad-request", "the keeper has no such call", "do client and daemon differ in version?")
        call = KEEPER[name]
        try:
            self.check_access(call.access)
        except ParaduxError:
            log.info("uid %d was refused %s", self.peer.uid, name)
            raise
        if name not in _TELLS:
            log.info("uid %d asks for %s", self.peer.uid, name)
        arguments = check_arguments(call, untrusted_request.get("arguments", {}))
        if name in _TAKES_KEYS:
            self._take_keys(note)
        return reply_to(KEEPER, self._handlers(note), name, arguments)

    def _handlers(self, note: Note) -> KeeperCalls:
        return Handlers(self, note)

    def is_owner(self) -> bool:
        """Whether root is at the other end, or the user that the daemon runs as."""
        return self.peer.uid in (0, os.geteuid())

    def check_access(self, access: str) -> None:
        """Raise `ParaduxError` "not-allowed" or "not-authorized" for a call of this level."""
        if access == "owner" and not self.is_owner():
            raise ParaduxError("not-allowed", "only root may set Paradux up", "use sudo", ExitCode.NOT_AUTHORIZED)
        if access == "authorized" and not self.session.covers(self.visit):
            raise ParaduxError(
                "not-authorized",
                "the operational passphrase is needed, or the authorized time is over",
                "give the passphrase again",
                ExitCode.NOT_AUTHORIZED,
            )

    def opened(self) -> Opened:
        """The open config; raises `ParaduxError` "not-authorized"."""
        opened = self.session.opened
        if opened is None:
            raise ParaduxError("not-authorized", "the vault is locked", exit_code=ExitCode.NOT_AUTHORIZED)
        return opened

    @contextlib.contextmanager
    def change(self) -> Iterator[Opened]:
        """The open config, for a change: nobody else changes it, and the keeper does not end meanwhile."""
        with self.session.exclusive(), self.session.saving():
            self.check_access("authorized")  # it may have ended while others made their changes
            yield self.opened()

    def hold(self, opened: Opened) -> None:
        """Work with this config from now on; it authorizes this connection."""
        self.session.hold(opened, self.visit)

    def _take_keys(self, note: Note) -> None:
        """Save the keys of repositories that were made since the last save, as a new serial; what prevents that is no reason to stop."""
        with self.change() as opened:
            try:
                taken = save.take_keys(self.installation, opened)
                if taken is not opened:
                    self.hold(taken)
                    save.complete(self.installation, taken)
            except Exception as problem:
                note(f"the keys of new repositories could not be saved: {save.reason(problem)}")
