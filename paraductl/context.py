"""What a command works with: the terminal, and the daemon, to which it connects only when asked to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol, Self

from paraductl.terminal.passphrase import Passphrases
from paraductl.terminal.terminal import Terminal
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import RunPlaces

Reply = dict[str, Any]

TRIES = 3
"""How often a mistyped passphrase is asked for again."""

_GONE = {"closed", "not-authorized"}
"""How a call fails when the authorized time is over."""


class Supervisor(Protocol):
    """A connection for calls without secrets (`SUPERVISOR` in the table of calls)."""

    def call(self, name: str, **arguments: Any) -> Reply: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Keeper(Protocol):
    """A connection for calls with secrets (`KEEPER` in the table of calls)."""

    def call(self, name: str, on_note: Callable[[str], None] | None = None, **arguments: Any) -> Reply: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Daemon(Protocol):
    """Where connections come from: the sockets of the daemon, or a fake."""

    def supervisor(self) -> Supervisor: ...
    def keeper(self) -> Keeper: ...


class SocketDaemon:
    """The daemon behind the two sockets of a run directory."""

    def __init__(self, places: RunPlaces) -> None:
        self._places = places

    def supervisor(self) -> Supervisor:
        """Connect; raises `ParaduxError` with exit code 4 when nobody listens."""
        from paraductl.daemon.connections import Supervisor as Connection

        return Connection(self._places)

    def keeper(self) -> Keeper:
        """Connect; raises `ParaduxError` with exit code 4 when nobody listens."""
        from paraductl.daemon.connections import Keeper as Connection

        return Connection(self._places)


class Context:
    """Handed to every command; close it in the end."""

    def __init__(self, terminal: Terminal, daemon: Daemon, passphrases: Passphrases) -> None:
        self.terminal = terminal
        self.passphrases = passphrases
        self.window_was_open = False
        self._daemon = daemon
        self._supervisor: Supervisor | None = None
        self._keeper: Keeper | None = None
        self._authorized = False
        self._connections = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.close()

    def supervisor(self, *, fresh: bool = False) -> Supervisor:
        """The connection to the supervisor; `fresh` after a call was interrupted half-way."""
        if self._supervisor is None or fresh:
            self._supervisor = self._connections.enter_context(self._daemon.supervisor())
        return self._supervisor

    def keeper(self) -> Keeper:
        """The connection to the keeper, whether authorized or not."""
        if self._keeper is None:
            self._keeper = self._connections.enter_context(self._daemon.keeper())
        return self._keeper

    def new_keeper(self) -> Keeper:
        """Connect anew: the keeper ended, because somebody's authorized time was over, or to be locked."""
        self._keeper = None
        return self.keeper()

    def another_keeper(self) -> Keeper:
        """A connection of its own, for a second thread; the caller closes it."""
        return self._daemon.keeper()

    def authorize(self) -> None:
        """Give the passphrase, whether or not it is needed; raises `ParaduxError` with exit code 3."""
        if not self.keeper().call("hello")["vault"]:
            raise ParaduxError("no-vault", "there is no config yet", "make one with: paraductl setup")
        for left in reversed(range(TRIES)):
            try:
                self._give(self.passphrases.current())
            except ParaduxError as error:
                if error.code != "wrong-passphrase" or not self.passphrases.can_ask or not left:
                    raise
                self.terminal.note("wrong passphrase; try again")
            else:
                break
        self._authorized = True

    def _give(self, passphrase: str) -> None:
        """Give the passphrase; a keeper that ended while a person typed, because another's time was over, is started again."""
        try:
            self.keeper().call("authorize", self.terminal.note, passphrase=passphrase)
        except ParaduxError as error:
            if error.code != "closed":
                raise
            self._keeper = None
            self.keeper().call("authorize", self.terminal.note, passphrase=passphrase)

    def authorized_keeper(self) -> Keeper:
        """The connection to the keeper, with the passphrase given where that is necessary."""
        if not self._authorized:
            self.window_was_open = bool(self.keeper().call("hello")["authorized"])
            if self.passphrases.given or not self.window_was_open:
                self.authorize()
            self._authorized = True
        return self.keeper()

    def secret_call(self, name: str, **arguments: Any) -> Reply:
        """An authorized call; when the authorized time has run out meanwhile, the passphrase is asked for again."""
        was_authorized = self._authorized
        try:
            return self.authorized_keeper().call(name, self.terminal.note, **arguments)
        except ParaduxError as error:
            if error.code not in _GONE or not was_authorized:
                raise
        self.terminal.note("the authorized time is over; the passphrase is needed again")
        self._keeper, self._authorized = None, False
        return self.authorized_keeper().call(name, self.terminal.note, **arguments)

    def member_call(self, name: str, **arguments: Any) -> Reply:
        """A call that some may make as who they are, and everybody else with the passphrase."""
        try:
            return self.supervisor().call(name, **arguments)
        except ParaduxError as error:
            if error.code != "not-allowed":
                raise
        return self.secret_call(name, **arguments)

    def say_locked(self) -> None:
        """Tell a person whether what they opened is closed again."""
        if self.window_was_open:
            self.terminal.line("The vault stays unlocked for the time you gave it; close it with: paraductl lock")
        else:
            self.terminal.line("Locked again.")
