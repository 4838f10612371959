"""The health of an installation: vault, plan, journal, outbox, transport files, and the directories that the daemon writes into.

`effects/installation/probes.py` looks at it, `core/status/installation_problems.py` says what is wrong with it.
"""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps

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
        when = timestamps.stamp(timestamps.parse(self.at)) or "an unknown time"
        return f"the journal {_LOST.get(self.why, 'was lost')} (seen at {when}), and what it held is not known{kept}"


@dataclass(frozen=True)
class Unusable:
    """A directory that the daemon cannot write into: what it is for, its path, why ("full", or words), and how many bytes are free."""

    name: str
    path: str
    why: str
    free: int = 0


@dataclass(frozen=True)
class Health:
    """What was found.

    `loss`: how the journal was lost, if it was; `aside`: names of journals that were set aside; `failing`: why nothing can be recorded.
    `was_set_up`: anything shows that this installation was in use. `vault`: "missing", "empty", "damaged" or "changed" (not the one
    that was opened or saved last); `previous`: whether its predecessor is there. `plan`: "missing", "damaged" or "newer".
    `transports`: what has no credentials that can be read. `outbox`: what is missing in it.
    """

    loss: JournalLoss | None = None
    aside: tuple[str, ...] = ()
    failing: str = ""
    was_set_up: bool = False
    vault: str = ""
    previous: bool = False
    plan: str = ""
    unusable: tuple[Unusable, ...] = ()
    transports: tuple[str, ...] = ()
    outbox: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is wrong, in the words of a log."""
        found = [f"the vault is {self.vault}"] if self.vault and self.was_set_up else []
        found += [f"the plan is {self.plan}"] if self.plan and self.was_set_up else []
        found += [self.loss.sentence] if self.loss else []
        found += [f"the {each.name} {each.path}: {each.why}" for each in self.unusable]
        found += [f"nothing can be recorded: {self.failing}"] if self.failing else []
        found += [f"no credentials for {', '.join(self.transports)}"] if self.transports else []
        return (*found, *(f"the outbox lacks {name}" for name in self.outbox))
