"""`ftps`: a directory on an FTP server with explicit TLS (AUTH TLS) on both channels, as a blob store."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.protocol_settings import SshAddress, Text
from paraduxd.core.config.setup_declaration import Setup, begins_with
from paraduxd.protocols.base import Context, Protocol
from paraduxd.protocols.by_hand import ftp as by_hand
from paraduxd.protocols.ftp.blobs import FtpBlobs
from paraduxd.protocols.ftp.settings import FtpSettings, parse_url
from paraduxd.protocols.setup_questions import PASSWORD


def _ftps_url(url: str) -> str:
    parse_url(url, "ftps")
    return url


class FtpsSettings(FtpSettings):
    """A directory on an FTP server with explicit TLS."""

    url: Annotated[Text, AfterValidator(_ftps_url)] = Field(
        description="The directory, as ftps://user@host:port/path (percent-encoded); /~/x is x in the login directory",
        examples=["ftps://fred@friend.example/paradux"],
    )

    def address(self) -> SshAddress:
        """The parts of the address."""
        return parse_url(self.url, "ftps")

    def tls_hosts(self) -> tuple[tuple[str, int, str], ...]:
        """The one server."""
        address = self.address()
        return ((address.host, address.port, "ftp"),)


def _blobs(settings: FtpsSettings, context: Context) -> FtpBlobs:
    return FtpBlobs(settings, context, secure=True)


PROTOCOL = Protocol(
    "ftps",
    FtpsSettings,
    blobs=_blobs,
    setup=Setup(
        "an FTP server with TLS",
        Question("url", "Address", "ftps://fred@friend.example/paradux", required=True),
        begins_with("ftps:"),
        (PASSWORD,),
    ),
    by_hand=by_hand.BY_HAND,
)
