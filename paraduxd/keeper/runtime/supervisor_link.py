"""The keeper's line to the supervisor: connections and answers come in, questions and news go out; never a secret."""

from __future__ import annotations

import itertools
import logging
import queue
import socket
import threading
from collections.abc import Callable
from typing import assert_never

from paraduxd.api.calls import JsonObject, caller
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.framing import ClosedError
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.effects.ipc import control_channel, control_messages
from paraduxd.effects.ipc.control_messages import Answered, Asked, Connected, Inserted, Told, Took, ToSupervisor
from paraduxd.effects.ipc.keeper_news import KeeperNews
from paraduxd.effects.ipc.keeper_questions import QUESTIONS, KeeperQuestions
from paraduxd.effects.ipc.unix_sockets import Peer

log = logging.getLogger("paradux.keeper")


OnClient = Callable[[Peer, socket.socket], Callable[[], None]]
"""Has a connection under its care when it returns, and gives what serves it, in another thread: until then nothing is read from it."""


class Control:
    """Messages on the socket that the supervisor handed over at the start.

    Their forms: `effects/ipc/control_messages.py`.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._on_stick: Callable[[PluggedIn], None] = lambda _: None
        self._answers: dict[int, queue.SimpleQueue[Answered]] = {}

    def serve(
        self,
        on_client: OnClient,
        on_stick: Callable[[PluggedIn], None] = lambda _: None,
    ) -> None:
        """Read until the supervisor closes the line. `on_stick` returns at once."""
        self._on_stick = on_stick
        while True:
            try:
                self._take(*control_channel.receive(self._channel), on_client)
            except (ClosedError, OSError):
                return
            except ParaduxError as problem:  # one message is lost; whoever waits for it gives up in time
                log.error("%s", problem.message)

    def _take(
        self,
        message: JsonObject,
        connection: socket.socket | None,
        on_client: OnClient,
    ) -> None:
        match received := control_messages.to_keeper(message):
            case Connected():
                serve = on_client(received.client, connection) if connection is not None else None
                # Before it is read: a connection that the next keeper gets, because this one ends now, is whole.
                self._send(Took(serve is not None))
                if serve:
                    serve()
            case Inserted():
                self._on_stick(received.stick)
            case Answered():
                if waiting := self._answers.pop(received.answer, None):
                    waiting.put(received)
            case _:
                assert_never(received)

    def tell(self, news: KeeperNews) -> None:
        """Let the supervisor know something."""
        self._send(Told(news))

    def ask(self, what: str, timeout: float = 60.0, **arguments: object) -> JsonObject:
        """Ask the supervisor and wait (seconds) for the reply; raises the `ParaduxError` that it answers with."""
        number = next(self._numbers)
        answer = self._answers[number] = queue.SimpleQueue()
        try:
            self._send(Asked(number, what, arguments))
            answered = answer.get(timeout=timeout)
        except queue.Empty:
            raise ParaduxError(
                "timeout",
                f"the daemon did not answer its keeper within {timeout:.0f} s ({what})",
                "see whether this machine is short of memory or its disk is slow, and try again",
            ) from None
        finally:
            self._answers.pop(number, None)
        if answered.error is not None:
            raise ParaduxError.from_wire(answered.error)
        return answered.reply or {}

    def _send(self, message: ToSupervisor) -> None:
        with self._sending:
            control_channel.send(self._channel, to_json_value(message))


def questions(control: Control, timeout: float = 60.0) -> KeeperQuestions:
    """What can be asked of the supervisor; every question waits for its answer (seconds)."""

    def send(what: str, /, **arguments: object) -> JsonObject:
        return control.ask(what, timeout, **arguments)

    asked: KeeperQuestions = caller(QUESTIONS, send)
    return asked
