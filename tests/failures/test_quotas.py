"""A quota that is used up while an object is sent: said as such, in the words of each kind of service, and nothing is lost."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import BlobStore, PushRequest, TransientError
from paraduxd.protocols.restic.running import streams
from paraduxd.testing import samples
from tests.failures.stashes import STASHES
from tests.servers import ftp_servers, rclones, restic_servers
from tests.servers.quotas import Refusal, limited, s3_refusal

ALLOWED = 1_000_000
S3 = {
    "Ceph": s3_refusal(403, "QuotaExceeded"),
    "MinIO": s3_refusal(400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded"),
    "Backblaze": s3_refusal(403, "AccessDenied", "Cannot upload files, storage cap exceeded. See the Caps page."),
}
"""Services by what they say; that they do was taken from their sources, or from what their users report."""
FULL = Refusal(507, b"Insufficient Storage")


@contextlib.contextmanager
def _http(name: str, refusal: Refusal, folder: Path) -> Iterator[Callable[[], BlobStore]]:
    with STASHES[name](folder) as stash, limited(stash.port, ALLOWED, refusal) as port:
        yield lambda: stash.store(port=port)


@contextlib.contextmanager
def _ftp(secure: bool, cut: bool, folder: Path) -> Iterator[Callable[[], BlobStore]]:
    with ftp_servers.pyftpdlib(folder, secure, quota=ALLOWED, cut=cut) as server:
        yield server.store


SERVICES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Callable[[], BlobStore]]]] = {
    **{f"s3, {name}": lambda folder, said=said: _http("s3", said, folder) for name, said in S3.items()},
    "rclone-webdav": lambda folder: _http("rclone-webdav", FULL, folder),
    "ftp, at the end": lambda folder: _ftp(False, False, folder),
    "ftp, in the middle": lambda folder: _ftp(False, True, folder),
    "ftps, at the end": lambda folder: _ftp(True, False, folder),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
def test_what_is_too_much_is_refused_and_what_was_there_stays(name: str, tmp_path: Path) -> None:
    old = os.urandom(3000)
    with SERVICES[name](tmp_path / "stash") as new_store:
        new_store().put("object", io.BytesIO(old))
        with pytest.raises(TransientError) as full:
            new_store().put("object", io.BytesIO(os.urandom(4 * ALLOWED)))
        assert full.value.code == "disk-full"
        assert [(blob.name, blob.size) for blob in new_store().list()] == [("object", len(old))]
        assert b"".join(new_store().get("object")) == old
        new_store().put("object", io.BytesIO(b"newer"))
        assert b"".join(new_store().get("object")) == b"newer"


@contextlib.contextmanager
def _restic_s3(refusal: Refusal, folder: Path) -> Iterator[restic_servers.Backend]:
    (folder / "bucket").mkdir(parents=True)
    login = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}
    with rclones.s3(folder) as server, limited(server.port, ALLOWED, refusal) as port:
        yield restic_servers.Backend("s3", "http", port, login)


@contextlib.contextmanager
def _restic_rest(refusal: Refusal, folder: Path) -> Iterator[restic_servers.Backend]:
    options = (f"--user={restic_servers.ACCOUNT}", f"--pass={rclones.PASSWORD}")
    with rclones.serving("restic", folder, options) as server, limited(server.port, ALLOWED, refusal) as port:
        yield restic_servers.Backend("rest", "http", port, {"rest_password": rclones.PASSWORD})


REPOSITORIES: dict[str, Callable[[Path], contextlib.AbstractContextManager[restic_servers.Backend]]] = {
    **{f"s3, {name}": lambda folder, said=said: _restic_s3(said, folder) for name, said in S3.items()},
    "rest-server": lambda folder: _restic_rest(FULL, folder),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_keeps_its_versions(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_RETRIES", 1)
    staging = tmp_path / "staging"
    samples.write_files(staging, 2)
    request = PushRequest(Keep(), "2026-01-01T12:00:00Z")
    with REPOSITORIES[name](tmp_path / "server") as backend:
        first = backend.destination("r").push(staging, request).version
        before = samples.contents(staging)
        (staging / "big").write_bytes(os.urandom(4 * ALLOWED))
        with pytest.raises(TransientError) as full:
            backend.destination("r").push(staging, request)
        assert full.value.code == "disk-full"
        assert backend.destination("r").versions() == (first,)
        (tmp_path / "restored").mkdir()
        backend.destination("r").restore(first, tmp_path / "restored", ())
        assert samples.contents(tmp_path / "restored") == before
