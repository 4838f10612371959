"""The protocol `restic` on a real SFTP server: the main promises, and what a bad day on the network looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import KEY_COPY, Context, Destination, PushRequest, TransientError
from paraduxd.protocols.restic.destination import PROTOCOL, ResticSettings
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from tests.integration.sshd import Relay, Server, make_key
from tests.servers.ports import free_port

HOSTILE = "re $(touch x) 'po\" *%41"
REQUEST = PushRequest(Keep(), "2026-01-01T12:00:00Z")

pytestmark = pytest.mark.slow


def destination(server: Server, root: Path, port: int | None = None, **more: Any) -> Destination:
    settings = ResticSettings.model_validate(
        {
            "repository": f"sftp://{server.user}@127.0.0.1:{port or server.port}/{_quoted(root)}",
            "credentials": {"private_key": more.pop("private_key", server.private_key)},
        }
    )
    assert PROTOCOL.destination
    context = {"dataset": "photos", "location": "friend", "host_keys": server.pinned(port), "secret": "restic password"}
    return PROTOCOL.destination(settings, Context(**{**context, **more}))


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25")


def case(server: Server, root: Path, folder: Path) -> DestinationCase:
    folder.mkdir(exist_ok=True)
    return DestinationCase(
        lambda progress: destination(server, root, progress=progress, index=folder / "index"), folder
    )


def test_push_restore_keep_and_verify(sshd: Server, tmp_path: Path) -> None:
    it = case(sshd, tmp_path / "new" / HOSTILE, tmp_path / "scratch")
    samples.write_sample(it.staging)
    first = it.push().version
    assert (tmp_path / "new" / HOSTILE / "config").is_file()
    (it.staging / "zero").write_text("changed")
    second = it.push(keep=Keep(last=1))
    assert second.versions == it.destination().versions() == (second.version,)
    assert first not in second.versions
    assert samples.snapshot(it.restore(second.version)[0]) == samples.snapshot(it.staging)
    assert it.destination().verify(deep=True).bytes > 0


def test_a_cut_connection_keeps_the_versions_and_the_next_push_heals(sshd: Server, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    it = case(sshd, root, tmp_path / "scratch")
    samples.write_files(it.staging, 3)
    first = it.push().version
    samples.write_files(it.staging / "more", 20, 500_000)
    relay = Relay(sshd.port, allow=2_000_000)
    with pytest.raises(TransientError) as lost:
        destination(sshd, root, relay.port).push(it.staging, it.request())
    relay.close()
    assert lost.value.code == "connection-lost"
    assert it.destination().versions() == (first,)
    result = it.push()
    assert samples.contents(it.restore(result.version)[0]) == samples.contents(it.staging)
    it.destination().verify(deep=False)


def test_nobody_listens(sshd: Server, tmp_path: Path) -> None:
    samples.write_files(tmp_path / "staging", 1)
    with pytest.raises(TransientError) as failed:
        destination(sshd, tmp_path / "repository", free_port()).push(tmp_path / "staging", REQUEST)
    assert failed.value.code == "unreachable"


def test_another_host_key_is_not_spoken_to(sshd: Server, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    with pytest.raises(ParaduxError) as failed:
        destination(sshd, tmp_path / "r", host_keys={f"127.0.0.1:{sshd.port}": (other,)}).versions()
    assert failed.value.code == "host-key-changed"


def test_a_refused_login(sshd: Server, tmp_path: Path) -> None:
    with pytest.raises(ParaduxError) as failed:
        destination(sshd, tmp_path / "r", private_key=make_key(tmp_path / "stranger")).versions()
    assert failed.value.code == "login-refused"


def test_a_repository_that_is_gone_is_not_made_anew(sshd: Server, tmp_path: Path) -> None:
    it = case(sshd, tmp_path / "repository", tmp_path / "scratch")
    samples.write_files(it.staging, 1)
    known = it.push().versions
    (tmp_path / "repository").rename(tmp_path / "away")
    with pytest.raises(TransientError) as failed:
        it.destination().push(it.staging, PushRequest(Keep(), REQUEST.now, known))
    assert failed.value.code == "not-mounted"
    assert it.destination().versions() == ()
    assert not (tmp_path / "repository").exists()


def test_a_key_that_was_lost_is_put_back(sshd: Server, tmp_path: Path) -> None:
    root, index = tmp_path / HOSTILE, tmp_path / "index"
    it = case(sshd, root, tmp_path / "scratch")
    samples.write_files(it.staging, 1)
    version = destination(sshd, root, index=index).push(it.staging, REQUEST).version
    (key,) = (root / "keys").iterdir()
    copied = (index / KEY_COPY).read_text()
    assert copied.encode() == key.read_bytes(), "byte for byte, although restic shows it otherwise"
    key.unlink()
    assert destination(sshd, root, key_file=copied).versions() == (version,)
    assert key.read_text() == copied
