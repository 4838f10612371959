"""What could be lost as a whole: asked in words, kept as labels, chosen from what was named before."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
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
            for label in _labels(typed, kind, self._named):
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
        labels = _labels(answer, kind, self._named)
        self._named.update(dict.fromkeys(labels))
        return labels

    def add(self, label: str) -> str:
        """A label that nobody has to be asked for."""
        self._named[label] = None
        return label


def _labels(typed: str, kind: str, named: Container[str]) -> list[str]:
    """Labels are separated by commas, and by spaces where they have kinds or are known; any other words are one name: 1 Elm Street."""
    labels: list[str] = []
    for part in filter(str.strip, typed.split(",")):
        words = part.split()
        known = [word if ":" in word else f"{kind}:{word.lower()}" for word in words]
        if len(words) > 1 and ":" not in part and not all(label in named for label in known):
            known = [f"{kind}:{'-'.join(words)}"]
        labels += map(_plain, known)
    return list(dict.fromkeys(labels))


def _plain(label: str) -> str:
    """In the letters that a label may have: Zürich is zurich."""
    kind, _, name = re.sub("['’]", "", label.casefold()).partition(":")
    letters = unicodedata.normalize("NFKD", name)
    return f"{kind}:{''.join(each for each in letters if not unicodedata.combining(each))}"


def _is_alike(one: str, other: str) -> bool:
    """The same kind, and names of which one is easily taken for the other."""
    (kind, _, name), (other_kind, _, other_name) = one.partition(":"), other.partition(":")
    return kind == other_kind and SequenceMatcher(None, name, other_name).ratio() > _ALIKE
