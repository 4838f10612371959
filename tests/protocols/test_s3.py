"""The protocol `s3` passes the shipped suite on a real server, with the rclone of Debian and with that of PyPI."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run
from paraduxd.protocols.base import BlobStore, Context
from paraduxd.protocols.s3 import PROTOCOL, S3Settings
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from tests.servers import rclones
from tests.servers.rclones import Served
from tests.servers.restic_servers import certificate

CREDENTIALS = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket").mkdir()
    with rclones.s3(folder) as served:
        yield served


@pytest.fixture(params=rclones.VERSIONS, autouse=True)
def version(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(run, "PATH", rclones.path_with(request.param, tmp_path_factory))
    return str(request.param)


def store(port: int, **changes: Any) -> BlobStore:
    plain = {"url": "s3://bucket/a/b", "endpoint": f"http://127.0.0.1:{port}", "credentials": CREDENTIALS, **changes}
    assert PROTOCOL.blobs
    return PROTOCOL.blobs(S3Settings.model_validate(plain), Context("config", "cloud"))


class TestBlobs(BlobStoreSuite):
    @pytest.fixture
    def make(self, server: Served, tmp_path: Path) -> MakeStore:
        prefix = f"{tmp_path.name}-{abs(hash(tmp_path))}"
        return lambda: store(server.port, url=f"s3://bucket/{prefix}/%24(touch%20x)%20'%22%60%25n")


def test_a_pinned_certificate_is_trusted_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "s3" / "bucket").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    cert, key, pin = certificate(tmp_path)
    stranger = certificate(tmp_path / "other")[2]
    with rclones.s3(tmp_path / "s3", f"--cert={cert}", f"--key={key}") as served:
        plain = {"url": "s3://bucket/x", "endpoint": f"https://127.0.0.1:{served.port}", "credentials": CREDENTIALS}
        settings = S3Settings.model_validate(plain)
        assert settings.tls_hosts() == (("127.0.0.1", served.port, "tls"),)
        for pins, code in (((pin,), ""), ((), "certificate-unknown"), ((stranger,), "certificate-changed")):
            context = Context("config", "cloud", host_keys={f"127.0.0.1:{served.port}": pins} if pins else {})
            assert PROTOCOL.blobs
            blobs = PROTOCOL.blobs(settings, context)
            if not code:
                blobs.put("object", io.BytesIO(b"x"))
                continue
            with pytest.raises(ParaduxError) as failed:
                blobs.list()
            assert failed.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"url": "s3://"},
        {"url": "s3:///prefix"},
        {"url": "s3://-rf/x"},
        {"url": "s3://bucket/a/../b"},
        {"url": "s3://bucket/a%0Ab"},
        {"url": "s3://bucket/%ff"},
        {"url": "s3://bucket/a?b"},
        {"url": "s3://user:password@bucket/x"},
        {"endpoint": "ftp://host"},
        {"endpoint": "https://user:password@host"},
        {"endpoint": "https://host/bucket"},
        {"endpoint": "https://ho st"},
        {"endpoint": "https://host:0x"},
        {"region": "eu west"},
        {"addressing": "magic"},
        {"credentials": {"access_key_id": "x"}},
    ],
    ids=str,
)
def test_settings_that_are_refused(change: dict[str, Any], version: str) -> None:
    with pytest.raises(ValueError) as refused:
        store(1, **change)
    assert "password" not in str(refused.value)
