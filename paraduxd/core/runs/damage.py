"""Damage that a check or a rehearsal has found at a destination, and what disproves it.

A look that goes less deep says nothing about it: sizes are right in spite of a byte that has rotted, and so is every other part of the
data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Damage:
    """What was found, and how: `deep`, by reading content; in one `part` (from 0) of `parts`; or, with neither, by a quick look."""

    at: str
    message: str
    hint: str = ""
    deep: bool = False
    part: int = 0
    parts: int = 0


def found(error: Mapping[str, Any], at: str, how: Mapping[str, Any]) -> Damage:
    """The damage that a run failed with; `how`: the arguments of a check, or {"deep": True} for a rehearsal."""
    message, hint = str(error.get("message") or "it is damaged"), str(error.get("hint") or "")
    return Damage(at, message, hint, how.get("deep") is True, int(how.get("part") or 0), int(how.get("parts") or 0))


def is_disproved(damage: Damage, result: Mapping[str, Any]) -> bool:
    """Whether a check that went well with this result looked where the damage was."""
    if result.get("deep") is True:
        return True
    if damage.deep:
        return False
    return not damage.parts or (result.get("part"), result.get("parts")) == (damage.part, damage.parts)
