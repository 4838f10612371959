"""What a connection can ask of the keeper: the table of `api/calls.py` brought to life."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from typing import Any

from paraduxd.api.calls import KEEPER, check_arguments
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.core.lookup import lookup
from paraduxd.core.masking import mask
from paraduxd.effects.peers import Peer
from paraduxd.keeper import transaction
from paraduxd.keeper.session import Opened, Session
from paraduxd.keeper.transaction import Keeping

MAX_WINDOW = 24 * 3600
"""Seconds; nobody needs the vault open for longer."""

_transactions = threading.Lock()
"""One transaction at a time: the second one then sees a new serial and says so."""


class Conversation:
    """One connection: who is at the other end, and whether they have given the passphrase on it."""

    def __init__(self, peer: Peer, session: Session, keeping: Keeping) -> None:
        self._peer = peer
        self._session = session
        self._keeping = keeping
        self._authorized = False

    def answer(self, untrusted_request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request; raises `ParaduxError`."""
        name = untrusted_request.get("call")
        call = KEEPER.get(name) if type(name) is str else None
        if call is None:
            raise ParaduxError("bad-request", "the keeper has no such call", "do client and daemon differ in version?")
        self._check_access(call.access)
        arguments = check_arguments(call, untrusted_request.get("arguments", {}))
        method: Callable[..., dict[str, Any]] = getattr(self, f"_{name}")
        with self._session.busy():
            return method(**arguments)

    def _check_access(self, access: str) -> None:
        if access == "owner" and self._peer.uid not in (0, os.getuid()):
            raise ParaduxError("not-allowed", "only root may set Paradux up", "use sudo", ExitCode.NOT_AUTHORIZED)
        if access == "authorized" and not self._is_authorized():
            raise ParaduxError(
                "not-authorized",
                "the operational passphrase is needed, or the authorized time is over",
                "give the passphrase again",
                ExitCode.NOT_AUTHORIZED,
            )

    def _is_authorized(self) -> bool:
        covered = self._authorized or self._session.window_covers(self._peer.uid)
        return covered and self._session.opened is not None

    def _opened(self) -> Opened:
        opened = self._session.opened
        if opened is None:
            raise ParaduxError("not-authorized", "the vault is locked", exit_code=ExitCode.NOT_AUTHORIZED)
        return opened

    def _hello(self) -> dict[str, Any]:
        return {"vault": self._keeping.vault().exists(), "authorized": self._is_authorized()}

    def _authorize(self, passphrase: str) -> dict[str, Any]:
        with _transactions:
            opened = transaction.open_vault(self._keeping, passphrase.encode())
            self._take(opened)
            transaction.complete(self._keeping, opened)
        return {"serial": opened.config.serial}

    def _take(self, opened: Opened) -> None:
        self._session.open(opened)
        self._authorized = True

    def _preview_setup(self, answers: str) -> dict[str, Any]:
        return transaction.preview(self._keeping, answers, None)

    def _setup(self, answers: str, passphrase: str, trust_hosts: dict[str, Any]) -> dict[str, Any]:
        _check_new(passphrase)
        with _transactions:
            opened, reply = transaction.set_up(self._keeping, answers, passphrase.encode(), _hosts(trust_hosts))
            self._take(opened)
        return reply

    def _document(self) -> dict[str, Any]:
        opened = self._opened()
        return {"text": opened.text, "serial": opened.config.serial}

    def _preview(self, text: str, serial: int) -> dict[str, Any]:
        return transaction.preview(self._keeping, text, self._opened())

    def _save(self, text: str, serial: int, trust_hosts: dict[str, Any]) -> dict[str, Any]:
        with _transactions:
            opened, reply = transaction.save(self._keeping, self._opened(), text, serial, _hosts(trust_hosts))
            self._take(opened)
        return reply

    def _show(self, path: str, secrets: bool) -> dict[str, Any]:
        document = self._opened().document
        part = lookup(document if secrets else mask(document, self._keeping.shapes), path)
        return {"text": json.dumps(part, indent=2, ensure_ascii=False)}

    def _unlock(self, seconds: int | None) -> dict[str, Any]:
        length = self._opened().config.policy.unlock_for if seconds is None else seconds
        if not 1 <= length <= MAX_WINDOW:
            raise ParaduxError("bad-request", "the vault can be unlocked for 1 second to 24 hours", "say --for 15m")
        return {"until": self._session.unlock(self._peer.uid, length).until}

    def _passphrase(self, new: str) -> dict[str, Any]:
        _check_new(new)
        with _transactions:
            opened = transaction.change_passphrase(self._opened(), new.encode())
            self._take(opened)
        return {"serial": opened.config.serial}

    def _restore(self, **arguments: Any) -> dict[str, Any]:
        return self._keeping.control.ask("restore", **arguments)


def _check_new(passphrase: str) -> None:
    if not passphrase or "\n" in passphrase or "\x00" in passphrase:
        raise ParaduxError("bad-passphrase", "a passphrase must not be empty or hold line breaks", "choose another one")


def _hosts(untrusted_hosts: dict[str, Any]) -> dict[str, list[str]]:
    """The host keys that the owner accepted, of the right type; what they say is checked with the config."""
    if not all(
        isinstance(lines, list) and all(type(line) is str for line in lines) for lines in untrusted_hosts.values()
    ):
        raise ParaduxError("bad-request", "host keys must be lists of lines")
    return untrusted_hosts
