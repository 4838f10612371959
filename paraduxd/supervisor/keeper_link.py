"""The supervisor's side of the keeper: starts it when somebody connects, hands connections over unread, ends it.

Nothing that a client sends on `keeper.sock` is read here. Connections go to the keeper as descriptors (SCM_RIGHTS). A keeper says of each
that it has taken it, before it reads from it: one that ends just then has lost nobody, the next keeper gets the connection.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from paraduxd.api import framing
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError, unforeseen
from paraduxd.api.framing import ClosedError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.effects.devices import device_mapper
from paraduxd.effects.ipc import accepting, control_channel, control_messages
from paraduxd.effects.ipc.control_messages import Answered, Asked, Connected, Inserted, ToKeeper, Told, Took
from paraduxd.effects.ipc.keeper_news import KeeperNews
from paraduxd.effects.ipc.unix_sockets import Peer, peer_of
from paraduxd.effects.process import hardening, last_words
from paraduxd.effects.process.children import Children
from paraduxd.effects.process.run import python
from paraduxd.effects.vault.luks_header import Signature

log = logging.getLogger("paradux.keeper-host")

TAKES = 30.0
"""Seconds that a keeper has to take a connection; one that does not is stuck, and is ended."""

STARTS = 120.0
"""Seconds that it has besides when it was just started: half a second as a rule, half a minute on a slow machine that is busy."""

ENDS = 5.0
"""Seconds that one has to end which has closed its line."""

TRIES = 2

STDERR = 2

Answer = Callable[[str, object], JsonObject]
"""Answers a question of the keeper, by its name and with its arguments."""


@dataclass(frozen=True)
class KeeperFacts:
    """What the keeper has told of itself."""

    authorized: bool = False
    until: str | None = None
    weaknesses: tuple[str, ...] = ()


@dataclass
class _Keeper:
    """A living keeper and the line to it. `errors`: a file in memory with what it wrote before it began to work."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    errors: int
    facts: KeeperFacts = KeeperFacts()
    has_started: bool = False
    failed: bool = False
    took: queue.SimpleQueue[bool] = field(default_factory=queue.SimpleQueue)
    """For each connection in turn whether it was taken; false besides when the keeper has ended."""


class KeeperHost:
    """Owns `keeper.sock` and the one keeper."""

    def __init__(
        self,
        listener: socket.socket,
        state: StatePlaces,
        children: Children,
        answer: Answer,
        *,
        more: Sequence[str],
        may_connect: Callable[[Peer], bool],
        on_vault: Callable[[Signature], None],
        on_end: Callable[[], None],
    ) -> None:
        self._on_end = on_end
        self._on_vault = on_vault
        self._listener = listener
        self._state = state
        self._children = children
        self._answer = answer
        self._more = list(more)
        self._may_connect = may_connect
        self._changing = threading.Lock()
        self._keeper: _Keeper | None = None
        self._stopping = False
        self._why = ""
        """Why the last keeper did not start."""
        self.was_authorized = False
        """Whether anybody has given the passphrase since the daemon started."""

    def start(self) -> None:
        """Accept connections in a thread that lives as long as the daemon (the keeper dies with the thread that started it)."""
        threading.Thread(target=self._accept, name="keeper-host", daemon=True).start()

    def facts(self) -> KeeperFacts:
        """What is known of the keeper now."""
        keeper = self._keeper
        return keeper.facts if keeper else KeeperFacts()

    def tell_stick(self, stick: PluggedIn) -> bool:
        """Let the keeper know of a stick that was plugged in; false when there is none, it is about to end, or it does not listen."""
        with self._changing:
            if self._keeper is None or self._keeper.process.poll() is not None or _is_full(self._keeper.control):
                return False
            try:
                _send(self._keeper, Inserted(stick))
            except OSError:
                return False
            return True

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
        accepting.serve(self._listener, self._take_connection, lambda: self._stopping)

    def _take_connection(self, connection: socket.socket) -> None:
        with connection:
            self._hand_over(connection)

    def _hand_over(self, connection: socket.socket) -> None:
        """Give the connection to the keeper, to a new one if the present one is about to end; tell the client if that fails."""
        peer = peer_of(connection)
        if not self._may_connect(peer):
            return
        note = to_json_value(Connected(peer))
        self._why = ""
        for _ in range(TRIES):
            keeper = self._send_over(connection, note)
            if keeper is not None and self._takes(keeper):
                return
        if not self._stopping:
            log.error("The keeper does not start")
        with contextlib.suppress(OSError):
            framing.send(connection, {"error": _no_keeper(self._why).to_wire()})

    def _send_over(self, connection: socket.socket, note: JsonObject) -> _Keeper | None:
        with self._changing:
            if self._stopping:
                return None
            try:
                keeper = self._living_keeper()
                control_channel.send_connection(keeper.control, connection, note)
            except OSError as problem:
                log.debug("A connection could not be handed over: %s", problem.strerror)
                if self._keeper is None:
                    self._why = problem.strerror or ""
                self._end()
                return None
            return keeper

    def _takes(self, keeper: _Keeper) -> bool:
        try:
            took = keeper.took.get(timeout=TAKES if keeper.has_started else TAKES + STARTS)
            keeper.has_started = True
            return took
        except queue.Empty:
            log.error("The keeper does not answer and is ended")
            self._why = "it does not answer"
            with self._changing:
                if self._keeper is keeper:
                    self._end()
            return False

    def _living_keeper(self) -> _Keeper:
        if self._keeper is not None and self._keeper.process.poll() is None:
            return self._keeper
        self._end()
        self._keeper = self._started()
        try:
            threading.Thread(target=self._listen, args=(self._keeper,), name="keeper-line", daemon=True).start()
        except RuntimeError:
            os.close(self._keeper.errors)
            self._end()
            raise OSError(errno.EAGAIN, "no more threads") from None
        return self._keeper

    def _started(self) -> _Keeper:
        """A new keeper. Raises `OSError`."""
        ours, its = socket.socketpair(socket.AF_UNIX, control_channel.SOCKET_TYPE)
        errors, log_lines = os.memfd_create("paradux-keeper", os.MFD_CLOEXEC), os.dup(STDERR)
        try:
            with its:
                given = (its.fileno(), log_lines)
                process = self._children.start(self._command(*given), stderr=errors, pass_fds=given)
        except OSError:
            ours.close()
            os.close(errors)
            raise
        finally:
            os.close(log_lines)
        return _Keeper(process, ours, errors)

    def _command(self, control: int, errors: int) -> list[str]:
        command = [*python("paraduxd.keeper.main"), "--state", str(self._state.directory)]
        command += ["--control", str(control), "--errors", str(errors), "--parent", str(os.getpid())]
        return [*command, *self._more]

    def _end(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            self._children.end(keeper.process)
            hardening.sweep_stale()
            device_mapper.close_left_open(self._children.run)
            self._on_end()
            with contextlib.suppress(OSError):
                keeper.control.shutdown(socket.SHUT_RDWR)

    def _listen(self, keeper: _Keeper) -> None:
        """Take the keeper's questions and news until it is gone."""
        sending = threading.Lock()
        while True:
            try:
                message, _ = control_channel.receive(keeper.control)
            except (ParaduxError, ClosedError, OSError):
                break
            try:
                self._take_message(keeper, sending, message)
            except Exception:
                log.exception("A message of the keeper could not be taken")
        if not keeper.has_started and not keeper.failed and not self._why:
            self._why = _how_ended(keeper)
        with self._changing:
            if self._keeper is keeper:
                self._end()
        keeper.took.put(False)
        keeper.control.close()
        os.close(keeper.errors)

    def _take_message(self, keeper: _Keeper, sending: threading.Lock, message: JsonObject) -> None:
        match received := control_messages.to_supervisor(message):
            case Took():
                keeper.took.put(received.took)
            case Asked():
                try:
                    threading.Thread(target=self._reply, args=(keeper, sending, received), daemon=True).start()
                except RuntimeError:
                    with sending, contextlib.suppress(OSError):
                        _send(keeper, Answered(received.ask, error=_BUSY.to_wire()))
            case Told():
                self._take_news(keeper, received.tell)
            case _:
                assert_never(received)

    def _take_news(self, keeper: _Keeper, news: KeeperNews) -> None:
        if news.failed:
            keeper.failed = True
            self._why = " ".join(news.failed.split())
            return
        if news.vault:
            self._on_vault(news.vault)
        keeper.facts = KeeperFacts(news.authorized, news.until, news.weaknesses)
        self.was_authorized |= keeper.facts.authorized

    def _reply(self, keeper: _Keeper, sending: threading.Lock, asked: Asked) -> None:
        answered = self._answered(asked)
        with sending, contextlib.suppress(OSError):
            _send(keeper, answered)

    def _answered(self, asked: Asked) -> Answered:
        try:
            return Answered(asked.ask, self._answer(asked.what, asked.arguments))
        except ParaduxError as problem:
            return Answered(asked.ask, error=problem.to_wire())
        except Exception as problem:
            log.exception("A question of the keeper could not be answered")
            return Answered(asked.ask, error=unforeseen("the supervisor failed", problem).to_wire())


def _send(keeper: _Keeper, message: ToKeeper) -> None:
    control_channel.send(keeper.control, to_json_value(message))


def _is_full(control: socket.socket) -> bool:
    """Whether so much waits to be read on the line that sending would wait, and everybody who wants to end the keeper with it."""
    waiting = select.poll()
    waiting.register(control, select.POLLOUT)
    return not waiting.poll(0)


def _how_ended(keeper: _Keeper) -> str:
    """Of one that has closed its line before it took a connection, and is about to end. It has seen no secret."""
    try:
        code = keeper.process.wait(ENDS)
    except subprocess.TimeoutExpired:
        return "it closed its line"
    how = f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
    size = os.fstat(keeper.errors).st_size
    errors = os.pread(keeper.errors, last_words.KEPT, max(0, size - last_words.KEPT))
    if not (said := last_words.last_line(errors)):
        return how
    log.error("The keeper has written: %s", errors.decode(errors="replace").strip())
    return f"{how} and said: {said}"


_BUSY = ParaduxError("no-resources", "the daemon can start no more threads now", "try again in a moment")


def _no_keeper(why: str) -> ParaduxError:
    return ParaduxError(
        "no-keeper",
        f"the keeper, which opens the vault, does not start{f': {why}' if why else ''}",
        "see whether memory is full and all parts of Paradux are of one version",
    )
