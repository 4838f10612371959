"""What patterns leave out, asked of rsync itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from paraduxd.core.primitives import rsync_patterns
from paraduxd.effects.tools import rsync
from paraduxd.effects.tools.rsync_complaints import unescaped

NAMES = ["a", "b", "ab", "a.o", "[a]", "a*", "a\\b", "a b", "ä", "-", "]"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three levels of folders and files with odd names."""
    root = tmp_path_factory.mktemp("tree")
    for first in NAMES:
        for second in ("a", "ab", "b", "[a]"):
            folder = root / first / second
            folder.mkdir(parents=True)
            for third in ("a", "a.o", "b"):
                (folder / third).touch()
        (root / first / "a.o").touch()
        (root / first / "link").symlink_to("a")
    return root


def by_rsync(root: Path, patterns: list[str]) -> set[bytes]:
    """What it takes."""
    with rsync.exclusions(patterns) as rules:
        command = ["rsync", "-rl", "--dry-run", "--out-format=%n", *rules.options, f"{root}/", f"{root}-empty/"]
        said = subprocess.run(command, stdin=rules.stdin, capture_output=True, check=True).stdout
    names = {unescaped(line).rstrip(b"/") for line in said.splitlines() if line != b"./"}
    return {name for name in names if not name.startswith(b"created directory")}


def by_us(root: Path, patterns: list[str]) -> set[bytes]:
    leaves_out = rsync_patterns.matcher(patterns)

    def taken(inner: bytes) -> Iterator[bytes]:
        for entry in os.scandir(os.fsencode(root) + b"/" + inner):
            path, is_folder = inner + entry.name, entry.is_dir(follow_symlinks=False)
            if not leaves_out(path, is_folder):
                yield path
                if is_folder:
                    yield from taken(path + b"/")

    return set(taken(b""))


@pytest.mark.parametrize(
    "pattern",
    [
        "a", "/a", "a/", "/a/", "a/b", "/a/b", "a/b/", "*", "/*", "*/", "*.o", "/*.o", "a/*.o", "**", "**.o", "**/a", "/**/a", "a**",
        "a/**", "/a/**", "a/***", "/a/***", "**/a/***", "a**b", "/a/**/a", "?", "a?b", "[ab]", "[!ab]", "[^a]", "[a-c]", "[]]", "[]a]",
        "[[:alpha:]]", "[[:nope:]]", "[a", "[", "\\[a\\]", "[a]", "[\\]]", "a\\b", "a\\\\b", "a*\\b", "a\\*", "ä", "[ä]", "a b", "-",
        "[--a]", "[[:punct:]]", "[![:alnum:]]",
        "/", "//", "a//", "//a", "a//b", "***", "*/a", "*/*/a", "/*/*/b", "b/a.o", "/**", "**/", "a\\", "*\\", "[b-a]", "[!b-a]",
    ],
)  # fmt: skip
def test_each_form(tree: Path, pattern: str) -> None:
    assert by_us(tree, [pattern]) == by_rsync(tree, [pattern])


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(some.lists(some.text(alphabet="ab.o*?[]/\\!-ä ", min_size=1, max_size=8), min_size=1, max_size=3))
def test_any_others(tree: Path, patterns: list[str]) -> None:
    assert by_us(tree, patterns) == by_rsync(tree, patterns)
