"""Patterns for paths."""

from __future__ import annotations

import fnmatch
import random

import pytest

from paraduxd.core.primitives import globs


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("*.txt", ["a.txt", ".txt"], ["a/b.txt", "a.txt2"]),
        ("**/*.txt", ["a.txt", "a/b.txt", "a/b/c.txt"], ["a.tx"]),
        ("a**b", ["ab", "a/x/b"], ["a/x/c"]),
        ("**a**b**c", ["abc", "x/a/b/y/c"], ["acb"]),
        ("l?tter[0-9]", ["letter1", "latter2"], ["letterx", "l/tter1"]),
        ("[!a]", ["b"], ["a", "/"]),
        ("[", ["["], ["a"]),
        ("a*b*/c*d", ["ab/cd", "axbbx/cxd"], ["ab/c/d", "b/cd"]),
    ],
)
def test_a_pattern_fits_what_a_shell_says(pattern: str, fitting: list[str], others: list[str]) -> None:
    expression = globs.compiled(pattern)
    assert [path for path in fitting + others if expression.fullmatch(path)] == fitting


def test_within_one_name_it_is_as_pythons_own() -> None:
    chance = random.Random(1)
    for _ in range(3000):
        pattern = "".join(chance.choices("ab*?", k=6))
        if "**" in pattern:
            continue
        text = "".join(chance.choices("ab", k=chance.randrange(8)))
        assert bool(globs.compiled(pattern).fullmatch(text)) == fnmatch.fnmatchcase(text, pattern), (pattern, text)


@pytest.mark.parametrize("star", ["*", "**"])
def test_many_stars_take_no_time(star: str) -> None:
    assert not globs.compiled(f"{star}a" * 60 + "b").fullmatch("a" * 250)
