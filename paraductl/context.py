"""What a command works with: the terminal, and the daemon, to which it connects only when asked to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol, Self, TypeVar

from paraductl.terminal.ask_passphrase import Passphrases
from paraductl.terminal.terminal import Terminal
from paraduxd.api.calls import JsonObject
from paraduxd.api.contract import KeeperCalls, SupervisorCalls, ask_keeper, ask_supervisor
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.paths import RunPlaces
from paraduxd.api.replies.config import Hello

Reply = TypeVar("Reply")

TRIES = 3
"""How often a mistyped passphrase is asked for again."""

_TAKES_TIME = {
    "authorize": "Opening the vault",
    "setup": "Making the keys, the shares and the vault",
    "preview": "Checking the text and the hosts in it",
    "preview_setup": "Checking the answers and the hosts in them",
    "save": "Saving the config",
    "passphrase": "Changing the passphrase",
    "rotate": "Making a new secret and its shares",
    "recover_prove": "Trying the shares",
    "recover_commit": "Making the vault",
    "drill": "Rehearsing a recovery",
    "drill_kits": "Rehearsing a recovery",
}
"""What a person is told while a call takes its time; of others, `_ASKING`."""

_ASKING = "Asking the daemon"

_GONE = {"closed", "not-authorized"}
"""How a call fails when the authorized time is over."""


class Supervisor(Protocol):
    """A connection for calls without secrets."""

    def call(self, name: str, /, **arguments: object) -> JsonObject: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Keeper(Protocol):
    """A connection for calls with secrets; `on_note` gets what the keeper tells meanwhile."""

    def call(self, name: str, on_note: Callable[[str], None] | None = None, /, **arguments: object) -> JsonObject: ...
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
        from paraductl.daemon.channels import SupervisorConnection

        return SupervisorConnection(self._places)

    def keeper(self) -> Keeper:
        """Connect; raises `ParaduxError` with exit code 4 when nobody listens."""
        from paraductl.daemon.channels import KeeperConnection

        return KeeperConnection(self._places)


class Context:
    """Handed to every command; close it in the end."""

    def __init__(self, terminal: Terminal, daemon: Daemon, passphrases: Passphrases) -> None:
        self.terminal = terminal
        self.passphrases = passphrases
        self.window_was_open = False
        self._daemon = daemon
        self._supervisor: SupervisorCalls | None = None
        self._keeper: KeeperCalls | None = None
        self._authorized = False
        self._refusal: ParaduxError | None = None
        self._connections = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.close()

    def supervisor(self, *, fresh: bool = False) -> SupervisorCalls:
        """The calls of the supervisor; on a `fresh` connection after one was interrupted half-way."""
        if self._supervisor is None or fresh:
            with self.terminal.busy(_ASKING):
                connection = self._connections.enter_context(self._daemon.supervisor())

            def send(name: str, /, **arguments: object) -> JsonObject:
                with self.terminal.busy(_ASKING):
                    return connection.call(name, **arguments)

            self._supervisor = ask_supervisor(send)
        return self._supervisor

    def keeper(self) -> KeeperCalls:
        """The calls of the keeper, whether authorized or not."""
        if self._keeper is None:
            with self.terminal.busy(_ASKING):
                connection = self._connections.enter_context(self._daemon.keeper())
            self._keeper = self._calls_of(connection)
        return self._keeper

    def _calls_of(self, keeper: Keeper) -> KeeperCalls:
        def send(name: str, /, **arguments: object) -> JsonObject:
            with self.terminal.busy(_TAKES_TIME.get(name, _ASKING)):
                return keeper.call(name, self.terminal.note, **arguments)

        return ask_keeper(send)

    def new_keeper(self) -> KeeperCalls:
        """Connect anew: the keeper ended, because somebody's authorized time was over, or to be locked."""
        self._keeper = None
        return self.keeper()

    @contextlib.contextmanager
    def another_keeper(self) -> Iterator[KeeperCalls]:
        """The calls of the keeper on a connection of its own, for a second thread."""
        with self._daemon.keeper() as keeper:
            yield self._calls_of(keeper)

    def authorize(self) -> None:
        """Give the passphrase, whether or not it is needed; raises `ParaduxError` with exit code 3.

        After a refusal nobody is asked again: the refusal is raised for whatever else of this command needs the passphrase.
        """
        if self._refusal is None:
            try:
                self._authorize()
            except ParaduxError as refusal:
                self._refusal = refusal if refusal.exit_code == ExitCode.NOT_AUTHORIZED else None
                raise
        else:
            raise self._refusal

    def _authorize(self) -> None:
        if not self.hello().vault:
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

    def hello(self) -> Hello:
        """Whether there is a config, and whether it is open for this user."""
        return self._again_if_closed(lambda keeper: keeper.hello())

    def _give(self, passphrase: str) -> None:
        self._again_if_closed(lambda keeper: keeper.authorize(passphrase=passphrase))

    def _again_if_closed(self, ask: Callable[[KeeperCalls], Reply]) -> Reply:
        """Ask a keeper. One that another command has opened ends when that one's time is over, whoever has connected and not yet given the
        passphrase: then a new one is asked.
        """
        try:
            return ask(self.keeper())
        except ParaduxError as error:
            if error.code != "closed":
                raise
        return ask(self.new_keeper())

    def authorized_keeper(self) -> KeeperCalls:
        """The calls of the keeper, with the passphrase given where that is necessary."""
        if not self._authorized:
            self.window_was_open = self.hello().authorized
            if self.passphrases.given or not self.window_was_open:
                self.authorize()
            self._authorized = True
        return self.keeper()

    def secret_call(self, ask: Callable[[KeeperCalls], Reply]) -> Reply:
        """An authorized call; when the authorized time has run out meanwhile, the passphrase is asked for again."""
        was_authorized = self._authorized
        try:
            return ask(self.authorized_keeper())
        except ParaduxError as error:
            if error.code not in _GONE or not was_authorized:
                raise
        self.terminal.note("the authorized time is over; the passphrase is needed again")
        self._keeper, self._authorized = None, False
        return ask(self.authorized_keeper())

    def member_call(self, ask: Callable[[SupervisorCalls | KeeperCalls], Reply]) -> Reply:
        """A call that some may make as who they are, and everybody else with the passphrase."""
        try:
            return ask(self.supervisor())
        except ParaduxError as error:
            if error.code != "not-allowed":
                raise
        return self.secret_call(ask)

    def say_locked(self) -> None:
        """Tell a person whether what they opened is closed again."""
        if self.window_was_open:
            self.terminal.line("The vault stays unlocked for the time you gave it; close it with: paraductl lock")
        else:
            self.terminal.line("Locked again.")
