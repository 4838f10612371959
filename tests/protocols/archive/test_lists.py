"""What says which runs there are: the list of the newest run, manifests that are written once, and the first format."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.effects.crypto import archive_crypto
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.manifests import StoredRuns
from paraduxd.protocols.base import PushRequest, PushResult
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from tests.protocols.archive import first_format
from tests.protocols.archive.rig import disk_case, new_keys


@pytest.fixture
def case(tmp_path: Path) -> DestinationCase:
    """A full run and two increments."""
    made = disk_case(tmp_path)
    samples.write_files(made.staging, 2, 1_000)
    for day in (1, 2, 3):
        push(made, day)
    return made


def push(case: DestinationCase, day: int, keep: Keep | None = None, **changes: bool) -> PushResult:
    """A version of that day, with a file of its own; space may be reclaimed."""
    (case.staging / f"{day}").write_text(f"made on day {day}")
    request = PushRequest(keep or Keep(), f"2026-01-{day:02}T12:00:00Z", case.destination().versions(), prune=True)
    return case.destination().push(case.staging, replace(request, **changes))


def store(case: DestinationCase) -> Path:
    return case.folder.parent / "store"


def described(case: DestinationCase, ending: str) -> dict[str, bytes]:
    """The objects that say what there is, by their names."""
    return {path.name: path.read_bytes() for path in sorted(store(case).glob(f"*.{ending}"))}


def newest_list(case: DestinationCase) -> Path:
    return max(store(case).glob("*.runs"))


def forget_all(case: DestinationCase) -> None:
    """A new machine."""
    for name in ("index", "cache"):
        shutil.rmtree(case.folder / name, ignore_errors=True)


def numbers(case: DestinationCase) -> list[str]:
    """Of the versions."""
    return [version.id[:6].lstrip("0") for version in case.destination().versions()]


def all_come_back(case: DestinationCase) -> list[str]:
    """The numbers of the versions; each has the files of its day and the days before."""
    for version in case.destination().versions():
        back, _ = case.restore(version)
        days = [int(name) for name in samples.contents(back) if name.isdecimal()]
        assert max(days) == int(version.time[8:10])
    return numbers(case)


def test_manifests_stay_as_they_are_and_there_are_two_lists(case: DestinationCase) -> None:
    before = described(case, "manifest")
    for day in (4, 5):
        push(case, day)
    after = described(case, "manifest")
    assert {name: after[name] for name in before} == before
    sizes = [len(content) for content in after.values()]
    assert max(sizes[1:]) - min(sizes[1:]) < 30, "the fifth manifest takes what the second did"
    assert [name[:6] for name in described(case, "runs")] == ["000004", "000005"]
    assert {path.name[:6] for path in (case.folder / "cache").rglob("*.runs")} == {"000004", "000005"}
    assert all_come_back(case) == ["1", "2", "3", "4", "5"]


def test_a_version_that_goes_changes_the_list_only(case: DestinationCase) -> None:
    before = described(case, "manifest")
    result = push(case, 4, Keep(last=2))
    assert len(result.versions) == 2
    after = described(case, "manifest")
    assert {name: after[name] for name in before} == before, "the increments build on them"
    forget_all(case)
    assert all_come_back(case) == ["3", "4"]
    assert case.destination().verify(deep=False).checked
    case.destination().prune(PushRequest(Keep(last=1), "2026-01-05T12:00:00Z"))
    assert described(case, "manifest") == after
    assert numbers(case) == ["4"]


def test_versions_that_go_get_the_newest_run_a_list(case: DestinationCase) -> None:
    """It was made while nothing could be removed."""
    push(case, 4, held=True)
    assert newest_list(case).name[:6] == "000003"
    case.destination().prune(PushRequest(Keep(last=1), "2026-01-05T12:00:00Z"))
    assert newest_list(case).name[:6] == "000004"
    forget_all(case)
    assert all_come_back(case) == ["4"]
    assert case.destination().verify(deep=False).damaged == case.destination().verify(deep=True).damaged == ()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-90])


def forge(path: Path) -> None:
    """Without the first run, signed by somebody else."""
    line = path.read_bytes().partition(b"\n")[0].replace(b"000001", b"000009") + b"\n"
    path.write_bytes(line + archive_crypto.sign(line, new_keys("mallory").signing_key) + b"\n")


def exchange(path: Path) -> None:
    """The manifest, which names fewer runs and is signed as well, in place of the list."""
    shutil.copy(path.with_suffix(".manifest"), path)


@pytest.mark.parametrize("damage", [Path.unlink, cut, forge, exchange], ids=lambda value: value.__name__)
def test_a_list_that_is_damaged_is_told_and_loses_no_version(
    case: DestinationCase, damage: Callable[[Path], None]
) -> None:
    path = newest_list(case)
    damage(path)
    for deep in (False, True):
        with pytest.raises(ParaduxError, match=path.name) as found:
            case.destination().verify(deep=deep)
        assert found.value.code == "damaged"
    forget_all(case)
    assert numbers(case) == ["1", "2", "3"]
    push(case, 4)
    assert numbers(case) == ["1", "2", "3", "4"]
    assert case.destination().verify(deep=False).damaged == ()


def test_an_older_list_beside_the_newest_manifest_is_not_used(case: DestinationCase) -> None:
    path = newest_list(case)
    before = path.read_bytes()
    push(case, 4)
    path = newest_list(case)
    path.write_bytes(before)
    forget_all(case)
    with pytest.raises(ParaduxError, match=path.name):
        case.destination().verify(deep=False)
    assert numbers(case) == ["1", "2", "3", "4"]


def test_a_list_is_no_manifest(case: DestinationCase) -> None:
    path = newest_list(case)
    shutil.copy(path, path.with_suffix(".manifest"))
    forget_all(case)
    assert numbers(case) == ["1", "2"]
    with pytest.raises(ParaduxError, match=path.with_suffix(".manifest").name):
        case.destination().verify(deep=False)


def test_without_the_list_versions_that_were_removed_do_not_come_back(case: DestinationCase) -> None:
    shutil.rmtree(case.folder / "index")
    push(case, 4)
    shutil.rmtree(case.folder / "index")
    push(case, 5, Keep(last=1))
    push(case, 6)
    for path in store(case).glob("*.runs"):
        path.unlink()
    forget_all(case)
    assert numbers(case) == ["5", "6"]


def test_who_reads_while_a_push_ends_finds_the_list(case: DestinationCase) -> None:
    """What was listed before the push is still there after it."""
    stored = StoredRuns(DiskBlobs(store(case)), new_keys(), None)
    push(case, 4)
    for newest in (stored.newest_of_list(), stored.newest()):
        assert newest
        assert (newest.run.number, len(newest.runs)) == (3, 2)


def test_archives_of_the_first_format_go_on(case: DestinationCase) -> None:
    first_format.rewrite(store(case))
    shutil.rmtree(case.folder / "cache")
    before = described(case, "manifest")
    assert case.destination().verify(deep=False).checked == 9
    assert numbers(case) == ["1", "2", "3"]
    result = push(case, 4)
    assert result.added_bytes < 5_000, "an increment on a run of the first format"
    assert {name: described(case, "manifest")[name] for name in before} == before
    forget_all(case)
    assert all_come_back(case) == ["1", "2", "3", "4"]
    assert case.destination().verify(deep=True).damaged == ()
    push(case, 5, Keep(last=1))
    assert all_come_back(case) == ["5"]
    assert [name[:6] for name in described(case, "manifest")] == ["000005"], (
        "a full run of a new machine: the rest goes"
    )


def test_versions_of_the_first_format_are_pruned_as_they_were(case: DestinationCase) -> None:
    first_format.rewrite(store(case))
    forget_all(case)
    case.destination().prune(PushRequest(Keep(last=2), "2026-01-05T12:00:00Z"))
    assert all_come_back(case) == ["2", "3"]
    assert case.destination().verify(deep=True).damaged == ()
    assert described(case, "runs") == {}


def test_a_list_of_a_run_that_was_never_complete_counts_for_nothing(case: DestinationCase) -> None:
    """A push was killed between the two."""
    push(case, 4)
    (path,) = store(case).glob("000004-*.manifest")
    path.unlink()
    assert numbers(case) == ["1", "2", "3"]
    push(case, 5)
    assert all_come_back(case) == ["1", "2", "3", "5"]
    assert [name[:6] for name in described(case, "runs")] == ["000005"], "the rest of it goes"


def test_what_a_newer_paradux_wrote_is_called_so(case: DestinationCase) -> None:
    (path,) = store(case).glob("000003-*.manifest")
    manifest = chain.from_line(path.read_bytes().partition(b"\n")[0] + b"\n")
    line = chain.to_line(replace(manifest, format="paradux-archive/3"))
    path.write_bytes(line + archive_crypto.sign(line, new_keys().signing_key) + b"\n")
    before = described(case, "manifest")
    forget_all(case)
    for action in (case.destination().versions, lambda: push(case, 4), lambda: case.destination().verify(deep=True)):
        with pytest.raises(
            ParaduxError, match=r"written by a newer Paradux \(its format is paradux-archive/3"
        ) as found:
            action()
        assert found.value.code == "newer-format"
    assert described(case, "manifest") == before, "nothing was touched"
