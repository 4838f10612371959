"""Labels that were probably meant to be one."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from itertools import combinations

SHORT = 4
"""Names of fewer letters are alike all too often."""


@lru_cache(maxsize=8)
def look_alikes(labels: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of labels that were probably meant to be one: they differ in one letter, in case, in a dash or in a plural."""
    near: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        for variant in _variants(label):
            near[variant].append(label)
    pairs = {pair for together in near.values() for pair in combinations(together, 2)}
    return tuple(sorted(pair for pair in pairs if _alike(*pair)))


def _variants(label: str) -> set[str]:
    """What a label shares with those that differ from it in one letter."""
    low = label.lower()
    return {_bare(label), low, *(low[:at] + low[at + 1 :] for at in range(len(low)))}


def _alike(one: str, other: str) -> bool:
    if _bare(one) == _bare(other):
        return True
    short = min(len(label.partition(":")[2] or label) for label in (one, other)) < SHORT
    numbers = re.sub(r"\D", "", one) != re.sub(r"\D", "", other)
    return not short and not numbers and _one_letter_apart(one.lower(), other.lower())


def _bare(label: str) -> str:
    return re.sub(r"[-_. ]", "", label.lower()).rstrip("s")


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether one letter was changed, left out, or exchanged with its neighbour."""
    if len(one) > len(other):
        one, other = other, one
    start = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))
    if len(one) < len(other):
        return len(other) - len(one) == 1 and one[start:] == other[start + 1 :]
    swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return one[start + 1 :] == other[start + 1 :] or swapped
