"""The metrics are in the text format of Prometheus and say what status says."""

from __future__ import annotations

import re
from dataclasses import replace

from paraductl.terminal.prometheus import exposition
from paraduxd.api.replies.state import ProblemState
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status import document
from tests.core.status.sample import NOW, healthy, plan

_COMMENT = re.compile(r"# (HELP|TYPE) (paradux_[a-z_]+) (\S.*)")
_SAMPLE = re.compile(r'(paradux_[a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+]+|NaN)')


def samples(text: str) -> dict[str, float]:
    """Name and labels -> value; each metric stands in one piece below its two comments."""
    found, described, current = {}, set(), ""
    for line in text.splitlines():
        if comment := _COMMENT.fullmatch(line):
            assert (comment[1], comment[2]) not in described, line
            described.add((comment[1], comment[2]))
            current = comment[2]
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample, line
            assert sample[1] == current, line
            name = f"{sample[1]}{{{sample[2]}}}" if sample[2] else sample[1]
            assert name not in found, line
            found[name] = float(sample[3])
    return found


def test_a_healthy_family_is_all_ones() -> None:
    found = samples(exposition(document.status(plan(), healthy(plan()), NOW)))
    assert found["paradux_level"] == 0
    assert found["paradux_recoverable"] == 1
    assert found['paradux_problems{level="critical"}'] == 0
    assert all(
        value == 1 for name, value in found.items() if name.startswith(("paradux_dataset_ok", "paradux_destination_ok"))
    )
    pulled = [value for name, value in found.items() if name.startswith("paradux_pull_last_success_seconds")]
    assert pulled and all(NOW.timestamp() - 7 * 86400 < value <= NOW.timestamp() for value in pulled)


def test_before_setup_there_is_no_time_and_the_level_is_critical() -> None:
    found = samples(exposition(document.status(None, Facts(), NOW)))
    assert found["paradux_level"] == 2
    assert found['paradux_problem{level="critical",code="not-set-up",subject="paradux"}'] == 1
    assert not [name for name in found if name.endswith("_seconds")]


def test_labels_are_escaped() -> None:
    status = document.status(plan(), healthy(plan()), NOW)
    odd = ProblemState("warning", "x", 'a "b"\n\\c\x1b[1m', "", "")
    text = exposition(replace(status, problems=(odd, odd)))
    assert len([name for name in samples(text) if name.startswith("paradux_problem{")]) == 1
    assert "\x1b" not in text
