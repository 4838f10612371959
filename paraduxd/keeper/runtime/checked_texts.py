"""The last texts that were checked: one that is previewed, then saved, then put into effect is checked once.

A check depends on nothing but the text and the protocols that this keeper knows, and a checked config cannot be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from paraduxd.core.config.capabilities import Capabilities
from paraduxd.core.config.validation.validate import Checked, check

MOST = 2
"""So many are kept: the config in force, and the one that is about to replace it."""


@dataclass(eq=False)
class CheckedTexts:
    """Any thread may ask. Its `repr` shows no text."""

    _known: tuple[tuple[str, bool, Checked], ...] = field(default=(), repr=False)

    def check(self, text: str, capabilities: Mapping[str, Capabilities], *, answers: bool = False) -> Checked:
        """As `core/config/validation/validate.py`."""
        before = self._known
        found = next((each for each in before if each[:2] == (text, answers)), None)
        checked = found[2] if found else check(text, capabilities, answers=answers)
        self._known = ((text, answers, checked), *(each for each in before if each is not found))[:MOST]
        return checked
