"""What could be lost as a whole: asked in words, kept as labels, chosen from what was named before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from paraductl.setup.dialogue import Dialogue

PLACE, ACCOUNT, PERSON, DEVICE = "place", "account", "person", "device"

_LABEL = re.compile("(place|account|person|device|mind):[a-z0-9][a-z0-9._@-]{0,63}")
_ALIKE = 0.85
"""How much of two names is the same."""

_EXPECTED = "a name like house, or with its kind: place:house, account:aws, device:laptop"


class Fates:
    """All labels that were given so far, in order."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._named: dict[str, None] = {}

    def ask(self, key: str, text: str, default: Sequence[str], kind: str = PLACE) -> list[str]:
        """One or more labels; a name without a kind gets this one."""
        doubted: set[str] = set()

        def problem(typed: str) -> str:
            for label in _labels(typed, kind):
                if not _LABEL.fullmatch(label):
                    return f"expected {_EXPECTED}"
                alike = next((named for named in self._named if _is_alike(label, named)), "")
                if alike and label not in self._named and label not in doubted:
                    doubted.add(label)
                    return f"{label} looks like {alike}: if it is the same, write that; if not, type it once more"
            return ""

        if self._named:
            self._dialogue.note(f"Named so far: {', '.join(self._named)}", "  ")
        answer = self._dialogue.ask(key, text, default=" ".join(default), words=list(self._named), check=problem)
        labels = _labels(answer, kind)
        self._named.update(dict.fromkeys(labels))
        return labels

    def add(self, label: str) -> str:
        """A label that nobody has to be asked for."""
        self._named[label] = None
        return label


def _labels(typed: str, kind: str) -> list[str]:
    words = typed.lower().replace(",", " ").split()
    return list(dict.fromkeys(word if ":" in word else f"{kind}:{word}" for word in words))


def _is_alike(one: str, other: str) -> bool:
    """The same kind, and names of which one is easily taken for the other."""
    (kind, _, name), (other_kind, _, other_name) = one.partition(":"), other.partition(":")
    return kind == other_kind and SequenceMatcher(None, name, other_name).ratio() > _ALIKE
