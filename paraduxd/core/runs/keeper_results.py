"""What a worker gives to the keeper that started it, and to nobody else: shares, keys and configs as they lie at a place.

What runs of the supervisor have come to: `api/replies/results.py`; what it gives of a stick: `core/devices/stick_results.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import HostKeysOf


@dataclass(frozen=True)
class SentObject:
    """One object of a stash; `data` in base64."""

    name: str
    data: str = field(repr=False)


@dataclass(frozen=True)
class Fetched:
    """Of a metadata stash. `listed`: (epoch, highest serial in names); `machine`: machine.asc in base64; `troubles`: sentences."""

    configs: tuple[SentObject, ...] = ()
    keys: tuple[SentObject, ...] = ()
    machine: str | None = None
    highest_serial: int = 0
    listed: tuple[tuple[int, ...], ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class StashContent:
    """Recovery key and newest config of one epoch at a stash, in base64."""

    epoch: int
    serial: int
    key: str = field(repr=False)
    config: str = field(repr=False)


@dataclass(frozen=True)
class NoticeTaken:
    """A notice was taken."""

    sent: bool = True


@dataclass(frozen=True)
class AddressesChecked:
    """`unfit`: by number as text, the addresses that nothing could be sent to, each with the forms that such addresses have."""

    unfit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """What came of trying a place. `tried`: it was used at all; `owned`: a Paradux has marked it as its own; `removed`: what was written
    could be removed; `writes`: a login that should only read can write."""

    tried: bool = True
    owned: bool = False
    removed: bool = True
    writes: bool = False


KeeperResult = Fetched | StashContent | NoticeTaken | AddressesChecked | Trial | HostKeysOf
