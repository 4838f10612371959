"""Why nothing of a dataset is pushed until the source is as it should be, or the owner approves."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.core.installation.health import JOURNAL_LOST, JournalLoss


@dataclass(frozen=True)
class Hold:
    """`reason`: of the guard (`core/runs/guard/rules.py`) or "journal-lost"; `text`: a sentence; `since`: RFC 3339. Counts are files."""

    reason: str = ""
    text: str = ""
    since: str = ""
    removed: int = 0
    changed: int = 0
    files: int = 0


@dataclass(frozen=True)
class Approval:
    """So many files the owner has allowed the next pull to lose and to change."""

    removed: int = 0
    changed: int = 0


def after_loss(loss: JournalLoss) -> Hold:
    """The hold of every dataset after the journal was lost."""
    return Hold(JOURNAL_LOST, loss.sentence, loss.at)
