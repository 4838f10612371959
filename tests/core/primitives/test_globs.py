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


PATHS = (
    "letters/Brief.txt",
    "a/b/c.jpg",
    "a[b].TXT",
    "x]y",
    "2019/summer/IMG_1.jpg",
    "K",
    "/",
    "deep/er/and/deeper/still.tar.gz",
    "[abc",
    "!x",
)
PATTERNS = (
    "brief",
    "B*f.TXT",
    "2019/**/*.jpg",
    "a[[]b].txt",
    "x]y",
    "[abc",
    "[!a]/*",
    "*",
    "?",
    "**",
    "a/**/c*",
    "k",
    "K",
    "/",
    "a/b/",
    "!x",
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_a_pattern_surely_contains_is_in_every_ascii_path_that_it_means(pattern: str) -> None:
    is_meant = globs.finder(pattern)
    assert all(globs.contained(pattern) in path.lower() for path in PATHS if is_meant(path))


def test_the_longest_text_is_taken() -> None:
    assert [globs.contained(each) for each in ("2019/**/*.JPG", "a[bc]def", "*", "\u212a*", "\u00c4rger")] == [
        "2019/",
        "def",
        "",
        "k",
        "rger",
    ]


@pytest.mark.parametrize("name", ["a[b].txt", "what?.txt", "*star", "letters/a[b].txt"])
def test_a_name_that_looks_like_a_pattern_is_found_by_itself(name: str) -> None:
    assert globs.finder(name)(name) and globs.finder(name.upper())(f"x/{name}" if "/" not in name else name)
    assert globs.contained(name) in name
