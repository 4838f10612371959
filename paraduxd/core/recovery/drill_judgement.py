"""When a drill has proven what. Pure: what was found in, the verdict out.

A *destination* is proven when files of its newest version were restored from it and at least one of them was compared: with the copy in
staging that has not changed since, or by a protocol that checks every byte against what was pushed (restic).

The *whole* is proven when both hold:

1. the present config (the plan's owner, epoch and serial) was opened with a secret that was combined from shares: from at least one
   metadata stash, or from a kit that was brought;
2. every dataset has at least one destination that is proven.

A rehearsal while the vault is locked opens no config: it proves destinations, never the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.drills import DrillOutcome, Opening, Restored
from paraduxd.api.replies.recovery import BroughtFinding


@dataclass(frozen=True)
class Sample:
    """How much is restored from one destination at most: files, and bytes together."""

    files: int
    bytes: int


DRILL = Sample(25, 64 * 1024 * 1024)
ROUTINE = Sample(10, 16 * 1024 * 1024)
"""By the schedule, unattended."""

SHARES, KITS = "shares", "kits"
"""Where the shares of a drill came from: the config, or kits that were brought."""


@dataclass(frozen=True)
class Drill:
    """One drill that went to its end. `source` is SHARES or KITS; times are RFC 3339 in UTC."""

    source: str
    started: str
    ended: str
    epoch: int
    serial: int
    openings: tuple[Opening, ...] = ()
    restored: tuple[Restored, ...] = ()
    datasets: tuple[str, ...] = field(default=())

    @property
    def lacking(self) -> tuple[str, ...]:
        """Why the whole is not proven, a sentence each; none when it is."""
        return tuple(_lacking(self))

    @property
    def proven(self) -> bool:
        """Whether the whole is proven."""
        return not self.lacking

    @property
    def flawless(self) -> bool:
        """Whether everything that was tried went well."""
        good = (*(each.good for each in self.openings), *(each.good for each in self.restored))
        return self.proven and all(good)

    def outcome(self, kits: tuple[BroughtFinding, ...] = ()) -> DrillOutcome:
        """What the client is told; `kits`: what was found in those that were brought."""
        return DrillOutcome(
            self.source,
            self.started,
            self.ended,
            self.epoch,
            self.serial,
            self.openings,
            self.restored,
            self.datasets,
            self.proven,
            self.flawless,
            self.lacking,
            kits,
        )


def _lacking(drill: Drill) -> Iterator[str]:
    if not any(each.present for each in drill.openings):
        found = _first([each.text for each in drill.openings])
        yield f"the present config (serial {drill.serial}) was opened from no place{found}"
    for dataset in drill.datasets:
        tried = [each for each in drill.restored if each.dataset == dataset]
        if not any(each.good for each in tried):
            yield f"nothing of {dataset} was restored and compared{_first([each.text for each in tried])}"


def _first(texts: Sequence[str]) -> str:
    return f": {texts[0]}" if texts else ""
