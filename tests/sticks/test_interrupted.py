"""Writing that is cut off, at every change that it makes to the stick: what lies there then, and whether it can be made good."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kits.kit_rig import write_kit
from tests.sticks.stick_folder import Folder

Kit = dict[str, bytes]
VOID = "the kit is void: its writing was cut off"


def left_behind(stick: Folder, tmp_path: Path, files: Kit, how: str) -> list[Folder]:
    """What is on the stick after each kill, and last of all after none."""
    before = tmp_path / "before"
    stick.path.rename(before)
    command = [sys.executable, "-m", "tests.sticks.kill_points", str(stick.path), str(before), how]
    order = stick.writing(files).to_json()
    subprocess.run(command, input=order, text=True, check=True, timeout=110)
    count = len(list(tmp_path.glob("stick-*")))
    assert count > len(files), "there are at least as many steps as files"
    return [replace(stick, path=tmp_path / f"stick-{number}") for number in range(count)]


@pytest.mark.parametrize("how", ["exchanging", "renaming"])
def test_a_rewrite_that_is_cut_off_never_takes_the_share_away(
    stick: Folder, tmp_path: Path, earlier: Kit, later: Kit, how: str
) -> None:
    write_kit(earlier, stick.path)
    states = left_behind(stick, tmp_path, later, how)
    found = [state.check() for state in states]
    whole = [each["serial"] for each in found if not each["problems"]]
    assert set(whole) == {7, 8}
    assert whole == sorted(whole), "the earlier kit until the later one takes its place"
    void = [each["problems"] for each in found if each["problems"]]
    assert void == ([[VOID]] if how == "renaming" else []), "and at one moment neither, where names cannot be exchanged"
    for state in states:
        assert state.read() in (earlier, later)


def test_a_first_writing_that_is_cut_off_is_void_until_it_is_whole(stick: Folder, tmp_path: Path, earlier: Kit) -> None:
    states = left_behind(stick, tmp_path, earlier, "exchanging")
    problems = [state.check()["problems"] for state in states]
    begun = next(number for number, state in enumerate(states) if any(state.path.iterdir()))
    assert problems[:begun] == [["there is no kit any more"]] * begun
    assert set(map(tuple, problems[begun:])) == {(VOID,), ()}
    assert problems[-1] == []
    assert sorted(problems[begun:], reverse=True) == problems[begun:], "void, then whole"


@pytest.mark.parametrize("how", ["exchanging", "renaming"])
def test_whatever_was_left_the_same_stick_is_made_good_by_writing_again(
    stick: Folder, tmp_path: Path, earlier: Kit, later: Kit, how: str
) -> None:
    write_kit(earlier, stick.path)
    for state in left_behind(stick, tmp_path, later, how):
        state.write(later)
        assert state.contents() == {f"PARADUX/{name}": data for name, data in later.items()}


def test_writing_again_over_the_moment_without_a_kit_loses_no_share(
    stick: Folder, tmp_path: Path, earlier: Kit, later: Kit
) -> None:
    """The earlier kit has been put aside, the later one has not come; then the next attempt is cut off as well."""
    write_kit(earlier, stick.path)
    (stick.path / "PARADUX").rename(stick.path / "PARADUX.old")
    for state in left_behind(stick, tmp_path, later, "renaming"):
        assert state.read() in (earlier, later)
        assert state.check()["problems"] in ([VOID], [])


def test_a_first_writing_that_is_cut_off_is_made_good_by_writing_again(
    stick: Folder, tmp_path: Path, earlier: Kit
) -> None:
    for number, state in enumerate(left_behind(stick, tmp_path, earlier, "exchanging")):
        known = bool(state.look()["seen"]["has_kit_folder"]) and not state.look()["seen"]["new"]
        state.write(earlier, known=known)
        assert state.check()["problems"] == [], number
