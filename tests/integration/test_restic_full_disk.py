"""restic on a disk of 2 MB, here and behind an SFTP server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import Destination, PushRequest, PushResult, TransientError, Version
from paraduxd.testing import samples
from tests.integration import test_restic_sftp
from tests.integration.sshd import Server
from tests.protocols.restic import rig


def push_too_much(make: Callable[[Path], Destination], disk: Path, staging: Path) -> None:
    it = make(disk / "repository")
    samples.write_files(staging, 2)
    first = it.push(staging, PushRequest(Keep(), "2026-01-01T12:00:00Z"))
    samples.write_files(staging / "more", 4, 1_000_000)
    with pytest.raises(TransientError) as failed:
        it.push(staging, PushRequest(Keep(), "2026-01-02T12:00:00Z", first.versions))
    assert failed.value.code == "disk-full"
    assert it.versions() == first.versions
    for path in (staging / "more").iterdir():
        path.write_text("small")
    healed = it.push(staging, PushRequest(Keep(), "2026-01-03T12:00:00Z", first.versions))
    assert it.versions() == healed.versions
    assert len(healed.versions) == 2


@pytest.mark.slow
def test_a_full_disk_keeps_what_is_there(tiny_disk: Path, tmp_path: Path) -> None:
    push_too_much(rig.destination, tiny_disk, tmp_path / "staging")


@pytest.mark.slow
def test_a_full_disk_of_a_server_keeps_what_is_there(sshd: Server, tiny_disk: Path, tmp_path: Path) -> None:
    push_too_much(lambda root: test_restic_sftp.destination(sshd, root), tiny_disk, tmp_path / "staging")


def fill_twice(disk: Path, staging: Path) -> tuple[Destination, PushResult]:
    """Two versions that leave no room for what is in staging then."""
    it = rig.destination(disk / "repository")
    known: tuple[Version, ...] = ()
    for day in (1, 2):
        samples.write_files(staging, 2, 300_000)
        result = it.push(staging, PushRequest(Keep(), f"2026-01-0{day}T12:00:00Z", known))
        known = result.versions
    samples.write_files(staging, 2, 450_000)
    return it, result


@pytest.mark.slow
def test_old_versions_make_room_for_a_new_one(tiny_disk: Path, tmp_path: Path) -> None:
    it, before = fill_twice(tiny_disk, tmp_path / "staging")
    request = PushRequest(Keep(last=1), "2026-01-03T12:00:00Z", before.versions)
    result = it.push(tmp_path / "staging", request)
    assert [gone.id for gone in result.removed] == [version.id for version in before.versions]
    assert it.versions() == result.versions == (result.version,)
    assert it.verify(deep=True).checked > 0


@pytest.mark.slow
@pytest.mark.parametrize("why", [{"grace": 7 * 86_400}, {"protected_until": "2026-01-08T12:00:00Z"}])
def test_versions_that_are_protected_make_no_room_and_that_is_said(
    tiny_disk: Path, tmp_path: Path, why: dict[str, Any]
) -> None:
    it, before = fill_twice(tiny_disk, tmp_path / "staging")
    request = PushRequest(Keep(last=1), "2026-01-03T12:00:00Z", before.versions, **why)
    with pytest.raises(TransientError, match="protected until 2026-01-08T12:00:00Z") as failed:
        it.push(tmp_path / "staging", request)
    assert (failed.value.code, it.versions()) == ("disk-full", before.versions)
    assert "paraductl prune photos --destination cloud" in failed.value.hint
    it.prune(PushRequest(Keep(last=1), request.now, before.versions))
    assert it.push(tmp_path / "staging", request).versions[0] == before.version


def test_a_full_disk_of_the_target_is_named(
    tiny_disk: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    written = rig.written_copy(tmp_path_factory, tmp_path)
    (tiny_disk / "ballast").write_bytes(bytes(1_700_000))
    (tiny_disk / "out").mkdir()
    with pytest.raises(TransientError, match=str(tiny_disk / "out")) as failed:
        written.destination().restore(written.version, tiny_disk / "out", ())
    assert failed.value.code == "disk-full"
