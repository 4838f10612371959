"""Which files are restored, and what a comparison may conclude."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

import pytest

from paraduxd.core.recovery.drill_judgement import Sample
from paraduxd.worker.transfer.rehearsal_sample import Outcome, choose, compare, is_settled

LATER, EARLIER = time.time() + 86_400, time.time() - 1000
"""When a version was made: after everything in these tests, or before it."""


def write(root: Path, sizes: dict[str, int]) -> Path:
    for name, size in sizes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    return root


def names(root: Path, made: float, sample: Sample, seed: int = 1) -> set[str]:
    return {candidate.path for candidate in choose(root, made, sample, Random(seed))}


def test_small_trees_are_taken_whole_without_what_proves_nothing(tmp_path: Path) -> None:
    root = write(tmp_path, {"a": 1, "b/c": 2, "empty": 0, ".~paradux-partial~/half": 5, "näme\n\udcff": 3})
    (root / "link").symlink_to("a")
    (root / "to-nowhere").symlink_to("/nonexistent/x")
    os.mkfifo(root / "pipe")
    assert names(root, LATER, Sample(100, 1000)) == {"a", "b/c", "näme\n\udcff"}


def test_the_limits_hold_and_chance_decides(tmp_path: Path) -> None:
    root = write(tmp_path, {f"f{number}": 10 for number in range(200)})
    drawn = [names(root, LATER, Sample(5, 1000), seed) for seed in range(20)]
    assert {len(each) for each in drawn} == {5}
    assert len(set().union(*drawn)) > 50
    assert len(names(root, LATER, Sample(100, 70))) == 7


def test_what_does_not_fit_leaves_the_smallest(tmp_path: Path) -> None:
    root = write(tmp_path, {"large": 5000, "less": 3000})
    assert names(root, LATER, Sample(5, 1000)) == {"less"}
    assert names(write(tmp_path / "nothing", {"empty": 0}), LATER, Sample(5, 1000)) == set()
    assert names(tmp_path / "missing", LATER, Sample(5, 1000)) == set()


def test_what_was_not_touched_since_comes_first(tmp_path: Path) -> None:
    root = write(tmp_path, {f"f{number}": 10 for number in range(20)})
    made = max(path.stat().st_ctime for path in root.iterdir())
    for number in range(15):
        os.utime(root / f"f{number}", (made + 100, made + 100))
    assert names(root, made, Sample(5, 1000)) == {f"f{number}" for number in range(15, 20)}
    assert len(names(root, made, Sample(10, 1000))) == 10


@pytest.mark.parametrize(
    ("restored", "touched", "same_time", "outcome"),
    [
        (b"contents", "before", True, Outcome.SAME),
        (b"contents", "before", False, Outcome.SAME),
        (b"Contents", "before", True, Outcome.DIFFERENT),
        (b"Contents", "before", False, Outcome.DIFFERENT),
        (b"cut", "before", False, Outcome.DIFFERENT),
        (b"contents", "after", True, Outcome.SAME),
        (b"Contents", "after", True, Outcome.UNKNOWN),
        (b"contents", "after", False, Outcome.UNKNOWN),
        (b"cut", "after", True, Outcome.UNKNOWN),
    ],
)
def test_comparing(tmp_path: Path, restored: bytes, touched: str, same_time: bool, outcome: Outcome) -> None:
    staged, back = tmp_path / "staged", tmp_path / "back"
    staged.write_bytes(b"contents")
    back.write_bytes(restored)
    status = staged.stat()
    os.utime(back, ns=(status.st_atime_ns, status.st_mtime_ns if same_time else 0))
    assert compare(back, staged, LATER if touched == "before" else EARLIER) is outcome


def test_a_file_that_is_gone_from_staging_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "back").write_bytes(b"x")
    assert compare(tmp_path / "back", tmp_path / "gone", LATER) is Outcome.UNKNOWN


def test_what_stands_in_the_place_of_a_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would never answer; what opening a device does, nobody knows."""
    (tmp_path / "back").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("back")
    for name in ("pipe", "link"):
        assert compare(tmp_path / "back", tmp_path / name, LATER) is Outcome.UNKNOWN


def test_a_renamed_folder_is_no_missing_file(tmp_path: Path) -> None:
    write(tmp_path, {"folder/file": 1})
    now = time.time()
    assert is_settled(tmp_path, "folder/file", LATER)
    assert not is_settled(tmp_path, "folder/gone", LATER)
    os.utime(tmp_path / "folder", (now + 100, now + 100))
    assert not is_settled(tmp_path, "folder/file", now + 10)
