"""The protocols `ftp` and `ftps` pass the shipped suite on real servers, and tell failures as what they are."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.tools import tls_pins
from paraduxd.protocols.base import Blob, TransientError
from paraduxd.protocols.ftp.blobs import TEMPORARY
from paraduxd.protocols.ftp.settings import FtpSettings
from paraduxd.protocols.ftps import FtpsSettings
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from tests.servers import ftp_servers
from tests.servers.ftp_servers import FtpServer
from tests.servers.restic_servers import certificate

KINDS = {
    "clear": ftp_servers.pyftpdlib,
    "tls": lambda folder: ftp_servers.pyftpdlib(folder, secure=True),
    "vsftpd": ftp_servers.vsftpd,
    "old": lambda folder: ftp_servers.pyftpdlib(folder, without="MLSD,MLST,RNTO-OVER", masquerade="192.0.2.1"),
}


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    with KINDS[request.param](tmp_path_factory.mktemp("ftp")) as served:
        yield served


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    with ftp_servers.pyftpdlib(tmp_path_factory.mktemp("secure"), secure=True) as served:
        yield served


class TestBlobs(BlobStoreSuite):
    temporary = TEMPORARY

    @pytest.fixture
    def make(self, server: FtpServer, tmp_path: Path) -> MakeStore:
        return lambda: server.store(f"{tmp_path.name}/%24(touch%20x)/%C3%A9%20'%22%60")


def test_nothing_temporary_stays(server: FtpServer) -> None:
    store = server.store("tidy")
    for data in (b"older", b"newer"):
        store.put("object", io.BytesIO(data))
    assert [file.name for file in (server.folder / "tidy").iterdir()] == ["object"]


def test_a_session_that_the_server_closed_is_opened_anew(tmp_path: Path) -> None:
    with ftp_servers.pyftpdlib(tmp_path / "idle", idle=1) as server:
        store = server.store()
        store.put("object", io.BytesIO(b"x"))
        time.sleep(2.5)
        assert store.list() == (Blob("object", 1),)


def test_a_wrong_password(secure: FtpServer) -> None:
    with pytest.raises(ParaduxError) as failed:
        secure.store(password="wrong").list()
    assert failed.value.code == "login-refused"
    assert "it says: 530 Authentication failed" in failed.value.message


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TransientError) as failed:
        FtpServer("ftp", 1, "fred", tmp_path).store().list()
    assert failed.value.code == "unreachable"


def test_a_certificate_that_nobody_vouches_for(secure: FtpServer) -> None:
    with pytest.raises(ParaduxError) as failed:
        secure.store(pins=()).list()
    assert failed.value.code == "certificate-unknown"
    assert "self-signed certificate" in failed.value.message


def test_a_changed_certificate_gets_neither_login_nor_data(secure: FtpServer, tmp_path: Path) -> None:
    _, _, other = certificate(tmp_path)
    with pytest.raises(ParaduxError) as failed:
        secure.store(pins=(other,)).put("object", io.BytesIO(b"x"))
    assert failed.value.code == "certificate-changed"


def test_a_certificate_is_shown_with_its_fingerprint(secure: FtpServer) -> None:
    shown = tls_pins.ask("127.0.0.1", secure.port, "ftp")
    assert shown == secure.pins[0]
    assert tls_pins.fingerprint(shown).startswith("SHA256:")
    assert "BEGIN CERTIFICATE" in tls_pins.ca_file([shown])


def test_a_server_without_tls_says_so(tmp_path: Path) -> None:
    with ftp_servers.pyftpdlib(tmp_path / "clear") as server, pytest.raises(ParaduxError) as failed:
        tls_pins.ask("127.0.0.1", server.port, "ftp")
    assert failed.value.code == "no-tls"


def test_addresses() -> None:
    it = FtpsSettings(url="ftps://fred@web.example/~/x%20y")
    assert (it.address().path, it.place(), it.tls_hosts()) == ("x y", "web.example", (("web.example", 21, "ftp"),))
    assert FtpSettings(url="ftp://fred@web.example:2121/x").tls_hosts() == ()


@pytest.mark.parametrize("url", ["ftp://u:p@h/x", "ftp://h/%0d%0aDELE", "ftp://h/%ff", "sftp://h/x", "ftp://h"])
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|must|password"):
        FtpSettings(url=url)
