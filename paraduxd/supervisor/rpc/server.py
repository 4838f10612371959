"""The rpyc server on `paraduxd.sock`: a thread for each connection, so that a slow client delays nobody else."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable

from paraduxd.api.errors import ParaduxError, unforeseen
from paraduxd.effects.ipc import accepting
from paraduxd.effects.ipc.connection_limits import ConnectionLimiter, LimitedConnection
from paraduxd.effects.ipc.unix_sockets import Peer, peer_of
from paraduxd.supervisor.rpc.rpyc_hardening import BoundedChannel, LockedConnection, ProtocolError

MAX_REPLY = 4 * 1024 * 1024
"""Characters. A reply that its client does not read lies here twice, for some seconds, and a user may have 16 connections."""

log = logging.getLogger("paradux.rpc")

Handle = Callable[[Peer, str, str], str]
"""Answers a call: peer, untrusted name, untrusted arguments as JSON -> ASCII JSON text of `{"reply": {...}}`."""


class RpcServer:
    """Serves `handle` on a listening socket; whatever `handle` raises becomes the text of `{"error": {...}}`."""

    def __init__(
        self, listener: socket.socket, handle: Handle, *, may_connect: Callable[[Peer], bool] = lambda peer: True
    ) -> None:
        self._listener = listener
        self._handle = handle
        self._may_connect = may_connect
        self._admission = ConnectionLimiter()
        self._stopping = False

    def start(self) -> None:
        """Accept connections from now on."""
        threading.Thread(target=self._accept, name="rpc-accept", daemon=True).start()

    def close(self) -> None:
        """Accept nothing more and end every connection; calls that are being answered run to their end unheard."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which closing would not
        self._listener.close()
        self._admission.dismiss_all()

    def _accept(self) -> None:
        accepting.serve(self._listener, self._welcome, lambda: self._stopping, self._admission.make_room)

    def _welcome(self, connection: socket.socket) -> None:
        guest = LimitedConnection(connection, peer_of(connection))
        if not self._admission.enter(guest):
            connection.close()
            return
        try:
            threading.Thread(target=self._serve, args=(guest,), name="rpc", daemon=True).start()
        except BaseException:  # no more threads
            self._admission.leave(guest)
            raise

    def _serve(self, guest: LimitedConnection) -> None:
        try:
            if self._may_connect(guest.peer):
                channel = BoundedChannel(guest.connection)
                with LockedConnection(functools.partial(self._call, guest), channel) as connection:
                    connection.serve_all()
        except (EOFError, OSError):
            pass  # gone, or too slow
        except ProtocolError as problem:
            log.debug("Ended a connection of uid %d: %s", guest.peer.uid, problem)
        except Exception:
            log.exception("A connection of uid %d failed", guest.peer.uid)
        finally:
            self._admission.leave(guest)

    def _call(self, guest: LimitedConnection, untrusted_name: str, untrusted_arguments: str) -> str:
        with guest.busy():
            try:
                return _bounded(self._handle(guest.peer, untrusted_name, untrusted_arguments))
            except ParaduxError as problem:
                return _error(problem)
            except Exception as problem:
                # The message is left out, because it may repeat what the client sent.
                place = "".join(traceback.format_tb(problem.__traceback__))
                log.error("A call failed: %s\n%s", type(problem).__name__, place)
                return _error(unforeseen("the daemon failed to answer", problem))


def _bounded(reply: str) -> str:
    if len(reply) > MAX_REPLY:
        raise ParaduxError("too-long", "the answer is too long to be sent", "ask for less, one dataset for example")
    return reply


def _error(problem: ParaduxError) -> str:
    return json.dumps({"error": problem.to_wire()})
