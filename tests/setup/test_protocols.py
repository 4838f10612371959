"""Every shipped protocol, from the first question at a real terminal to a config that the daemon accepts, against real servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from paraduxd.protocols import registry
from tests.integration import sshd as ssh_server
from tests.rig import Installation
from tests.servers import ftp_servers, rclones
from tests.setup.at_terminal import WHO, AtSetup, Said

Case = Callable[["Servers"], list[Said]]


class Servers:
    """What the answers are about: servers by fixture, folders and keys of one test."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request = request
        self.folder = folder
        self.source = folder / "source"
        self.source.mkdir()
        (self.source / "a").write_text("a\n")

    @property
    def sshd(self) -> ssh_server.Server:
        found: ssh_server.Server = self._request.getfixturevalue("sshd")
        return found

    @property
    def key(self) -> str:
        file = self.folder / "key"
        file.write_text(self.sshd.private_key)
        return str(file)

    def ftp(self, name: str) -> ftp_servers.FtpServer:
        found: ftp_servers.FtpServer = self._request.getfixturevalue(name)
        return found

    def served(self, name: str) -> rclones.Served:
        found: rclones.Served = self._request.getfixturevalue(name)
        return found


def stashes(first: Sequence[Said], servers: Servers, kit: Sequence[Said] = (("login for stewards", ""),)) -> list[Said]:
    """A stash that is described, and a second one on a disk that is at somebody else's."""
    return [*first, *kit, ("folder", f"{servers.folder}/parents"), ("be lost?", "place:parents"), ("folder", "")]


def dataset(source: Sequence[Said], destination: Sequence[Said], *, staging: Sequence[Said] = ()) -> list[Said]:
    """A dataset, its destination, and the end of all questions."""
    return [
        *source,
        ("look there", ""),
        *staging,
        *destination,
        ("folder", ""),
        ("folder", ""),
        ("Address", ""),
    ]


def published(servers: Servers) -> list[Said]:
    """Two stashes without a warning: at a friend's, and on a disk."""
    address = servers.sshd.url("sftp", servers.folder / "published")
    here = [("folder", address), ("private key", servers.key), ("Trust it", "y"), ("be lost?", "place:friend")]
    return stashes(here, servers, [("login for stewards", address), ("private key", servers.key)])


def _disk(servers: Servers) -> list[Said]:
    copies = [
        ("folder", f"{servers.folder}/copies"),
        ("be used", "2"),
        ("write there", ""),
        ("be lost?", "place:friend"),
    ]
    return [*published(servers), *dataset([("folder", str(servers.source))], copies)]


def _restic(servers: Servers) -> list[Said]:
    address = servers.sshd.url("sftp", servers.folder / "repository")
    copies = [
        ("folder", address),
        ("be used", "1"),
        ("private key", servers.key),
        ("write there", ""),
        ("be lost?", "place:friend"),
    ]
    return [*published(servers), *dataset([("folder", str(servers.source))], copies)]


def _sftp(servers: Servers) -> list[Said]:
    copies = [
        ("folder", servers.sshd.url("sftp", servers.folder / "copies")),
        ("be used", "2"),
        ("private key", servers.key),
        ("write there", ""),
        ("be lost?", "place:friend"),
    ]
    return [*published(servers), *dataset([("folder", str(servers.source))], copies)]


def _rsync(servers: Servers) -> list[Said]:
    source = [
        ("folder", servers.sshd.url("rsync+ssh", servers.source)),
        ("private key", servers.key),
    ]
    copies = [
        ("folder", f"{servers.folder}/copies"),
        ("be used", "1"),
        ("write there", ""),
        ("be lost?", "place:friend"),
    ]
    staging = [("be lost?", ""), ("on this machine", f"{servers.folder}/staging")]
    return [*published(servers), *dataset(source, copies, staging=staging)]


def _over_ftp(name: str) -> Case:
    def case(servers: Servers) -> list[Said]:
        server = servers.ftp(name)
        address = f"{name}://fred@127.0.0.1:{server.port}"
        trust = [("Trust it", "y")] if name == "ftps" else []
        login = [("Password there", ftp_servers.PASSWORD)]
        here = [("folder", f"{address}/published"), *login, *trust, ("be lost?", "place:friend")]
        copies = [("folder", f"{address}/copies"), *login, ("write there", ""), ("be lost?", "place:friend")]
        kit = [("login for stewards", f"{address}/published"), *login]
        return [*stashes(here, servers, kit), *dataset([("folder", str(servers.source))], copies)]

    return case


def _s3(servers: Servers) -> list[Said]:
    port = servers.served("s3").port
    login = [
        ("Address of the service", f"http://127.0.0.1:{port}"),
        ("Region", ""),
        ("Name of the access key", rclones.KEY),
        ("access key itself", rclones.SECRET),
    ]
    here = [("folder", "s3://bucket/published"), *login, ("be lost?", "")]
    kit = [("login for stewards", "s3://bucket/published"), *login[2:]]
    copies = [("folder", "s3://bucket/copies"), ("be used", "2"), *login, ("write there", ""), ("be lost?", "")]
    return [*stashes(here, servers, kit), *dataset([("folder", str(servers.source))], copies)]


def _rclone(servers: Servers) -> list[Said]:
    port = servers.served("webdav").port
    login = [
        ("Option that nobody", "pass"),
        ("Value of pass", rclones.PASSWORD),
        ("Option that nobody", ""),
    ]
    options = [
        ("Type of the remote", "webdav"),
        ("Another option", f"url=http://127.0.0.1:{port}"),
        ("Another option", f"user={rclones.USER}"),
        ("Another option", ""),
        *login,
    ]
    here = [("folder", "rclone:dav:published"), *options, ("be lost?", "")]
    reader = [("Option that nobody", "user"), ("Value of user", rclones.USER), *login]
    kit = [("login for stewards", "rclone:dav:published"), *reader]
    copies = [("folder", "rclone:dav:copies"), *options, ("write there", ""), ("be lost?", "")]
    return [*stashes(here, servers, kit), *dataset([("folder", str(servers.source))], copies)]


def _removable(servers: Servers) -> list[Said]:
    copies = [("folder", "removable:1234-ABCD"), ("write there", ""), ("be lost?", "")]
    return [*published(servers), *dataset([("folder", str(servers.source))], copies)]


CASES: dict[str, Case] = {
    "disk": _disk,
    "restic": _restic,
    "sftp": _sftp,
    "rsync": _rsync,
    "ftp": _over_ftp("ftp"),
    "ftps": _over_ftp("ftps"),
    "s3": _s3,
    "rclone": _rclone,
    "removable": _removable,
}


def test_there_is_a_case_for_each() -> None:
    assert set(CASES) == set(registry.SHIPPED)


@pytest.mark.parametrize("name", CASES)
def test_a_protocol(name: str, fresh: Installation, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    said = [*WHO, *CASES[name](Servers(request, tmp_path))]
    with AtSetup(fresh, tmp_path) as person:
        person.answers(said)
        if name == "ftp":  # what cannot be avoided: the server has no TLS
            assert person.before("Number of what").count(b"sends its password in the clear") == 2
            person.types("\r")
        assert (b"warning" in person.before("Save this?")) == (name == "ftp")
        person.types("a\r")
        person.sees("your answers are kept")
