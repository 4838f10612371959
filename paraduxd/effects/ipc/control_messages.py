"""What supervisor and keeper send each other on the line between them (`control_channel.py`). A message is known by its first key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.effects.ipc.keeper_news import KeeperNews
from paraduxd.effects.ipc.unix_sockets import Peer


@dataclass(frozen=True)
class Connected:
    """To the keeper: a client; its connection comes with the message."""

    client: Peer


@dataclass(frozen=True)
class Inserted:
    """To the keeper: a stick was plugged in."""

    stick: PluggedIn


@dataclass(frozen=True)
class Answered:
    """To the keeper: the reply to question `answer`, or the error instead."""

    answer: int
    reply: JsonObject | None = None
    error: JsonObject | None = None


@dataclass(frozen=True)
class Took:
    """To the supervisor, for each connection in turn: whether it came, and is under the keeper's care."""

    took: bool


@dataclass(frozen=True)
class Asked:
    """To the supervisor: question number `ask`, with arguments that nobody has looked at."""

    ask: int
    what: str
    arguments: object = None


@dataclass(frozen=True)
class Told:
    """To the supervisor: what the keeper tells of itself."""

    tell: KeeperNews


ToKeeper = Connected | Inserted | Answered
ToSupervisor = Took | Asked | Told

_TO_KEEPER: Mapping[str, type[ToKeeper]] = {"client": Connected, "stick": Inserted, "answer": Answered}
_TO_SUPERVISOR: Mapping[str, type[ToSupervisor]] = {"took": Took, "ask": Asked, "tell": Told}

M = TypeVar("M", ToKeeper, ToSupervisor)


def to_keeper(message: JsonObject) -> ToKeeper:
    """The message that the keeper has received; raises `ParaduxError` "bad-message"."""
    return _read(_TO_KEEPER, message)


def to_supervisor(message: JsonObject) -> ToSupervisor:
    """The message that the supervisor has received; raises `ParaduxError` "bad-message"."""
    return _read(_TO_SUPERVISOR, message)


def _read(kinds: Mapping[str, type[M]], message: JsonObject) -> M:
    for key, kind in kinds.items():
        if key in message:
            try:
                return from_json_value(kind, message)
            except ValueError as problem:
                raise ParaduxError(
                    "bad-message", f"a message of another form came from the other side: {problem}"
                ) from None
    raise ParaduxError("bad-message", "a message that is not known came from the other side")
