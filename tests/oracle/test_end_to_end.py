"""Random families with a real Paradux: what status and `whatif` claim is held against real losses and the real recovery from them.

    PARADUX_ORACLE_HOUSEHOLDS="21 22 23" PARADUX_ORACLE_LOSSES=40 pytest -s tests/oracle/test_end_to_end.py

tries others, with so many losses of each family, and prints how each went.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.replies.what_if import WhatIf
from tests.oracle.aftermath import Aftermath, Outcome
from tests.oracle.compare import compare
from tests.oracle.explain import explain
from tests.oracle.family import Family
from tests.oracle.household import Household, keep, put_back
from tests.oracle.truth import Loss, World, truth
from tests.width import times, today

_OURS = today((3, 14, 15), 1)
"""These have a rotation under way, places that were moved, one that refuses, and credentials in memory only: one a day."""

SEEDS = [int(seed) for seed in os.environ.get("PARADUX_ORACLE_HOUSEHOLDS", "").split()] or _OURS

LOSSES = int(os.environ.get("PARADUX_ORACLE_LOSSES", times(full=25, usual=12)))
"""Of each of the families; no two of them take the same things."""

WHOLE = 3
"""Of so many losses everything is restored; of the others what does not lie at hand anyway."""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(60 + 90 * LOSSES)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_status_claims_is_what_comes_back(tmp_path: Path, seed: int) -> None:
    home = Household(tmp_path / "w", seed)
    try:
        with home.cloud.running():
            home.prepare()
        document, family = home.status(), home.family()
        losses = _losses(home, family, random.Random(seed))
        told = {loss: home.lost_if(loss) for loss in losses}
    finally:
        home.close()
    found = compare(truth(family), document, set(home.books.datasets))
    assert not found, explain(seed, family, found)
    archive = keep(home.root)
    wrong = []
    for number, loss in enumerate(losses):
        put_back(archive, home.root)
        outcome = Aftermath(home, World(family), loss, whole=number < WHOLE).outcome()
        differs = list(_differences(told[loss], outcome, World(family).taken(loss)))
        said = f"seed {seed}, loss of {' + '.join(sorted(loss))}: took {sorted(outcome.taken)}"
        print(said, *differs, flush=True)
        wrong += [f"{said}: {each}" for each in differs]
    assert not wrong, "\n".join(wrong)


def _differences(told: WhatIf, outcome: Outcome, oracle: frozenset[str]) -> Iterator[str]:
    """Where the prediction, the oracle and what happened disagree."""
    predicted = frozenset("" if name.startswith("(") else name for name in told.lost)
    if predicted != outcome.taken:
        yield f"WRONG: whatif had said {sorted(predicted)}"
    if oracle != outcome.taken:
        yield f"WRONG: the oracle says {sorted(oracle)}"
    if outcome.serial is not None and outcome.serial != told.config.newest_serial:
        yield f"WRONG: serial {outcome.serial}, whatif had said {told.config.newest_serial}"


def _losses(home: Household, family: Family, chance: random.Random) -> list[Loss]:
    """The weakest, some that are survived, some of any kind; each takes other things."""
    found: dict[frozenset[int], Loss] = {}
    for loss in itertools.islice(_drawn(family, chance), 40 * LOSSES):
        things = Aftermath(home, World(family), loss).things()
        hit = frozenset(number for number, (fates, _) in enumerate(things) if fates & loss)
        mind = frozenset({-1}) if World(family).fates.memory & loss else frozenset()
        found.setdefault(hit | mind, loss)
        if len(found) == LOSSES:
            break
    return list(found.values())


def _drawn(family: Family, chance: random.Random) -> Iterator[Loss]:
    known, labels = truth(family), World(family).labels
    weakest = sorted(map(sorted, known.weakest))
    survived = [each for each in itertools.combinations(labels, known.survives) if each]
    yield from map(frozenset, chance.sample(weakest, min(2, len(weakest))))
    yield from map(frozenset, chance.sample(survived, min(2, len(survived))))
    while True:
        yield frozenset(chance.sample(labels, chance.randint(1, 3)))
