"""The tutorial does what it says, and its commands print what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents import tutorial

WEAK = {"BASH_FUNC_paraduxd%%": '() { exec paraduxd --weak-kdf-for-tests "$@"; }'}
"""With `exec` the daemon has the number that `$!` tells, so that the tutorial's `kill` ends it, and not a shell that waits for it."""
_WEAK_WARNING = re.compile(r"^  warning +each guess.*?will do\)\n", re.MULTILINE | re.DOTALL)
_AGE = re.compile(r"just now|a moment|in 0 \w+|0 (s|min|minutes?|h|hours?)\b( ago)?")


def shape(output: str) -> set[str]:
    """The words, however they are wrapped, without what is different each time: figures, ages, names of versions and of stewards."""
    text = re.sub(r"\b[0-9a-f]{8}\b|[0-9.]+", "0", _WEAK_WARNING.sub("", output))
    text = re.sub(r"\b(alice|bob|carol)\b", "NAME", text)
    text = re.sub(r"\bunlocked\b", "locked", text)  # the authorized time may be over on a slow machine
    return set(re.sub(r"[,:]", " ", _AGE.sub("AGE", re.sub(r"\s+", " ", text))).split()) - {"AGE", "bytes", "KiB"}


@pytest.mark.timeout(500)
def test_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    page = tutorial.PAGE.read_text()
    shown = tutorial.steps(page)
    ran = tutorial.run([step.command for step in shown], tutorial.answers(page), tmp_path, WEAK)
    assert [step.command for step in ran] == [step.command for step in shown], ran[-1].output
    for told, step in zip(shown, ran, strict=True):
        assert shape(step.output) == shape(told.output), f"{step.command}\n{step.output}"
    assert not (tmp_path / "paradux-tutorial").exists()


def test_a_changed_sentence_is_noticed() -> None:
    assert shape("letters: pulled: 2 files, 96 bytes") == shape("letters: pulled: 3 files, 1 KiB")
    assert shape("letters: pulled: 2 files") != shape("letters: fetched: 2 files")
