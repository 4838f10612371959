from __future__ import annotations

import pytest

from paraduxd.core.plan.terms import Guard
from paraduxd.core.runs.guard.rules import decide


def reason(
    known: int | None, removed: int = 0, changed: int = 0, files: int = 100, allowed: tuple[int, int] = (0, 0)
) -> str | None:
    held = decide(
        known,
        removed=removed,
        changed=changed,
        files=files,
        guard=Guard(max_removed=0.25, max_changed=0.60),
        allowed_removed=allowed[0],
        allowed_changed=allowed[1],
    )
    return held.reason if held else None


@pytest.mark.parametrize(
    ("removed", "changed", "expected"),
    [(25, 60, None), (26, 0, "many-removed"), (0, 61, "many-changed"), (26, 61, "many-changed"), (0, 0, None)],
)
def test_more_than_a_fraction_is_held(removed: int, changed: int, expected: str | None) -> None:
    assert reason(100, removed, changed) == expected


def test_the_first_pull_is_never_held() -> None:
    assert reason(None, removed=50, changed=50, files=0) is None
    assert reason(0, removed=50, changed=50, files=0) is None


@pytest.mark.parametrize("known", [1, 9, 10, 1000])
def test_an_empty_source_is_held_however_few_files_there_were(known: int) -> None:
    assert reason(known, removed=known, files=0) == "source-empty"


def test_fractions_mean_nothing_for_few_files() -> None:
    assert reason(9, removed=8, changed=9, files=1) is None
    assert reason(10, removed=3, files=7) == "many-removed"


def test_what_was_approved_goes_through_and_no_more() -> None:
    assert reason(100, removed=80, files=20, allowed=(80, 0)) is None
    assert reason(100, removed=81, files=19, allowed=(80, 0)) == "many-removed"
    assert reason(100, removed=100, files=0, allowed=(100, 0)) is None
    assert reason(100, changed=90, allowed=(90, 0)) == "many-changed"
    assert reason(100, changed=90, allowed=(0, 90)) is None


def test_the_sentence_has_the_numbers() -> None:
    held = decide(100, removed=40, changed=3, files=60, guard=Guard())
    assert held is not None
    assert held.text == "40 of 100 files are gone from the source, more than 25%"
    assert (held.removed, held.changed, held.files) == (40, 3, 60)
