"""The connections of clients: one thread each, one request at a time, errors as values."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial

from paraduxd.api import framing
from paraduxd.api.errors import ParaduxError, unforeseen
from paraduxd.effects.ipc.connection_limits import ConnectionLimiter, LimitedConnection
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.dispatch import Conversation
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.request_context import Note
from paraduxd.keeper.runtime.session import Session, Visit

MAX_UNTRUSTED = 64 * 1024
"""Bytes of a request from somebody without authority: a passphrase fits in."""

log = logging.getLogger("paradux.keeper")


class Clients:
    """Takes connections and serves them."""

    def __init__(self, session: Session, installation: Installation) -> None:
        self._session = session
        self._installation = installation
        self._admission = ConnectionLimiter()

    def accept(self, peer: Peer, connection: socket.socket) -> Callable[[], None]:
        """Take this connection, and give what serves it. Of too many one that only waits makes room, or this one is refused."""
        guest = LimitedConnection(connection, peer)
        if not self._admission.enter(guest):
            connection.close()
            return lambda: None
        visit = self._session.enter(peer.uid)
        return partial(self._begin, guest, visit, Conversation(peer, visit, self._session, self._installation))

    def _begin(self, guest: LimitedConnection, visit: Visit, conversation: Conversation) -> None:
        """Serve a connection in a thread of its own."""
        try:
            threading.Thread(target=self._serve, args=(guest, visit, conversation), daemon=True).start()
        except RuntimeError:  # no more threads
            self._leave(guest, visit)

    def _serve(self, guest: LimitedConnection, visit: Visit, conversation: Conversation) -> None:
        try:
            while True:
                limit = framing.MAX_FRAME if conversation.is_trusted() else MAX_UNTRUSTED
                request = framing.receive(guest.connection, limit)
                with guest.busy():
                    answer = _answer(conversation, request, lambda text: _note(guest.connection, text))
                _reply(guest.connection, answer)
        except (ParaduxError, OSError):
            pass  # the client has gone, or does not speak in frames: closing is all that is left to do
        finally:
            self._leave(guest, visit)

    def _leave(self, guest: LimitedConnection, visit: Visit) -> None:
        self._admission.leave(guest)
        self._session.leave(visit)


def _reply(connection: socket.socket, answer: dict[str, object]) -> None:
    """Send an answer; of one that is too long for a frame, at least that it is."""
    try:
        framing.send(connection, answer)
    except ParaduxError as problem:
        framing.send(connection, {"error": problem.to_wire()})


def _note(connection: socket.socket, text: str) -> None:
    with contextlib.suppress(OSError):  # who has gone is not told; the call goes on
        framing.send(connection, {"event": "note", "text": text})


def _answer(conversation: Conversation, request: dict[str, object], note: Note) -> dict[str, object]:
    try:
        return {"reply": conversation.answer(request, note)}
    except ParaduxError as problem:
        return {"error": problem.to_wire()}
    except Exception as problem:
        # Neither message nor traceback is logged: both may repeat a part of the config.
        log.error("A call failed in the keeper: %s at %s", type(problem).__name__, _place(problem))
        return {"error": unforeseen("the keeper failed", problem).to_wire()}


def _place(problem: Exception) -> str:
    """File and line of the innermost frame."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
