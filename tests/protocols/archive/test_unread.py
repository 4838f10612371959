"""What tar cannot read is missing in the version, and said; everything else is pushed."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.tools import tar
from paraduxd.protocols.base import PushRequest
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from tests.protocols.archive.rig import archive, disk_case

NOBODY = 65534
HOSTILE = (b"a\nnewline", b"back\\slash", b"not \xff utf-8", b"x: Cannot open: y", b"-dash", "gr\u00fcn".encode())

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="somebody else's files are needed")


@pytest.fixture(scope="module")
def everything_loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody may not be able to read where Python lies: whatever is imported late is imported here."""
    case = disk_case(tmp_path_factory.mktemp("loaded"))
    samples.write_files(case.staging, 1)
    case.restore(case.push().version)


@pytest.fixture
def case(everything_loaded: None) -> Iterator[DestinationCase]:
    """Everything belongs to nobody, so that pushes can be made by them; what is locked opens to root only."""
    folder = Path(tempfile.mkdtemp(prefix="paradux-test-"))

    def make(progress: Callable[[Progress], None]) -> object:
        return archive(DiskBlobs(folder / "store"), folder, progress)

    made = DestinationCase(make, folder)  # type: ignore[arg-type]
    samples.write_files(made.staging, 4)
    (made.staging / "locked").mkdir()
    (made.staging / "locked" / "inside").write_text("unseen")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    yield made
    shutil.rmtree(folder)


def lock(*paths: Path) -> None:
    for path in paths:
        path.chmod(0)


def as_nobody(work: Callable[[], object]) -> object:
    """Do it without the power to read everything; gives what it gives, raises what it raises."""
    reader, writer = multiprocessing.Pipe(duplex=False)

    def child() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE: /proc/self is ours again
        try:
            writer.send(work())
        except ParaduxError as problem:
            writer.send((problem.code, problem.message))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    writer.close()
    found = reader.recv()
    process.join()
    if isinstance(found, tuple):
        raise ParaduxError(*found)
    return found


def push_as_nobody(case: DestinationCase, request: PushRequest | None = None) -> list[object]:
    """[missing, the names that are told, files]."""
    given = request or case.request()

    def push() -> list[object]:
        result = case.destination().push(case.staging, given)
        return [result.version.missing, list(result.unread), result.version.files]

    found = as_nobody(push)
    assert isinstance(found, list)
    return found


def test_the_rest_is_pushed_and_what_is_missing_is_told(case: DestinationCase) -> None:
    """It was "incomplete: not everything could be read", and no version at all."""
    lock(case.staging / "f01", case.staging / "locked")
    assert push_as_nobody(case) == [2, ["f01", "locked"], 3]
    (version,) = case.destination().versions()
    assert version.missing == 2
    to, restored = case.restore(version)
    assert samples.files(to) == ["f00", "f02", "f03"]
    assert restored.files == 3
    assert case.destination().verify(deep=True).checked
    for wanted in ("f01", "locked/inside"):
        with pytest.raises(ParaduxError, match="could not be read when this version was made") as missing:
            case.restore(version, wanted)
        assert missing.value.code == "not-found"


def test_names_are_nowhere_in_clear(case: DestinationCase) -> None:
    locked = case.staging / "a name that no hash has"
    locked.write_bytes(b"1")
    lock(locked)
    push_as_nobody(case)
    for path in (case.folder / "store").iterdir():
        assert locked.name.encode() not in path.read_bytes()


def test_what_can_be_read_again_is_in_the_next_version_although_it_has_not_changed(case: DestinationCase) -> None:
    """tar's snapshot file takes for granted that what it lists was packed."""
    lock(case.staging / "f01", case.staging / "locked")
    push_as_nobody(case)
    assert push_as_nobody(case)[:2] == [2, ["f01", "locked"]], "still"
    result = case.push()
    assert (result.version.missing, result.unread) == (0, ())
    assert result.added_bytes < 100_000, "an increment"
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_names_of_any_kind(case: DestinationCase) -> None:
    for name in HOSTILE:
        path = os.fsencode(case.staging) + b"/" + name
        Path(os.fsdecode(path)).write_text("unseen")
        os.chown(path, NOBODY, NOBODY)
        lock(Path(os.fsdecode(path)))
    missing, told, _ = push_as_nobody(case)
    assert missing == len(HOSTILE)
    assert isinstance(told, list)
    assert {os.fsencode(name) for name in told} == set(HOSTILE)
    result = case.push()
    assert result.version.missing == 0
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_more_than_can_be_told(case: DestinationCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MOST_UNREAD", 3)
    lock(*(case.staging / f"f0{number}" for number in range(4)))
    assert push_as_nobody(case)[0] != 0
    result = case.push()
    assert result.version.missing == 0
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_what_the_pull_could_not_read_counts_as_well(case: DestinationCase) -> None:
    lock(case.staging / "f01")
    request = PushRequest(Keep(), "2026-01-01T12:00:00Z", unread=("far/away",), unread_count=5)
    assert push_as_nobody(case, request)[:2] == [6, ["far/away", "f01"]]


def test_a_staging_that_cannot_be_read_at_all_is_no_version(case: DestinationCase) -> None:
    case.staging.chmod(0)
    with pytest.raises(ParaduxError, match="Cannot open: Permission denied") as failed:
        as_nobody(lambda: case.destination().push(case.staging, PushRequest(Keep(), "2026-01-01T12:00:00Z")))
    assert failed.value.code == "archive-failed"
    assert case.destination().versions() == ()


def test_a_file_that_is_cut_off_in_the_middle_is_not_restored(
    case: DestinationCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The disk of staging has a bad sector: simulated by a tar that says so. Real ones put zeros in place of what they cannot read."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "tar"
    fake.write_text(
        '#!/bin/sh\ncase "$*" in *--create*) ;; *) exec /usr/bin/tar "$@";; esac\n'
        '/usr/bin/tar "$@"\n'
        'echo "tar: ./f03: Read error at byte 0, while reading 512 bytes: Input/output error" >&2\n'
        'echo "tar: Exiting with failure status due to previous errors" >&2\nexit 2\n'
    )
    fake.chmod(0o755)
    monkeypatch.setattr("paraduxd.effects.process.run.PATH", f"{folder}:/usr/bin:/bin")
    result = case.push()
    assert (result.version.missing, result.unread) == (1, ("f03",))
    assert "f03" not in samples.files(case.restore(result.version)[0])
