"""The supervisor's side of the keeper: starts it when somebody connects, hands connections over unread, ends it.

Nothing that a client sends on `keeper.sock` is read here. Connections go to the keeper as descriptors (SCM_RIGHTS).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.api.places import StatePlaces
from paraduxd.api.wire import ClosedError
from paraduxd.effects import handover, hardening
from paraduxd.effects.children import Children
from paraduxd.effects.peers import Peer, peer_of

log = logging.getLogger("paradux.keeper-host")

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class KeeperFacts:
    """What the keeper has told of itself."""

    authorized: bool = False
    until: str | None = None
    weaknesses: tuple[str, ...] = ()


@dataclass
class _Keeper:
    """A living keeper and the line to it."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    facts: KeeperFacts = KeeperFacts()


class KeeperHost:
    """Owns `keeper.sock` and the one keeper."""

    def __init__(
        self,
        listener: socket.socket,
        state: StatePlaces,
        children: Children,
        answer: Answer,
        *,
        weak_kdf: bool,
        may_connect: Callable[[Peer], bool],
    ) -> None:
        self._listener = listener
        self._state = state
        self._children = children
        self._answer = answer
        self._weak_kdf = weak_kdf
        self._may_connect = may_connect
        self._changing = threading.Lock()
        self._keeper: _Keeper | None = None
        self._stopping = False
        self.was_authorized = False
        """Whether anybody has given the passphrase since the daemon started."""

    def start(self) -> None:
        """Accept connections in a thread that lives as long as the daemon (the keeper dies with the thread that started it)."""
        threading.Thread(target=self._accept, name="keeper-host", daemon=True).start()

    def facts(self) -> KeeperFacts:
        """What is known of the keeper now."""
        keeper = self._keeper
        return keeper.facts if keeper else KeeperFacts()

    def lock(self) -> None:
        """End the keeper: its memory goes back to the kernel. None there is success."""
        with self._changing:
            self._end()

    def close(self) -> None:
        """Stop accepting and end the keeper."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which closing would not
        self._listener.close()
        self.lock()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError as problem:
                if not self._stopping:
                    log.warning("Cannot accept a connection for the keeper: %s", problem.strerror)
                    time.sleep(0.5)  # out of descriptors passes; spinning would not help it
                continue
            with connection:
                self._hand_over(connection)

    def _hand_over(self, connection: socket.socket) -> None:
        peer = peer_of(connection)
        if not self._may_connect(peer):
            return
        note = {"client": {"pid": peer.pid, "uid": peer.uid, "gid": peer.gid}}
        with self._changing:
            for _ in range(2):
                try:
                    handover.send_connection(self._living_keeper().control, connection, note)
                except OSError:
                    self._end()
                else:
                    return
        log.error("The keeper does not start")

    def _living_keeper(self) -> _Keeper:
        if self._keeper is not None and self._keeper.process.poll() is None:
            return self._keeper
        self._end()
        ours, its = socket.socketpair(socket.AF_UNIX, handover.SOCKET_TYPE)
        with its:
            process = self._children.start(self._command(its.fileno()), pass_fds=[its.fileno()])
        self._keeper = _Keeper(process, ours)
        threading.Thread(target=self._listen, args=(self._keeper,), name="keeper-line", daemon=True).start()
        return self._keeper

    def _command(self, control: int) -> list[str]:
        command = [sys.executable, "-m", "paraduxd.keeper.main", "--state", str(self._state.directory)]
        command += ["--control", str(control), "--parent", str(os.getpid())]
        return [*command, "--weak-kdf"] if self._weak_kdf else command

    def _end(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            self._children.end(keeper.process)
            hardening.sweep_stale()
            with contextlib.suppress(OSError):
                keeper.control.shutdown(socket.SHUT_RDWR)

    def _listen(self, keeper: _Keeper) -> None:
        """Take the keeper's questions and news until it is gone."""
        sending = threading.Lock()
        while True:
            try:
                message, _ = handover.receive(keeper.control)
            except (ParaduxError, ClosedError, OSError):
                break
            if "ask" in message:
                threading.Thread(target=self._reply, args=(keeper, sending, message), daemon=True).start()
            else:
                keeper.facts = _with_news(keeper.facts, message.get("tell", {}))
                self.was_authorized |= keeper.facts.authorized
        with self._changing:
            if self._keeper is keeper:
                self._end()
        keeper.control.close()

    def _reply(self, keeper: _Keeper, sending: threading.Lock, message: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"answer": message["ask"]}
        try:
            answer["reply"] = self._answer(message["what"], message["arguments"])
        except ParaduxError as problem:
            answer["error"] = problem.to_wire()
        except Exception:
            log.exception("A question of the keeper could not be answered")
            answer["error"] = ParaduxError("internal", "the supervisor failed", "see the daemon's log").to_wire()
        with sending, contextlib.suppress(OSError):
            handover.send(keeper.control, answer)


def _with_news(facts: KeeperFacts, news: dict[str, Any]) -> KeeperFacts:
    return KeeperFacts(
        authorized=bool(news.get("authorized", facts.authorized)),
        until=news.get("until", facts.until),
        weaknesses=tuple(news.get("weaknesses", facts.weaknesses)),
    )
