"""The ground that the daemon stands on: vault, plan, journal, outbox, transport files, and the directories that it writes into.

`effects/ground.py` looks at it, `core/ground_troubles.py` says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paraduxd.core import moments

JOURNAL_LOST = "journal-lost"
"""The reason of a hold that only the owner ends: whether the dataset was held before is unknown."""

_LOST = {"missing": "is gone", "empty": "was emptied", "damaged": "was damaged"}


@dataclass(frozen=True)
class JournalLoss:
    """How a journal was lost: at (RFC 3339), "missing", "empty" or "damaged", the name under which it is kept ("" when nothing was
    there), and whether every dataset has been held since."""

    at: str
    why: str
    aside: str = ""
    held: bool = False

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        kept = f"; what was there is kept as {self.aside}" if self.aside else ""
        when = moments.stamp(moments.parse(self.at)) or "an unknown time"
        return f"the journal {_LOST.get(self.why, 'was lost')} (seen at {when}), and what it held is not known{kept}"


def hold_after(loss: JournalLoss) -> dict[str, Any]:
    """The hold of every dataset after a loss."""
    return {"reason": JOURNAL_LOST, "text": loss.sentence, "since": loss.at}


@dataclass(frozen=True)
class Ground:
    """What was found. `loss`: how the journal was lost, if it was; `aside`: names of journals that were set aside."""

    loss: JournalLoss | None = None
    aside: tuple[str, ...] = ()
