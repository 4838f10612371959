"""The connections of clients: one thread each, one request at a time, errors as values."""

from __future__ import annotations

import logging
import socket
import threading

from paraduxd.api import wire
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.peers import Peer
from paraduxd.keeper.calls import Conversation
from paraduxd.keeper.session import Session
from paraduxd.keeper.transaction import Keeping

MAX_CONNECTIONS = 16

log = logging.getLogger("paradux.keeper")


class Clients:
    """Takes connections and serves them."""

    def __init__(self, session: Session, keeping: Keeping) -> None:
        self._session = session
        self._keeping = keeping
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def accept(self, peer: Peer, connection: socket.socket) -> None:
        """Serve this connection in a thread of its own, or close it when there are too many."""
        if not self._slots.acquire(blocking=False):
            connection.close()
            return
        threading.Thread(target=self._serve, args=(peer, connection), daemon=True).start()

    def _serve(self, peer: Peer, connection: socket.socket) -> None:
        try:
            with connection, self._session.connection():
                conversation = Conversation(peer, self._session, self._keeping)
                while True:
                    request = wire.receive(connection)
                    wire.send(connection, _answer(conversation, request))
        except (ParaduxError, OSError):
            pass  # the client has gone, or does not speak in frames: closing is all that is left to do
        finally:
            self._slots.release()


def _answer(conversation: Conversation, request: dict[str, object]) -> dict[str, object]:
    try:
        return {"reply": conversation.answer(request)}
    except ParaduxError as problem:
        return {"error": problem.to_wire()}
    except Exception as problem:
        # Neither message nor traceback is logged: both may repeat a part of the config.
        log.error("A call failed in the keeper: %s at %s", type(problem).__name__, _place(problem))
        return {"error": ParaduxError("internal", "the keeper failed", "the daemon's log says where").to_wire()}


def _place(problem: Exception) -> str:
    """File and line of the innermost frame."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
