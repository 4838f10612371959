"""Shares do not depend on us: the npm package `slip39` recovers ours, and we recover its."""

from __future__ import annotations

import itertools

import pytest

from paraduxd.shares import slip39
from paraduxd.shares.collection import Material, ShareCollection
from tests.shares.npm_slip39 import ask

SECRET = bytes(range(200, 232))
"""Made for this test."""

THRESHOLDS = (2, 3, 5, 8, 16)


def test_what_we_split_another_program_combines() -> None:
    """From the beginning, the end and the middle of each set, and not in order."""
    jobs = []
    for threshold in THRESHOLDS:
        made = slip39.split(SECRET, threshold)
        middle = (16 - threshold) // 2
        for some in (made[:threshold], made[-threshold:], made[middle : middle + threshold][::-1]):
            jobs.append({"combine": some})
    assert ask(jobs) == [SECRET.hex()] * len(jobs)


def test_another_program_refuses_too_few_of_ours_and_a_wrong_word() -> None:
    made = slip39.split(SECRET, 3)
    words = made[0].split()
    wrong = " ".join([*words[:9], "academic" if words[9] != "academic" else "zero", *words[10:]])
    assert ask([{"combine": made[:2]}, {"combine": [wrong, *made[1:3]]}]) == [None, None]
    assert ask([{"valid": made[0]}, {"valid": wrong}]) == [True, False]


@pytest.mark.parametrize("extendable", [True, False])
def test_what_another_program_splits_we_combine(extendable: bool) -> None:
    jobs = [{"split": SECRET.hex(), "threshold": threshold, "extendable": extendable} for threshold in THRESHOLDS]
    for threshold, made in zip(THRESHOLDS, ask(jobs), strict=True):
        assert len(set(made)) == slip39.SET_SIZE
        for some in itertools.islice(itertools.combinations(reversed(made), threshold), 4):
            assert slip39.combine(some) == SECRET


def test_a_whole_recovery_takes_shares_of_another_program() -> None:
    (made,) = ask([{"split": SECRET.hex(), "threshold": 3, "extendable": True}])
    session = ShareCollection.empty()
    for number, words in enumerate(made[4:8]):
        session = session.add(Material(f"sheet {number}", words.upper()))
    assert {finding.state for finding in session.findings} == {"good"}
    assert [secret for _, secret in session.candidates()] == [SECRET]
