"""What the calls of a recovery answer."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import ConfigProblem


@dataclass(frozen=True)
class BroughtFinding:
    """What was found in one thing that was brought. `state`: good, duplicate, or what is wrong with it."""

    label: str
    state: str
    steward: str | None = None
    epoch: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Collected:
    """What was brought so far. `ready`: enough shares of one epoch are there to make a secret."""

    report: tuple[str, ...] = ()
    findings: tuple[BroughtFinding, ...] = ()
    ready: bool = False


@dataclass(frozen=True)
class Candidate:
    """A config that the secret opens."""

    label: str
    epoch: int
    serial: int
    date: str
    instance: str
    generation: int
    age: str


@dataclass(frozen=True)
class NewerKnown:
    """Something newer is known than what opens, in sentences."""

    message: str
    needed: str


@dataclass(frozen=True)
class Proven:
    """What the secret opens; `candidates`: newest first. `alive`: it opens the vault that is there."""

    newer: NewerKnown | None
    candidates: tuple[Candidate, ...]
    alive: bool
    epoch: int
    owner: str
    datasets: tuple[str, ...]
    disagreements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recovered:
    """This machine is the owner's Paradux; `alive`: it was before."""

    serial: int
    runs: tuple[int, ...]
    warnings: tuple[ConfigProblem, ...]
    alive: bool
