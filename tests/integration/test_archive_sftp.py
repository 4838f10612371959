"""Encrypted archives on a real SFTP server: the shipped suite, cut connections, a full disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.archive import send
from paraduxd.protocols.base import BlobStore, Context, TransientError
from paraduxd.protocols.sftp import PROTOCOL, SftpSettings
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase, DestinationSuite
from tests.integration.sshd import Relay, Server
from tests.protocols.archive.rig import archive, case_on


def store(server: Server, path: Path, port: int | None = None) -> BlobStore:
    assert PROTOCOL.blobs
    plain = {"url": server.url("sftp", path, port), "credentials": {"private_key": server.private_key}}
    return PROTOCOL.blobs(
        SftpSettings.model_validate(plain), Context("photos", "friend", host_keys=server.pinned(port))
    )


@pytest.mark.slow
class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, sshd: Server, tmp_path: Path) -> DestinationCase:
        return case_on(lambda: store(sshd, tmp_path / "a" / "blo $(touch x) '\"*"), tmp_path / "scratch")


@pytest.fixture
def case(sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DestinationCase:
    monkeypatch.setattr(send, "PAUSES", (0.01, 0.01))
    return case_on(lambda: store(sshd, tmp_path / "store"), tmp_path / "scratch")


@pytest.mark.parametrize("allow", [300_000, 2_500_000, 5_000_000])
def test_a_cut_connection_is_taken_up_where_it_ended(
    case: DestinationCase, sshd: Server, tmp_path: Path, allow: int
) -> None:
    samples.write_files(case.staging, 14, 400_000)
    relay = Relay(sshd.port, allow)
    with pytest.raises(TransientError):
        archive(store(sshd, tmp_path / "store", relay.port), case.folder).push(case.staging, case.request())
    relay.close()
    assert case.destination().versions() == ()
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("*.0000?.gpg")}
    assert len(before) >= (allow - 500_000) // 1_100_000
    result = case.push()
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("*.0000?.gpg")}
    assert before.items() <= after.items(), "no volume was sent twice"
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_a_connection_that_is_cut_during_a_restore_leaves_nothing(
    case: DestinationCase, sshd: Server, tmp_path: Path
) -> None:
    samples.write_files(case.staging, 9, 400_000)
    version = case.push().version
    relay = Relay(sshd.port, 2_000_000)
    (tmp_path / "out").mkdir()
    with pytest.raises(TransientError):
        archive(store(sshd, tmp_path / "store", relay.port), case.folder).restore(version, tmp_path / "out", ())
    relay.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_server_leaves_the_versions_as_they_were(sshd: Server, tiny_disk: Path, tmp_path: Path) -> None:
    case = case_on(lambda: store(sshd, tiny_disk / "store"), tmp_path / "scratch")
    samples.write_files(case.staging, 1, 300_000)
    first = case.push().version
    before = samples.contents(case.staging)
    samples.write_files(case.staging / "more", 9, 400_000)
    with pytest.raises(TransientError) as failed:
        case.push()
    assert failed.value.code == "disk-full"
    assert case.destination().versions() == (first,)
    assert samples.contents(case.restore(first)[0]) == before
    for path in (case.staging / "more").iterdir():
        path.unlink()
    pruning = replace(case.request(), prune=True)
    result = case.destination().push(case.staging, pruning)
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_a_full_disk_at_the_restore_is_said(case: DestinationCase, tiny_disk: Path) -> None:
    samples.write_files(case.staging, 9, 400_000)
    version = case.push().version
    with pytest.raises(ParaduxError) as failed:
        case.destination().restore(version, tiny_disk, ())
    assert failed.value.code == "disk-full"
    assert list(tiny_disk.iterdir()) == []
