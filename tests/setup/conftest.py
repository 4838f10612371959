"""One daemon for all tests here, which is not set up until one of them does so; servers on loopback, started when they are first needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration import sshd as ssh_server
from tests.rig import Installation, running
from tests.servers import ftp_servers, rclones


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A daemon without a config."""
    with running(tmp_path_factory.mktemp("setup")) as installation:
        yield installation


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssh_server.Server]:
    with ssh_server.running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="module")
def ftps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ftp_servers.FtpServer]:
    with ftp_servers.pyftpdlib(tmp_path_factory.mktemp("ftps"), secure=True) as server:
        yield server


@pytest.fixture(scope="module")
def ftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ftp_servers.FtpServer]:
    with ftp_servers.pyftpdlib(tmp_path_factory.mktemp("ftp")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rclones.Served]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket").mkdir()
    with rclones.s3(folder) as server:
        yield server


@pytest.fixture(scope="module")
def webdav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rclones.Served]:
    with rclones.webdav(tmp_path_factory.mktemp("webdav")) as server:
        yield server
