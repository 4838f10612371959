"""Status and an independent model of the real recovery say the same of every random family.

`PARADUX_ORACLE_FAMILIES=20000` tries more of them, `PARADUX_ORACLE_SEED=17` one only.
"""

from __future__ import annotations

import os
import time
from functools import partial

import pytest

from tests.oracle.compare import disagreements
from tests.oracle.explain import explain
from tests.oracle.family import Family, draw
from tests.oracle.shrinking import smallest

FAMILIES = int(os.environ.get("PARADUX_ORACLE_FAMILIES", "2000"))
ONE = os.environ.get("PARADUX_ORACLE_SEED")
PARTS = 4
ROTATING = time.time_ns() // 1_000_000 % 10**9
"""Half of the families are others in every run."""


def seeds(part: int) -> range:
    """The seeds of one part: even parts try always the same families, odd ones others in every run."""
    first = 0 if part % 2 == 0 else ROTATING
    each = FAMILIES // PARTS
    return range(first + part // 2 * each, first + (part // 2 + 1) * each)


@pytest.mark.parametrize("part", range(PARTS))
def test_status_says_what_is_so(part: int) -> None:
    for seed in [int(ONE)] if ONE else seeds(part):
        family = draw(seed)
        if found := disagreements(family):
            least = smallest(family, partial(_still, {(each.kind, each.too_much) for each in found}))
            pytest.fail(explain(seed, least, disagreements(least)), pytrace=False)


def _still(kinds: set[tuple[str, bool]], family: Family) -> bool:
    """Whether the disagreement is of one of these kinds."""
    return any((each.kind, each.too_much) in kinds for each in disagreements(family))
