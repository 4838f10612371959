"""What `drill` and `drill_kits` answer; `core/recovery/drill_judgement.py` says what proves what."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.recovery import BroughtFinding
from paraduxd.api.replies.transfer_runs import RunError


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal of one destination restored; `time` is that of the version.

    Counts are files. `compared`: equal to staging; `by_itself`: checked by the protocol.
    """

    version: str = ""
    time: str = ""
    files: int = 0
    bytes: int = 0
    compared: int = 0
    by_itself: int = 0


@dataclass(frozen=True)
class Opening:
    """One place where the config was looked for; `present`: the one in force was opened there. `text` says what was found.

    `good`: the place is as it should be. A stash must hold the present config; a kit may hold an older one of its epoch.
    """

    place: str
    good: bool
    text: str
    kit: bool = False
    present: bool = False


@dataclass(frozen=True)
class Restored:
    """One destination; `good`: it is proven."""

    dataset: str
    destination: str
    good: bool
    text: str
    result: Rehearsed | None = None
    error: RunError | None = None


@dataclass(frozen=True)
class DrillOutcome:
    """A drill that went to its end. `proven`: the whole; `flawless`: everything that was tried went well; `source`: shares or kits."""

    source: str
    started: str
    ended: str
    epoch: int
    serial: int
    openings: tuple[Opening, ...]
    restored: tuple[Restored, ...]
    datasets: tuple[str, ...]
    proven: bool
    flawless: bool
    lacking: tuple[str, ...]
    kits: tuple[BroughtFinding, ...] = ()
