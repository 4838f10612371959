"""What a remote does not let be read, over rclone: OpenSSH's sftp-server without the right to read everything, both versions of rclone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run
from paraduxd.effects.tools import rclone
from paraduxd.protocols.base import Context, HeldError
from paraduxd.protocols.pulling import set_aside
from paraduxd.protocols.rclone.protocol import PROTOCOL, RcloneSettings
from paraduxd.testing import samples
from paraduxd.testing.sources import SourceCase
from tests.integration.sshd import running
from tests.servers import rclones

SERVER = "/usr/lib/openssh/sftp-server"


@pytest.fixture(params=rclones.VERSIONS, autouse=True)
def version(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setattr(run, "PATH", rclones.path_with(request.param, tmp_path_factory))
    rclone.writes_beside.cache_clear()
    yield str(request.param)
    rclone.writes_beside.cache_clear()


@pytest.fixture
def case(tmp_path: Path) -> Iterator[SourceCase]:
    """A directory on a server on which nobody has the right to read everything."""
    folder, root, staging = tmp_path / "sshd", tmp_path / "source", tmp_path / "staging"
    for each in (folder, root, staging):
        each.mkdir()
    rights = "setpriv --inh-caps=-all --bounding-set=-all " if os.getuid() == 0 else ""
    with running(folder) as server:
        keys = folder / "authorized_keys"
        keys.write_text(f'command="{rights}{SERVER}" {keys.read_text()}')
        login = {"user": server.user, "key_pem": server.private_key.replace("\n", "\\n")}
        options = {"type": "sftp", "host": "127.0.0.1", "port": str(server.port), **login}
        settings = RcloneSettings.model_validate({"url": f"rclone:mine:{root}", "options": options})
        assert PROTOCOL.source
        source = PROTOCOL.source(settings, Context("photos", "source", host_keys=server.pinned()))
        yield SourceCase(source, root, staging)


def test_the_earlier_copy_of_what_cannot_be_read_stays_and_the_rest_is_pulled(case: SourceCase) -> None:
    case.first()
    before = samples.contents(case.staging)
    (case.root / "f01").write_text("changed, and closed")
    (case.root / "f01").chmod(0)
    (case.root / "f02").write_text("changed, and open")
    (case.root / "f03").unlink()
    (case.root / "new").write_text("closed")
    (case.root / "new").chmod(0)
    for _ in range(2):
        result = case.pull(known=20)
        assert (result.files, result.unread, result.unread_count) == (19, ("f01", "new"), 2)
        assert samples.contents(case.staging)["f01"] == before["f01"]
        assert (case.staging / "f02").read_text() == "changed, and open"
        assert not (case.staging / "f03").exists()
    (case.root / "f01").chmod(0o600)
    assert case.pull(known=19).unread == ("new",)
    assert (case.staging / "f01").read_text() == "changed, and closed"


def test_what_is_below_a_directory_that_cannot_be_listed_stays(case: SourceCase) -> None:
    samples.write_files(case.root, 10)
    samples.write_files(case.root / "private", 10)
    case.pull()
    (case.root / "private").chmod(0)
    (case.root / "f00").write_text("changed")
    result = case.pull(known=20)
    assert (result.files, result.removed, result.unread) == (20, 0, ("private",))
    assert (case.staging / "f00").read_text() == "changed"
    assert len(samples.files(case.staging / "private")) == 10
    (case.root / "private").chmod(0o700)


def test_a_source_of_which_nothing_can_be_read_is_a_failure(case: SourceCase) -> None:
    samples.write_files(case.root, 2)
    for path in case.root.iterdir():
        path.chmod(0)
    with pytest.raises(ParaduxError) as failed:
        case.pull()
    assert failed.value.code == "permission-denied"
    case.root.chmod(0)
    with pytest.raises((ParaduxError, HeldError)):
        case.pull(known=2)
    case.root.chmod(0o700)


def test_what_a_killed_pull_has_set_aside_comes_back(case: SourceCase) -> None:
    case.first()
    before = samples.contents(case.staging)
    beside = set_aside._beside(case.staging)
    (beside / "deep").mkdir(parents=True)
    (case.staging / "f01").rename(beside / "f01")
    (case.staging / "f02").rename(beside / "f02")
    (case.root / "f01").write_text("changed, and closed")
    (case.root / "f01").chmod(0)
    case.pull(known=20)
    assert samples.contents(case.staging) == before
    assert not beside.exists()
