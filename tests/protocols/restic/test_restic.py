"""The protocol `restic` passes the shipped suite on real local repositories, and tells its failures apart."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import Context, PushRequest, TransientError, Version
from paraduxd.protocols.restic.destination import PROTOCOL
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase, DestinationSuite
from tests.protocols.restic.rig import (
    SECRET,
    Written,
    destination,
    destination_case,
    recorded,
    restic,
    settings,
    written_copy,
)


@pytest.fixture
def written(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Written:
    return written_copy(tmp_path_factory, tmp_path)


@pytest.mark.slow
class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, tmp_path: Path) -> DestinationCase:
        return destination_case(tmp_path / "new" / "re $(touch x)\"'*:[a]", tmp_path / "scratch")


def test_stock_restic_restores_a_version_with_the_password(written: Written, tmp_path: Path) -> None:
    restic(written.root, "restore", written.version.id, "--target", str(tmp_path / "out"))
    assert samples.contents(tmp_path / "out") == samples.contents(written.staging)


def test_a_push_of_the_usual_kind_is_one_restic_command(
    written: Written, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    known = written.push(index=index).versions
    commands = recorded(monkeypatch)
    result = written.push(day=3, keep=Keep(last=5), known_versions=known, index=index)
    assert [command[0] for command in commands] == ["backup"]
    assert result.versions == (*known, result.version)
    assert (result.version.files, result.version.bytes, result.version.time) == (2, 600_000, "2026-01-03T12:00:00Z")
    assert written.destination(index=index).versions() == result.versions


def test_what_others_have_done_meanwhile_is_seen(
    written: Written, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    known = written.push(index=index).versions
    elsewhere = written.push(known_versions=known).version
    commands = recorded(monkeypatch)
    result = written.push(day=3, known_versions=known, index=index)
    assert [command[0] for command in commands] == ["snapshots", "backup"]
    assert result.versions == (*known, elsewhere, result.version)
    assert (elsewhere.number, result.version.number) == (3, 4)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"of": "photos", "versions": [{"id": 1}]}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_memory_is_none(written: Written, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "restic.json").write_bytes(content)
    assert written.push(index=tmp_path).versions[0] == written.version


def test_prune_only_when_asked(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    (written.staging / "f00").write_bytes(b"small now")
    before = sum(path.stat().st_size for path in written.files("data"))
    commands = recorded(monkeypatch)
    result = written.push(keep=Keep(last=1))
    assert [command[0] for command in commands] == ["snapshots", "backup", "dump", "snapshots", "forget"]
    assert sum(path.stat().st_size for path in written.files("data")) >= before
    assert written.push(day=3, keep=Keep(last=1), known_versions=result.versions, prune=True).pruned
    assert sum(path.stat().st_size for path in written.files("data")) < before - 200_000
    written.destination().verify(deep=True)


def test_another_dataset_in_the_same_repository_keeps_its_versions(written: Written) -> None:
    other = destination(written.root, dataset="documents")
    result = other.push(written.staging, PushRequest(Keep(last=1), "2026-01-02T12:00:00Z"))
    assert result.versions == other.versions() == (result.version,)
    assert written.destination().versions() == (written.version,)


def test_a_version_that_is_not_there_is_no_empty_restore(written: Written, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ParaduxError, match="version") as failed:
        written.destination().restore(Version("deadbeef", written.version.time), tmp_path / "out", ())
    assert failed.value.code == "not-found"


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", "nul\0"])
def test_paths_outside_the_dataset_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ParaduxError) as failed:
        destination(tmp_path / "r").restore(Version("0" * 8, "2026-01-01T12:00:00Z"), tmp_path, [path])
    assert failed.value.code == "bad-path"


def test_a_wrong_password_is_told_and_not_repeated(written: Written) -> None:
    with pytest.raises(ParaduxError) as failed:
        destination(written.root, secret="canary-wrong").versions()
    assert failed.value.code == "wrong-repository-password"
    assert not isinstance(failed.value, TransientError)
    assert "canary" not in repr(failed.value.to_wire())


def test_no_password_at_all(tmp_path: Path) -> None:
    with pytest.raises(ParaduxError) as failed:
        destination(tmp_path / "r", secret="").versions()
    assert failed.value.code == "no-password"


def test_the_password_of_the_settings_comes_first(written: Written) -> None:
    assert PROTOCOL.destination
    it = PROTOCOL.destination(
        settings(str(written.root), password=SECRET), Context("photos", "cloud", secret="generated")
    )
    assert it.versions() == (written.version,)


@pytest.mark.slow
def test_the_password_is_in_no_command_line_and_no_environment(tmp_path: Path) -> None:
    samples.write_files(tmp_path / "staging", 30, 500_000)
    finished = threading.Event()
    seen: set[str] = set()
    watcher = threading.Thread(target=watch, args=(str(tmp_path / "repository").encode(), seen, finished))
    watcher.start()
    try:
        it = destination_case(tmp_path / "repository", tmp_path)
        it.push()
        it.push(keep=Keep(last=1))
        it.destination().verify(deep=False)
    finally:
        finished.set()
        watcher.join()
    assert {"init", "backup", "snapshots", "dump", "forget", "check"} <= seen
    assert not any(SECRET in text for text in seen)


def watch(marker: bytes, seen: set[str], finished: threading.Event) -> None:
    """Collect the arguments and environments of all processes that mention `marker`."""
    while not finished.is_set():
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (folder / "cmdline").read_bytes()
                if marker in line:
                    seen |= set(line.decode().split("\0")) | set((folder / "environ").read_text().split("\0"))
        time.sleep(0.02)


def test_a_cache_directory_is_used_when_there_is_one(written: Written, tmp_path: Path) -> None:
    assert destination(written.root, cache=tmp_path / "cache").versions() == (written.version,)
    assert any((tmp_path / "cache").iterdir())
