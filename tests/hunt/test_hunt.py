"""No secret is anywhere but where it belongs: every kind of secret, in every situation, searched for in every place and form."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from tests.hunt.house import open_house
from tests.hunt.report import Judgement
from tests.hunt.situations import SITUATIONS, Situation
from tests.hunt.situations.kits import LAST
from tests.width import FULL, today

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

USUAL = 4
"""So many situations a day, of every kind; all of them with `contrib/test --all`."""


def chosen() -> list[Situation]:
    """Those of today, or those whose names hold $PARADUX_HUNT; the one after which the machine is none any more comes last."""
    if wanted := os.environ.get("PARADUX_HUNT"):
        found = [each for each in SITUATIONS if any(part in each.name for part in wanted.split(","))]
    else:
        mixed = sorted(SITUATIONS, key=lambda each: hashlib.sha256(each.name.encode()).digest())
        found = today(mixed, USUAL)
    return sorted(found, key=lambda each: each.name == LAST)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to read the memory of processes and to see what they write")
def test_no_secret_is_where_it_does_not_belong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    situations = chosen()
    problems = []
    with open_house(tmp_path) as house:
        for situation in situations:
            begun = time.monotonic()
            try:
                with house.during(situation.name):
                    situation.do(house)
            except Exception as problem:
                problems.append(f"{situation.name}: {type(problem).__name__}: {problem}")
            leaks = [each for each in Judgement(house, situations).leaks if each.situation == situation.name]
            with capsys.disabled():
                print(
                    f"{time.monotonic() - begun:6.1f} s  {situation.name}", *leaks, *problems[-1:], sep="\n          "
                )
        judgement = Judgement(house, situations)
    print("\n".join(judgement.lines()))
    print(f"{'all' if FULL else 'some'} situations, {time.monotonic() - started:.0f} s")
    assert not problems
    assert not judgement.leaks
