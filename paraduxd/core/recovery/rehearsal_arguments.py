"""What an order tells a rehearsal, besides what every order tells (`core/runs/order_arguments.py`)."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Version
from paraduxd.core.plan.terms import UNPROTECTED
from paraduxd.core.recovery.drill_judgement import Sample


@dataclass(frozen=True)
class RehearseArguments:
    """`scratch`: an existing directory, `mark` of what is ours in it (`effects/files/scratch.py`); `seed`: of what is chosen.

    Of a metadata stash: its `epoch`, and to compare with what was sent, `outbox` and `serial`.
    """

    scratch: str = ""
    mark: str = ""
    sample: Sample | None = None
    known_versions: tuple[Version, ...] | None = None
    seed: int | None = None
    protects: str = UNPROTECTED
    epoch: int = 0
    serial: int = 0
    outbox: str | None = None
