"""`python -m paraduxd.keeper.check`: what `paraductl check` runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from config_samples import SHAPES, family, text_of

from paraduxd.keeper.check import check_bytes

EXAMPLES = Path(__file__).parent.parent.parent / "schema" / "examples"


def run_check(data: bytes) -> tuple[int, dict]:
    """Exit code and answer of the command."""
    command = [sys.executable, "-m", "paraduxd.keeper.check"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("name", ["family", "answers"])
def test_a_good_file(name: str) -> None:
    code, answer = run_check((EXAMPLES / f"{name}.json").read_bytes())
    assert (code, answer["valid"]) == (0, True)


def test_a_bad_file() -> None:
    code, answer = run_check((EXAMPLES / "invalid" / "unknown-key.json").read_bytes())
    assert (code, answer["valid"]) == (5, False)
    assert answer["problems"] == [
        {
            "level": "error",
            "line": 30,
            "column": 11,
            "path": "datasets[0].destinations[0].evry",
            "message": 'unknown key "evry"',
            "hint": "did you mean every?",
        }
    ]


def test_bytes_that_are_no_text_are_refused_where_they_stand() -> None:
    checked = check_bytes(b'{\n  "\xc3\xa4": "\xff"}', SHAPES)
    assert not checked.valid
    assert [str(problem) for problem in checked.problems] == ["2:9 document: expected UTF-8 text"]


def test_an_endless_file_is_refused() -> None:
    checked = check_bytes(b" " * (8 * 1024 * 1024 + 1), SHAPES)
    assert [problem.message for problem in checked.problems] == ["expected at most 8 MiB"]


def test_a_saved_config_is_checked_as_one() -> None:
    assert check_bytes(text_of(family()).encode(), SHAPES).config is not None
