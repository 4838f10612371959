"""`python -m paraduxd.keeper.config.check_command`: what `paraductl check` runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from paraduxd.keeper.config.check_command import check_bytes
from tests.checkout import ROOT
from tests.core.config.samples import SHAPES, family, text_of

EXAMPLES = ROOT / "schema" / "examples"


def run_check(data: bytes) -> tuple[int, dict]:
    """Exit code and answer of the command."""
    command = [sys.executable, "-m", "paraduxd.keeper.config.check_command"]
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
