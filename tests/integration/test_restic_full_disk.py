"""restic on a disk of 2 MB, here and behind an SFTP server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from paraduxd.core.plan import Keep
from paraduxd.protocols.base import Destination, PushRequest, TransientError
from paraduxd.testing import samples
from tests.contract import restic_rig
from tests.integration import test_restic_sftp
from tests.integration.sshd import Server


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
    push_too_much(restic_rig.destination, tiny_disk, tmp_path / "staging")


@pytest.mark.slow
def test_a_full_disk_of_a_server_keeps_what_is_there(sshd: Server, tiny_disk: Path, tmp_path: Path) -> None:
    push_too_much(lambda root: test_restic_sftp.destination(sshd, root), tiny_disk, tmp_path / "staging")


def test_a_full_disk_of_the_target_is_named(
    tiny_disk: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    written = restic_rig.written_copy(tmp_path_factory, tmp_path)
    (tiny_disk / "ballast").write_bytes(bytes(1_700_000))
    (tiny_disk / "out").mkdir()
    with pytest.raises(TransientError, match=str(tiny_disk / "out")) as failed:
        written.destination().restore(written.version, tiny_disk / "out", ())
    assert failed.value.code == "disk-full"
