"""`sftp`: a directory on an SSH server that needs to offer no more than file transfer, as a blob store."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.protocol_settings import ProtocolSettings, SshAddress, SshCredentials, Text, parse_ssh_url
from paraduxd.core.config.setup_declaration import Setup, begins_with
from paraduxd.protocols.base import BlobStore, Context, Protocol
from paraduxd.protocols.by_hand import sftp as by_hand
from paraduxd.protocols.setup_questions import SSH_QUESTIONS


def _sftp_url(url: str) -> str:
    parse_ssh_url(url, "sftp")
    return url


class SftpSettings(ProtocolSettings):
    """A directory on an SSH server."""

    url: Annotated[Text, AfterValidator(_sftp_url)] = Field(
        description="The directory, as sftp://user@host:port/path (percent-encoded); /~/x is x in the login directory",
        examples=["sftp://fred@friend.example/paradux"],
    )
    credentials: SshCredentials = Field(
        description="How to log in: a private key, or a password",
        examples=[{"password": "correct horse"}],
    )

    def address(self) -> SshAddress:
        """The parts of the address."""
        return parse_ssh_url(self.url, "sftp")

    def root(self) -> str:
        """See `ProtocolSettings.root`; nothing for what is relative to the login directory."""
        path = self.address().path
        return path if path.startswith("/") else ""

    def place(self) -> str:
        """The host."""
        return self.address().host

    def ssh_hosts(self) -> tuple[tuple[str, int], ...]:
        """The one server."""
        address = self.address()
        return ((address.host, address.port),)


def _blobs(settings: SftpSettings, context: Context) -> BlobStore:
    """What needs paramiko is loaded where something is transferred only: it takes as long as a quarter of the keeper."""
    from paraduxd.protocols.blob_stores.sftp_blobs import SftpBlobs

    return SftpBlobs(settings, context)


PROTOCOL = Protocol(
    "sftp",
    SftpSettings,
    blobs=_blobs,
    setup=Setup(
        "a folder on an SSH server",
        Question("url", "Address", "sftp://fred@friend.example/paradux", required=True),
        begins_with("sftp:"),
        SSH_QUESTIONS,
    ),
    by_hand=by_hand.BY_HAND,
)
