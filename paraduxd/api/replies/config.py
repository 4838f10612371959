"""What the calls answer that open, show and change the config. What holds secrets shows none in its `repr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class Hello:
    """Whether there is a vault, and whether this connection is authorized."""

    vault: bool
    authorized: bool


@dataclass(frozen=True)
class Serial:
    """The serial of the config in the vault."""

    serial: int


@dataclass(frozen=True)
class Document:
    """The config as its owner sees it."""

    text: str = field(repr=False)
    serial: int


@dataclass(frozen=True)
class Shown:
    """A part of the config."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Unlocked:
    """Until when the vault stays open."""

    until: str


@dataclass(frozen=True)
class ConfigProblem:
    """One error or warning; line and column count characters from 1, `path` is like `datasets[0].source.every`."""

    level: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class HostKeys:
    """What a server shows: lines for `hosts`, their fingerprints, or why there are none."""

    keys: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class HostKeysOf:
    """By "host:port"."""

    hosts: Mapping[str, HostKeys]


@dataclass(frozen=True)
class Preview:
    """What a save would do. `hosts`: the servers that are not pinned yet, by "host:port"."""

    problems: tuple[ConfigProblem, ...] = ()
    changes: tuple[str, ...] = ()
    unchanged: bool = False
    hosts: Mapping[str, HostKeys] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """The config is saved and in effect; `runs` publish it."""

    serial: int
    runs: tuple[int, ...] = ()
    warnings: tuple[ConfigProblem, ...] = ()
