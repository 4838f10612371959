"""What servers, sticks and other users are called or say neither steers the terminal nor looks like a line of ours."""

from __future__ import annotations

import pytest

from paraductl.terminal import wording
from paraductl.terminal.table import TableCell, table
from paraductl.terminal.terminal import Terminal
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.transfer_runs import Run, RunError

HOSTILE = [
    "gone\x1b[2J\x1b]0;title\x07",
    "gone\x9b2J",
    "gone\nparaductl: all is well",
    "gone\r\nall is well",
    "gone\x0ball\x85is\u2028well",
    "gone\u202egnp.exe",
    "gone\udc9b",
]


def is_tame(text: str) -> bool:
    return all(each.isprintable() or each == "\n" for each in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_failure_is_one_line_and_its_hint_another(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(as_json=False).error(ParaduxError("failed", text, text))
    told = capsys.readouterr().err
    assert is_tame(told) and told.count("\n") == 2
    assert [line[:2] for line in told.splitlines()] == ["pa", "  "]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("state", ["failed", "held", "interrupted"])
def test_a_run_of_the_history_is_one_line(text: str, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = RunError("failed", text, text)
    run = Run(1, "home", "push", "friend", "manual", state, "2026-11-23T12:00:00Z", error=error)
    Terminal(as_json=False).line("  ".join(wording.failure(run)))
    told = capsys.readouterr().out
    assert is_tame(told) and told.count("\n") == 1


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("colour", [True, False])
def test_a_table_has_one_line_for_each_row(text: str, colour: bool) -> None:
    lines = list(
        table(
            [
                [TableCell("DATASET"), TableCell("AS OF")],
                [TableCell(text), TableCell(wording.local_time(text))],
                [TableCell(text)],
            ],
            200,
            colour,
        )
    )
    assert len(lines) == 3 and all(line.isprintable() for line in lines)
