"""The keeper's line to the supervisor: connections and answers come in, questions and news go out; never a secret."""

from __future__ import annotations

import itertools
import logging
import queue
import socket
import threading
from collections.abc import Callable

from paraduxd.api.calls import JsonObject, caller
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.framing import ClosedError
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.effects.ipc import control_channel
from paraduxd.effects.ipc.keeper_news import KeeperNews
from paraduxd.effects.ipc.keeper_questions import QUESTIONS, KeeperQuestions
from paraduxd.effects.ipc.unix_sockets import Peer

log = logging.getLogger("paradux.keeper")


class Control:
    """Messages on the socket that the supervisor handed over at the start.

    In: `{"client": {pid, uid, gid}}` with a connection; `{"answer": n, "reply": {...}}` or `{"answer": n, "error": {...}}`;
    `{"stick": {...}}` when one was plugged in.
    Out: `{"took": bool}` for each connection, in turn; `{"ask": n, "what": name, "arguments": {...}}`; `{"tell": {...}}`.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._on_stick: Callable[[PluggedIn], None] = lambda _: None
        self._answers: dict[int, queue.SimpleQueue[JsonObject]] = {}

    def serve(
        self,
        on_client: Callable[[Peer, socket.socket], None],
        on_stick: Callable[[PluggedIn], None] = lambda _: None,
    ) -> None:
        """Read until the supervisor closes the line.

        `on_client` has a connection under its care when it returns; `on_stick` returns at once.
        """
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
        on_client: Callable[[Peer, socket.socket], None],
    ) -> None:
        if "client" in message:
            if connection is not None:
                on_client(from_json_value(Peer, message["client"]), connection)
            self._send({"took": connection is not None})
        elif "stick" in message:
            self._on_stick(from_json_value(PluggedIn, message["stick"]))
        elif waiting := self._answers.pop(int(str(message.get("answer", 0))), None):
            waiting.put(message)

    def tell(self, news: KeeperNews) -> None:
        """Let the supervisor know something."""
        self._send({"tell": to_json_value(news)})

    def ask(self, what: str, timeout: float = 60.0, **arguments: object) -> JsonObject:
        """Ask the supervisor and wait (seconds) for the reply; raises the `ParaduxError` that it answers with."""
        number = next(self._numbers)
        answer = self._answers[number] = queue.SimpleQueue()
        try:
            self._send({"ask": number, "what": what, "arguments": arguments})
            message = answer.get(timeout=timeout)
        except queue.Empty:
            raise ParaduxError("timeout", f"the supervisor did not answer ({what})", "see the daemon's log") from None
        finally:
            self._answers.pop(number, None)
        if "error" in message:
            raise ParaduxError.from_wire(_object(message["error"]))
        return _object(message["reply"])

    def _send(self, message: dict[str, object]) -> None:
        with self._sending:
            control_channel.send(self._channel, message)


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def questions(control: Control, timeout: float = 60.0) -> KeeperQuestions:
    """What can be asked of the supervisor; every question waits for its answer (seconds)."""

    def send(what: str, /, **arguments: object) -> JsonObject:
        return control.ask(what, timeout, **arguments)

    asked: KeeperQuestions = caller(QUESTIONS, send)
    return asked
