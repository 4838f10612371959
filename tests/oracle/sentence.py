"""The headline, which people read, says no more and no less than the figures of the document."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.oracle.truth import Loss, Truth

_NAMES = re.compile(r"`(\w+)`")
_OLD = re.compile(r"\bd\d+/c\d+\b")
_PART = re.compile(r"for (\d+) of (\d+) datasets")
_MORE = re.compile(r"(\d+) more")

OLD_NAMED = 5
"""So many of the copies that count although they are old are named."""


def wrong(expected: Truth, headline: str, weakest: list[Loss]) -> Iterator[tuple[bool, str]]:
    """What the headline says otherwise than it is: whether it claims too much, and what."""
    yield from _beginning(expected, headline)
    if expected.today:
        yield from _old(expected, headline.partition("Counted although old: ")[2])
        yield from _losing(expected, headline, weakest[:1])


def _beginning(expected: Truth, headline: str) -> Iterator[tuple[bool, str]]:
    """Whether all can be recovered, and for how much of it a drill has proven that."""
    proven, datasets = len(expected.proven), len(expected.world.datasets)
    if not expected.today:
        if not headline.startswith(("Recoverable: no: ", "Recoverable: not known yet: ")):
            yield True, "not all can be recovered"
        return
    if proven == datasets:
        right = headline.startswith("Recoverable: yes, proven ")
    elif proven:
        found = _PART.search(headline)
        right = headline.startswith("Recoverable: proven ") and found is not None
        right = right and found is not None and found.groups() == (str(proven), str(datasets))
    else:
        right = headline.startswith("Recoverable: not proven: ")
    if not right:
        yield proven < datasets, f"{proven} of {datasets} datasets are proven"


def _old(expected: Truth, text: str) -> Iterator[tuple[bool, str]]:
    """What counts although it is old is named, five of it at least."""
    said = set(_OLD.findall(text))
    if said - expected.old:
        yield False, f"{', '.join(sorted(said - expected.old))} is not old"
    if len(said) < min(OLD_NAMED, len(expected.old)):
        yield True, f"{', '.join(sorted(expected.old - said))} counts although it is old"


def _losing(expected: Truth, headline: str, weakest: list[Loss]) -> Iterator[tuple[bool, str]]:
    """What the weakest loss takes."""
    sentence = headline.partition("which would lose ")[2].partition(". ")[0]
    if bool(sentence) != bool(weakest):
        yield True, "it does not say what the weakest loss takes"
    for loss in weakest:
        taken = expected.world.takes(loss)
        said = set(_NAMES.findall(sentence)) | ({""} if "config" in sentence else set())
        more = sum(map(int, _MORE.findall(sentence)))
        if not said <= taken or len(said) + more != len(taken):
            names = ", ".join(name or "the config" for name in sorted(taken))
            yield len(said) + more < len(taken), f"the loss of {' + '.join(sorted(loss))} takes {names}"
