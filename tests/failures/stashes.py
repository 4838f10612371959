"""The blob stores of all protocols on real servers on loopback, in one shape: reached rightly, wrongly, through a relay, or damaged."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.effects.tools import ssh
from paraduxd.protocols import registry
from paraduxd.protocols.base import BlobStore, Context
from tests.integration import sshd
from tests.servers import ftp_servers, rclones

NOWHERE = "no-such-host.invalid"


@dataclass(frozen=True)
class Reach:
    """How a store is reached: `port` of a relay in place of the server's own, another `host`, `wrong` credentials."""

    port: int | None = None
    host: str = "127.0.0.1"
    wrong: bool = False


@dataclass(frozen=True)
class Stash:
    """A running server. `folder` is where its objects lie on this machine; `port` is 0 where there is no server to reach.

    `die` ends the server in the middle of anything, where a relay cannot cut what passes (the data channels of FTP).
    """

    folder: Path
    port: int
    make: Callable[[Reach], BlobStore]
    die: Callable[[], None] | None = None

    def store(self, **how: int | str | bool) -> BlobStore:
        """A store that was not used yet; see `Reach`."""
        return self.make(replace(Reach(), **how))  # type: ignore[arg-type]


def _store(protocol: str, settings: Mapping[str, object], context: Context) -> BlobStore:
    found = registry.find(protocol)
    checked: ProtocolSettings = found.settings.model_validate(settings)
    assert found.blobs
    return found.blobs(checked, context)


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[Stash]:
    yield Stash(folder / "x", 0, lambda _: _store("disk", {"url": (folder / "x").as_uri()}, Context("config", "stash")))


@contextlib.contextmanager
def _removable(folder: Path) -> Iterator[Stash]:
    context = Context("config", "stash", mounted=folder, posix=False)
    yield Stash(
        folder / "paradux-backup/config/stash", 0, lambda _: _store("removable", {"uuid": "1234-ABCD"}, context)
    )


@contextlib.contextmanager
def _sftp(folder: Path) -> Iterator[Stash]:
    (keys := folder.parent / f"{folder.name}-keys").mkdir()
    with sshd.running(keys) as server:

        def make(how: Reach) -> BlobStore:
            port = how.port or server.port
            login = {"password": "wrong"} if how.wrong else {"private_key": server.private_key}
            url = f"sftp://{server.user}@{how.host}:{port}{folder}/x"
            return _store("sftp", {"url": url, "credentials": login}, _knowing(how.host, port, server.host_keys))

        yield Stash(folder / "x", server.port, make)


@contextlib.contextmanager
def _ftp(folder: Path, secure: bool = False) -> Iterator[Stash]:
    with ftp_servers.pyftpdlib(folder, secure) as server:

        def make(how: Reach) -> BlobStore:
            there = replace(server, port=how.port or server.port, host=how.host)
            return there.store("x", "wrong" if how.wrong else ftp_servers.PASSWORD)

        yield Stash(server.folder / "x", server.port, make, server.die)


@contextlib.contextmanager
def _vsftpd(folder: Path) -> Iterator[Stash]:
    with ftp_servers.vsftpd(folder) as server:
        yield Stash(server.folder / "x", server.port, lambda _: server.store("x"))


@contextlib.contextmanager
def _s3(folder: Path) -> Iterator[Stash]:
    (folder / "bucket" / "x").mkdir(parents=True)
    with rclones.s3(folder) as server:

        def make(how: Reach) -> BlobStore:
            keys = {"access_key_id": rclones.KEY, "secret_access_key": "wrong" if how.wrong else rclones.SECRET}
            endpoint = f"http://{how.host}:{how.port or server.port}"
            settings = {"url": "s3://bucket/x", "endpoint": endpoint, "credentials": keys}
            return _store("s3", settings, Context("config", "stash"))

        yield Stash(folder / "bucket" / "x", server.port, make)


@contextlib.contextmanager
def _rclone(folder: Path, kind: str) -> Iterator[Stash]:
    with {"webdav": rclones.webdav, "sftp": rclones.sftp}[kind](folder) as server:
        keys = ssh.scan_host_keys("127.0.0.1", server.port) if kind == "sftp" else ()

        def make(how: Reach) -> BlobStore:
            port = how.port or server.port
            login = {"user": rclones.USER, "pass": "wrong" if how.wrong else rclones.PASSWORD}
            options = {
                "webdav": {"url": f"http://{how.host}:{port}", "vendor": "other"},
                "sftp": {"host": how.host, "port": str(port)},
            }[kind]
            settings = {"url": "rclone:mine:x", "options": {"type": kind, **options, **login}}
            return _store("rclone", settings, _knowing(how.host, port, keys))

        yield Stash(folder / "x", server.port, make)


def _knowing(host: str, port: int, keys: tuple[str, ...]) -> Context:
    return Context("config", "stash", host_keys={f"{host}:{port}": keys})


STASHES: Mapping[str, Callable[[Path], contextlib.AbstractContextManager[Stash]]] = {
    "disk": _disk,
    "removable": _removable,
    "sftp": _sftp,
    "ftp": _ftp,
    "ftps": lambda folder: _ftp(folder, secure=True),
    "ftps-vsftpd": _vsftpd,
    "s3": _s3,
    "rclone-webdav": lambda folder: _rclone(folder, "webdav"),
    "rclone-sftp": lambda folder: _rclone(folder, "sftp"),
}
"""By name: a function that starts the server with everything that it keeps below a folder."""

REACHED = tuple(name for name in STASHES if name not in {"disk", "removable", "ftps-vsftpd"})
"""Those with a server that wants a login (vsftpd knows the users of the machine only)."""
