"""Where a restic repository is and what opens it, as the owner writes it into the config."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from paraduxd.core.config.protocol_settings import (
    ProtocolSettings,
    Secret,
    SshAddress,
    SshCredentials,
    Strict,
    Text,
    parse_ssh_url,
)
from paraduxd.core.primitives.hosts import HOST_NAME, USER_NAME
from paraduxd.protocols.restic.rest import http as rest_http
from paraduxd.protocols.restic.rest.http import HttpAddress

_EXPECTED = (
    "expected an absolute path, sftp:user@host:path, sftp://user@host:port/path, s3:https://host/bucket/path or"
    " rest:https://user@host/path"
)
_OTHER = re.compile(r"(rclone|b2|azure|gs|swift):")
_SCP_LIKE = re.compile(rf"sftp:(?!//)((?P<user>{USER_NAME})@)?(?P<host>{HOST_NAME}):(?P<path>.+)")


Place = str | SshAddress | HttpAddress
"""Where a repository is: an absolute local path, or an address."""


def parse_repository(text: str) -> Place:
    """Where a repository is; raises `ValueError` with what was expected.

    Written and read as restic does: `sftp:user@host:path` and `sftp://user@host:port/path` are relative to the login directory
    unless the path itself starts with `/` (the second form then has `//`).
    """
    if text.startswith(("s3:", "rest:")):
        return rest_http.parse(text)
    if _OTHER.match(text):
        raise ValueError(f"this kind of restic repository is not supported; {_EXPECTED}")
    if text.startswith("/"):
        if ".." in text.split("/"):
            raise ValueError(f"{_EXPECTED}: the path must not contain ..")
        return text
    address = _parse_url(text) if text.startswith("sftp://") else _parse_scp_like(text)
    if not address.path or address.path.startswith("~"):
        raise ValueError(f"{_EXPECTED}: the path must not be empty or start with ~")
    return address


def _parse_url(text: str) -> SshAddress:
    address = parse_ssh_url(text, "sftp")
    if "/~/" in text:
        raise ValueError(f"{_EXPECTED}: restic takes a path without a leading / as relative to the login directory")
    return address.model_copy(update={"path": address.path.removeprefix("/")})


def _parse_scp_like(text: str) -> SshAddress:
    match = _SCP_LIKE.fullmatch(text)
    if match is None:
        raise ValueError(_EXPECTED)
    return SshAddress(host=match["host"], user=match["user"], path=match["path"])


def _checked_repository(text: str) -> str:
    parse_repository(text)
    return text


class ResticCredentials(Strict):
    """What opens the repository, and what logs in to its server."""

    password: Secret | None = Field(
        default=None,
        description="Password of the repository; Paradux generates one when it is left out",
        examples=["correct horse battery staple"],
    )
    private_key: Secret | None = Field(
        default=None,
        description="OpenSSH private key without a passphrase, as text with line feeds, for a repository on an SFTP server",
        examples=["-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----\n"],
    )
    ssh_password: Secret | None = Field(
        default=None, description="Password of the account on the SFTP server", examples=["correct horse"]
    )
    access_key_id: Secret | None = Field(
        default=None, description="Name of the access key, for a repository on S3", examples=["AKIAIOSFODNN7EXAMPLE"]
    )
    secret_access_key: Secret | None = Field(
        default=None, description="The access key itself, for a repository on S3", examples=["wJalrXUtnFEMI/K7MDENG"]
    )
    rest_password: Secret | None = Field(
        default=None, description="Password of the account on the rest-server", examples=["correct horse"]
    )


class ResticSettings(ProtocolSettings):
    """A restic repository."""

    repository: Annotated[Text, AfterValidator(_checked_repository)] = Field(
        description="The repository as restic writes it: an absolute path, sftp:user@host:path, s3:https://host/bucket/path or"
        " rest:https://user@host/path",
        examples=["sftp:fred@friend.example:/srv/restic/photos"],
    )
    credentials: ResticCredentials = Field(
        default=ResticCredentials(),
        description="Password of the repository (generated when left out), and the login of its server",
        examples=[{"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----\n"}],
    )

    def place(self) -> str:
        """The host, or "local"."""
        place = parse_repository(self.repository)
        return "local" if isinstance(place, str) else place.host

    def ssh_hosts(self) -> tuple[tuple[str, int], ...]:
        """The server of an SFTP repository."""
        place = parse_repository(self.repository)
        return ((place.host, place.port),) if isinstance(place, SshAddress) else ()

    def tls_hosts(self) -> tuple[tuple[str, int, str], ...]:
        """The server of a repository that is reached over HTTPS."""
        place = parse_repository(self.repository)
        if isinstance(place, HttpAddress) and place.scheme == "https":
            return ((place.host, place.port, "tls"),)
        return ()

    def in_clear(self) -> tuple[str, str] | None:
        """The server of a repository that is reached over HTTP."""
        place = parse_repository(self.repository)
        return ("repository", place.host) if isinstance(place, HttpAddress) and place.scheme == "http" else None

    def local_path(self) -> str | None:
        """The directory of a local repository."""
        place = parse_repository(self.repository)
        return place if isinstance(place, str) else None

    def ssh_credentials(self) -> SshCredentials:
        """How to log in to the server."""
        return SshCredentials(private_key=self.credentials.private_key, password=self.credentials.ssh_password)
