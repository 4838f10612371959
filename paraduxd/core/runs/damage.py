"""Damage that a check or a rehearsal has found at a destination, and what disproves it.

A look that goes less deep says nothing about it: sizes are right in spite of a byte that has rotted, and so is every other part of the
data.
"""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Verified
from paraduxd.core.runs.orders import Failed


@dataclass(frozen=True)
class Damage:
    """What was found, and how: `deep`, by reading content; in one `part` (from 0) of `parts`; or, with neither, by a quick look."""

    at: str
    message: str
    hint: str = ""
    deep: bool = False
    part: int = 0
    parts: int = 0


def found(error: Failed, at: str, *, deep: bool, part: int = 0, parts: int = 0) -> Damage:
    """The damage that a check of all data, of a part, or a quick one has failed with; a rehearsal reads what it restores."""
    return Damage(at, error.message or "it is damaged", error.hint, deep, part, parts)


def is_disproved(damage: Damage, verified: Verified) -> bool:
    """Whether a check that went well looked where the damage was."""
    if verified.deep:
        return True
    if damage.deep:
        return False
    return not damage.parts or (verified.part, verified.parts) == (damage.part, damage.parts)
