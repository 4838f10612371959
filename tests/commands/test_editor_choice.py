"""Where editors begin, and that those wait which would not by themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from paraductl.editing.editor import Spot, choose_editor
from paraductl.editing.review import first_error, invalid, show_problems
from paraductl.terminal.terminal import Terminal
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.config import ConfigProblem
from tests.commands.conftest import Tty


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "vim",
        "vi",
        "nvim",
        "nano",
        "emacs",
        "emacsclient",
        "code",
        "subl",
        "kate",
        "micro",
        "hx",
        "ed",
        "mine",
    ):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("editor", "end", "behind"),
    [
        ("vim", ("+5", "-c", "silent! normal! 7|"), ""),
        ("nvim", ("+5", "-c", "silent! normal! 7|"), ""),
        ("vi", ("+5",), ""),
        ("nano", ("+5,7",), ""),
        ("emacs -nw", ("-nw", "+5:7"), ""),
        ("emacsclient -t", ("-t", "+5:7"), ""),
        ("code --wait", ("--wait", "--goto"), ":5:7"),
        ("subl -w", ("-w",), ":5:7"),
        ("kate -b", ("-b", "--line", "5", "--column", "7"), ""),
        ("micro", ("+5:7",), ""),
        ("hx", ("hx",), ":5:7"),
        ("ed", ("ed",), ""),
        ("mine", ("mine",), ""),
    ],
)
def test_an_editor_begins_at_the_fault(
    programs: Path, monkeypatch: pytest.MonkeyPatch, editor: str, end: tuple[str, ...], behind: str
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    chosen = choose_editor(Spot(5, 7))
    command = tuple(word.removeprefix(f"{programs}/") for word in chosen.command)
    assert (command[-len(end) :], chosen.behind, chosen.remark) == (end, behind, "")
    assert choose_editor().behind == "" and not {"+5", "+5:7", "--goto"} & set(choose_editor().command)


@pytest.mark.parametrize(("editor", "option"), [("code", "--wait"), ("subl", "--wait"), ("kate", "--block")])
def test_an_editor_that_would_not_wait_is_told_to(
    programs: Path, monkeypatch: pytest.MonkeyPatch, editor: str, option: str
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    chosen = choose_editor()
    assert chosen.command == (str(programs / editor), option) and chosen.shared
    assert chosen.remark == f"{editor} gets {option}, because it would end before the text was edited"


def test_one_that_was_told_not_to_wait_is_refused(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "emacsclient -n")
    with pytest.raises(ParaduxError, match="ends before the text was edited"):
        choose_editor()


def test_errors_come_before_warnings_and_both_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [
        ConfigProblem(level, line, 2, "a", "message")
        for level, line in (("warning", 1), ("error", 3), ("warning", 4), ("error", 9))
    ]
    show_problems(Terminal(as_json=False), problems, "x.json")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines[:4]] == ["x.json:3:2", "x.json:9:2", "x.json:1:2", "x.json:4:2"]
    assert lines[4] == "2 errors, 2 warnings"
    plain = [{"level": each.level, "line": each.line, "column": each.column} for each in problems]
    assert first_error(plain) == Spot(3, 2) and first_error([{}]) == Spot()


def test_warnings_do_not_push_errors_off_a_small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [ConfigProblem("error", 3, 2, "a", "message"), *[ConfigProblem("warning", 9, 2, "b", "x " * 40)] * 3]
    monkeypatch.setenv("COLUMNS", "50")
    for rows, warned in (("12", 0), ("24", 3)):
        monkeypatch.setenv("LINES", rows)
        monkeypatch.setattr(sys, "stderr", shown := Tty())
        show_problems(Terminal(as_json=False), problems, "x.json")
        assert shown.getvalue().count("warning: b") == warned
        assert "x.json:3:2: error: a: message" in shown.getvalue()
        told = "1 error, 3 warnings" if warned else "1 error; shown once there is no error: 3 warnings"
        assert told in " ".join(shown.getvalue().split())


@pytest.mark.parametrize("width", [40, 50, 80])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_the_first_errors_stay_on_a_small_terminal_with_all_that_follows(
    monkeypatch: pytest.MonkeyPatch, width: int, count: int
) -> None:
    problems = [
        *[ConfigProblem("error", line, 2, "datasets.0.source", "x " * 40) for line in range(1, count + 1)],
        ConfigProblem("warning", 9, 2, "b", "y " * 40),
    ]
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "12")
    monkeypatch.setattr(sys, "stderr", screen := Tty())
    terminal = Terminal(as_json=False)
    show_problems(terminal, problems, "paradux.json")
    terminal.failure(invalid(problems).message, invalid(problems).hint)
    assert screen.getvalue().count("\n") < 12, "the question is on the last line"
    seen = " ".join(screen.getvalue().split())
    shown = seen.count(": error: ")
    assert seen.startswith("paradux.json:1:2: error: ") and 1 <= shown <= count
    assert (f"corrected: {count - shown} more" in seen) == (shown < count)
