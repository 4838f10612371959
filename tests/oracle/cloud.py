"""The account of a household with a provider: one folder, behind an FTP server and a rest-server that ask for one password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.servers import ftp_servers, restic_servers
from tests.servers.ports import free_port

LABEL = "account:cloud"
ADDRESS = "127.0.0.1"
"""Of the servers: what is there dies with the account, and with the machine on which they run."""

PASSWORD, CHANGED = "the password of the account", "what somebody else has made of it"


class Cloud:
    """`folder`: what the account holds."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "data"
        self._root = root
        self._ftp, self._rest = free_port(), free_port()

    @contextlib.contextmanager
    def running(self, password: str = PASSWORD) -> Iterator[None]:
        """Let both servers in who knows the password."""
        with (
            ftp_servers.pyftpdlib(self._root, port=self._ftp, password=password),
            restic_servers.rclone_rest(self._root, tls=False, port=self._rest, password=password),
        ):
            yield

    def place(self, name: str) -> dict[str, object]:
        """A folder there, in a config."""
        url = f"ftp://fred@{ADDRESS}:{self._ftp}/{name}"
        return {"protocol": "ftp", "url": url, "credentials": {"password": PASSWORD}}

    def repository(self, name: str) -> dict[str, object]:
        """A restic repository there, in a config."""
        address = f"rest:http://{restic_servers.ACCOUNT}@{ADDRESS}:{self._rest}/{name}"
        return {"protocol": "restic", "repository": address, "credentials": {"rest_password": PASSWORD}}
