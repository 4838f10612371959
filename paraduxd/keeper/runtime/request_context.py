"""What a module with calls of its own gets to work with: the open config, the means to change it, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.session import Session, Visit

Note = Callable[[str], None]
"""Takes a sentence that the client shows at once."""


class RequestContext(Protocol):
    """One connection, as the handler of a call sees it."""

    peer: Peer
    visit: Visit
    session: Session
    installation: Installation

    def opened(self) -> Opened:
        """The open config; raises `ParaduxError` "not-authorized"."""

    def change(self) -> AbstractContextManager[Opened]:
        """The open config, for a change: nobody else changes it, and the keeper does not end meanwhile."""

    def hold(self, opened: Opened) -> None:
        """Work with this config from now on; it authorizes this connection."""


class ClientContext(RequestContext, Protocol):
    """A connection of a client."""

    def is_owner(self) -> bool:
        """Whether root is at the other end, or the user that the daemon runs as."""

    def is_trusted(self) -> bool:
        """Whether the other end has authority."""
