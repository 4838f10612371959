"""Where hostile strings are tried: one entry per protocol, each a real place whose path is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.integration.sshd import Server
from tests.servers import ftp_servers, rclones
from tests.servers.ftp_servers import FtpServer
from tests.servers.restic_servers import Backend

Json = dict[str, Any]


@dataclass(frozen=True)
class Servers:
    """What runs on loopback, and the folder of this test. `stashes` is below it, and belongs to all places."""

    sshd: Server
    s3: Backend
    rest: Backend
    plain_s3: rclones.Served
    webdav: rclones.Served
    ftps: FtpServer
    folder: Path

    @property
    def stashes(self) -> Path:
        return self.folder / "stashes"


@dataclass(frozen=True)
class Place:
    """One stash: what the config says of it (`settings`), and what a worker gets besides. `archive`: as a blob store; `mounted`: where the
    worker has mounted it."""

    protocol: str
    settings: Json
    host_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    archive: bool = False
    mounted: str = ""

    def more(self) -> dict[str, Any]:
        """What a context gets besides."""
        return {"mounted": Path(self.mounted)} if self.mounted else {}


def _url(path: str) -> str:
    return quote(path, errors="surrogateescape")


def _ssh(scheme: str, servers: Servers, path: str) -> Json:
    url = servers.sshd.url(scheme, servers.stashes / path)
    return {"url": url, "credentials": {"private_key": servers.sshd.private_key}}


def _disk(servers: Servers, path: str) -> Place:
    return Place("disk", {"url": f"file://{_url(f'{servers.stashes}/{path}')}"})


def _disk_archive(servers: Servers, path: str) -> Place:
    return Place("disk", {"url": f"file://{_url(f'{servers.stashes}/{path}')}"}, archive=True)


def _rsync(servers: Servers, path: str) -> Place:
    return Place("rsync", _ssh("rsync+ssh", servers, path), servers.sshd.pinned())


def _sftp(servers: Servers, path: str) -> Place:
    return Place("sftp", _ssh("sftp", servers, path), servers.sshd.pinned(), archive=True)


def _restic(servers: Servers, path: str) -> Place:
    return Place("restic", {"repository": f"{servers.stashes}/{path}"})


def _restic_sftp(servers: Servers, path: str) -> Place:
    server = servers.sshd
    repository = f"sftp://{server.user}@127.0.0.1:{server.port}/{_url(f'{servers.stashes}/{path}')}"
    settings = {"repository": repository, "credentials": {"private_key": server.private_key}}
    return Place("restic", settings, server.pinned())


def _restic_http(backend: Backend, path: str) -> Place:
    settings = {"repository": backend.repository(path), "credentials": backend.credentials}
    return Place("restic", settings, {f"127.0.0.1:{backend.port}": backend.pins})


def _s3(servers: Servers, path: str) -> Place:
    login = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}
    endpoint = f"http://127.0.0.1:{servers.plain_s3.port}"
    settings = {"url": f"s3://bucket/{_url(path)}", "endpoint": endpoint, "credentials": login}
    return Place("s3", settings, archive=True)


def _rclone(servers: Servers, path: str) -> Place:
    options = {"type": "webdav", "url": f"http://127.0.0.1:{servers.webdav.port}", "user": rclones.USER}
    settings = {"url": f"rclone:dav:{_url(path)}", "options": {**options, "pass": rclones.PASSWORD}}
    return Place("rclone", settings, archive=True)


def _ftps(servers: Servers, path: str) -> Place:
    server = servers.ftps
    settings = {
        "url": f"ftps://{server.user}@127.0.0.1:{server.port}/{_url(path)}",
        "credentials": {"password": ftp_servers.PASSWORD},
    }
    return Place("ftps", settings, {f"127.0.0.1:{server.port}": server.pins}, archive=True)


def _removable(servers: Servers, path: str) -> Place:
    """The mount point is no string of the config, but may well be odd."""
    folder = servers.stashes / path
    folder.mkdir(parents=True, exist_ok=True)
    return Place("removable", {"uuid": "1234-ABCD"}, archive=True, mounted=str(folder))


PLACES: dict[str, Callable[[Servers, str], Place]] = {
    "disk": _disk,
    "disk-archive": _disk_archive,
    "rsync": _rsync,
    "sftp": _sftp,
    "restic": _restic,
    "restic-sftp": _restic_sftp,
    "restic-s3": lambda servers, path: _restic_http(servers.s3, path),
    "restic-rest": lambda servers, path: _restic_http(servers.rest, path),
    "ftps": _ftps,
    "s3": _s3,
    "rclone": _rclone,
    "removable": _removable,
}
"""A protocol that is added gets an entry."""
