"""What a connection can ask of the keeper: the table of `api/contract.py` brought to life."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from paraduxd.api.contract import KEEPER, check_arguments
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.core.config.views.lookup import lookup
from paraduxd.core.config.views.masking import mask
from paraduxd.core.plan.derive import private_archive_keys
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper import archive_key_pipe
from paraduxd.keeper.config import rotate, save
from paraduxd.keeper.drill import requests
from paraduxd.keeper.kits import requests as kit_writing
from paraduxd.keeper.recovery import requests as recovering
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.passphrases import acceptable, encoded
from paraduxd.keeper.runtime.request_context import Handler, Note, Reply
from paraduxd.keeper.runtime.session import Session, Visit

MAX_WINDOW = 24 * 3600
"""Seconds; nobody needs the vault open for longer."""

log = logging.getLogger("paradux.keeper")

HANDLERS: Mapping[str, Handler] = {
    **requests.HANDLERS,
    **kit_writing.HANDLERS,
    **recovering.HANDLERS,
    **rotate.HANDLERS,
}
"""The calls that have a module of their own."""

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
        return self._is_owner() or self.session.covers(self.visit)

    def answer(self, untrusted_request: dict[str, Any], note: Note) -> Reply:
        """The reply to one request; `note` takes what the person should know besides. Raises `ParaduxError`."""
        self.session.asked()
        name = untrusted_request.get("call")
        if type(name) is not str or name not in KEEPER:
            raise ParaduxError("bad-request", "the keeper has no such call", "do client and daemon differ in version?")
        call = KEEPER[name]
        try:
            self._check_access(call.access)
        except ParaduxError:
            log.info("uid %d was refused %s", self.peer.uid, name)
            raise
        if name not in _TELLS:
            log.info("uid %d asks for %s", self.peer.uid, name)
        arguments = check_arguments(call, untrusted_request.get("arguments", {}))
        if name in _TAKES_KEYS:
            self._take_keys(note)
        if name == "authorize":
            return self._authorize(**arguments, note=note)
        if name == "save":
            return self._save(**arguments, note=note)
        if name in HANDLERS:
            return HANDLERS[name](self, note, **arguments)
        method: Callable[..., Reply] = getattr(self, f"_{name}")
        return method(**arguments)

    def _check_access(self, access: str) -> None:
        if access == "owner" and not self._is_owner():
            raise ParaduxError("not-allowed", "only root may set Paradux up", "use sudo", ExitCode.NOT_AUTHORIZED)
        if access == "authorized" and not self.session.covers(self.visit):
            raise ParaduxError(
                "not-authorized",
                "the operational passphrase is needed, or the authorized time is over",
                "give the passphrase again",
                ExitCode.NOT_AUTHORIZED,
            )

    def _is_owner(self) -> bool:
        return self.peer.uid in (0, os.geteuid())

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
            self._check_access("authorized")  # it may have ended while others made their changes
            yield self.opened()

    def hold(self, opened: Opened) -> None:
        """Work with this config from now on; it authorizes this connection."""
        self.session.hold(opened, self.visit)

    def _hello(self) -> Reply:
        save.check_vault(self.installation)
        return {"vault": self.installation.vault().exists(), "authorized": self.session.covers(self.visit)}

    def _authorize(self, passphrase: str, note: Note) -> Reply:
        with self.session.attempt(self.peer.uid), self.session.exclusive():
            opened = self._open(passphrase)
            self.hold(opened)
            with self.session.saving():
                self._complete(opened, note)
            return {"serial": self.opened().config.serial}

    def _open(self, passphrase: str) -> Opened:
        try:
            return save.open_vault(self.installation, encoded(passphrase))
        except ParaduxError as problem:
            if problem.code == "wrong-passphrase":
                log.warning("A wrong passphrase was given by uid %d", self.peer.uid)
            raise

    def _complete(self, opened: Opened, note: Note) -> None:
        """Finish what an interrupted save or rotation left. When that is not possible the config can still be read and mended."""
        try:
            advanced = rotate.advance(self, opened, note)
            save.complete(self.installation, advanced.opened if advanced else opened)
            kit_journal.give_back(self.installation.control, opened.document)
        except Exception as problem:
            reason = save.reason(problem)
            log.error("The config could not be put into effect: %s", reason)
            note(f"the config is open, but could not be put into effect: {reason}")

    def _take_keys(self, note: Note) -> None:
        """Save the keys of repositories that were made since the last save, as a new serial; what prevents that is no reason to stop."""
        with self.change() as opened:
            try:
                taken = save.take_keys(self.installation, opened)
                if taken is not opened:
                    self.hold(taken)
                    save.complete(self.installation, taken)
            except ParaduxError as problem:
                note(f"the keys of new repositories could not be saved: {problem.message}")

    def _preview_setup(self, answers: str) -> Reply:
        return save.preview(self.installation, answers, None)

    def _setup(self, answers: str, passphrase: str, trust_hosts: dict[str, Any]) -> Reply:
        with self.session.exclusive(), self.session.saving():
            saved = save.set_up(self.installation, answers, encoded(passphrase), _hosts(trust_hosts))
            self.hold(saved.opened)
            return save.put_into_effect(self.installation, saved)

    def _document(self) -> Reply:
        opened = self.opened()
        return {"text": opened.text, "serial": opened.config.serial}

    def _preview(self, text: str, serial: int) -> Reply:
        return save.preview(self.installation, text, self.opened())

    def _save(self, text: str, serial: int, trust_hosts: dict[str, Any], note: Note) -> Reply:
        with self.change() as opened:
            saved = save.save(self.installation, opened, text, serial, _hosts(trust_hosts))
            self.hold(saved.opened)
            # Without a steward who cannot be reached a rotation may be complete.
            if advanced := rotate.advance(self, saved.opened, note):
                saved = replace(saved, opened=advanced.opened)
            return save.put_into_effect(self.installation, saved)

    def _show(self, path: str, secrets: bool) -> Reply:
        document = self.opened().document
        part = lookup(document if secrets else mask(document, self.installation.capabilities), path)
        return {"text": json.dumps(part, indent=2, ensure_ascii=False)}

    def _unlock(self, seconds: int | None) -> Reply:
        length = self.opened().config.policy.unlock_for if seconds is None else seconds
        if not 1 <= length <= MAX_WINDOW:
            raise ParaduxError("bad-request", "the vault can be unlocked for 1 second to 24 hours", "say --for 15m")
        with self.change() as opened:
            if self.installation.state.pending.exists():
                save.complete(self.installation, opened)
        return {"until": self.session.unlock(self.peer.uid, length).until}

    def _lock(self) -> Reply:
        if not self.session.close(None if self.is_trusted() else self.peer.uid):
            raise ParaduxError(
                "not-allowed",
                "somebody else works with the open vault: closing it needs the operational passphrase",
                "give it, or wait",
                ExitCode.NOT_AUTHORIZED,
            )
        return {}

    def _passphrase(self, new: str) -> Reply:
        with self.change() as opened:
            owner = opened.config.owner
            changed = save.change_passphrase(opened, acceptable(new, owner.name, owner.email))
            self.hold(changed)
            self.session.revoke_others(self.visit)
        return {"serial": changed.config.serial}

    def _approve(self, dataset: str) -> Reply:
        return self.installation.control.ask("approve", dataset=dataset)

    def _prune(self, dataset: str, destination: str | None) -> Reply:
        return self.installation.control.ask("prune", dataset=dataset, destination=destination)

    def _verify(self, dataset: str | None, deep: bool) -> Reply:
        return self.installation.control.ask("verify", dataset=dataset, deep=deep)

    def _cancel(self, runs: list[Any]) -> Reply:
        return self.installation.control.ask("cancel", runs=runs)

    def _restore(self, on_behalf_of: int | None, **arguments: Any) -> Reply:
        uid = on_behalf_of if on_behalf_of is not None and self._is_owner() else self.peer.uid
        keys = private_archive_keys(self.opened().config, str(arguments["dataset"]))
        with archive_key_pipe.offered(keys, self.installation.state.directory) as handover:
            reply = self.installation.control.ask("restore", keys=dict(handover.paths), uid=uid, **arguments)
            if reply["needs_key"]:
                handover.wait()
        return {"runs": reply["runs"]}


def _hosts(untrusted_hosts: dict[str, Any]) -> dict[str, list[str]]:
    """The host keys that the owner accepted, of the right type; what they say is checked with the config."""
    if not all(
        isinstance(lines, list) and all(type(line) is str for line in lines) for lines in untrusted_hosts.values()
    ):
        raise ParaduxError("bad-request", "host keys must be lists of lines")
    return untrusted_hosts
