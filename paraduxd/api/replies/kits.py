"""What the calls about stewards and their kits answer."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class SeenByCode:
    """The last confirmation code that a steward read out.

    `date`: the day there; `kind`: "whole" (the kit), "share" or "words" (of a sheet); `asked`: it answered a challenge, and so was
    new; `heard`: when it was taken; `epoch`: of the share.
    """

    date: str
    kind: str
    asked: bool
    heard: str | None
    epoch: int


@dataclass(frozen=True)
class Challenge:
    """Six digits to tell a steward, good until then for one answer."""

    steward: str
    name: str
    challenge: str
    until: str


@dataclass(frozen=True)
class CodeTaken:
    """Whose code it was, and what it said, as in `SeenByCode`."""

    steward: str
    name: str
    date: str
    kind: str
    asked: bool
    heard: str
    epoch: int


@dataclass(frozen=True)
class StewardKit:
    """A steward and the kit that matters. `next`: has one of the next epoch; `None` while no rotation runs."""

    id: str
    name: str
    accepted_on: str | None
    epoch: int | None = None
    serial: int | None = None
    written: str | None = None
    last_seen: str | None = None
    device_serial: str | None = None
    current: bool = False
    void: bool = False
    problems: tuple[str, ...] = ()
    overdue: bool = False
    next: bool | None = None
    seen_by_code: SeenByCode | None = None


@dataclass(frozen=True)
class Stewards:
    """Who holds what. `rotation`: the next epoch, while a rotation runs. All `None` before the first setup."""

    epoch: int | None = None
    rotation: int | None = None
    shares_required: int | None = None
    serial: int | None = None
    stewards: tuple[StewardKit, ...] = ()


@dataclass(frozen=True)
class KitFiles:
    """A kit for the client to write; `files`: name -> base64, `sha256`: of the kit, for `kits_confirm`."""

    steward: str
    name: str
    epoch: int
    serial: int
    sha256: str
    files: Mapping[str, str]

    def __repr__(self) -> str:
        return f"KitFiles(steward={self.steward!r}, ...)"


@dataclass(frozen=True)
class KitConfirmed:
    """The kit counts."""

    steward: str
    epoch: int


@dataclass(frozen=True)
class WrittenKit:
    """A kit that was written onto a stick and read back."""

    steward: str
    name: str
    epoch: int
    serial: int


@dataclass(frozen=True)
class Arming:
    """What was written, and which stewards' sticks are waited for until when."""

    written: tuple[WrittenKit, ...] = ()
    waiting: tuple[str, ...] = ()
    until: str | None = None
