"""What the config says of a directory on an FTP server."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from paraduxd.core.config.protocol_settings import ProtocolSettings, Secret, SshAddress, Strict, Text, parse_ssh_url

_PORT = 21
_LINE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")


def parse_url(url: str, scheme: str) -> SshAddress:
    """The parts of `scheme://user@host:port/path`; raises `ValueError` with what was expected. `/~/x` is x in the login directory."""
    address = parse_ssh_url(url, scheme)
    if any("\ud800" <= character <= "\udfff" for character in address.path):
        raise ValueError("the path must be UTF-8")
    return address.model_copy(update={"port": urlsplit(url).port or _PORT})


def _ftp_url(url: str) -> str:
    parse_url(url, "ftp")
    return url


def _one_line(text: str) -> str:
    if not _LINE.fullmatch(text):
        raise ValueError("expected one line without control characters")
    return text


class FtpCredentials(Strict):
    """How to log in to an FTP server."""

    password: Annotated[Secret, AfterValidator(_one_line)] = Field(
        default="", description="Password of the account", examples=["correct horse"]
    )


class FtpSettings(ProtocolSettings):
    """A directory on an FTP server that offers no TLS."""

    url: Annotated[Text, AfterValidator(_ftp_url)] = Field(
        description="The directory, as ftp://user@host:port/path (percent-encoded); /~/x is x in the login directory",
        examples=["ftp://fred@friend.example/paradux"],
    )
    credentials: FtpCredentials = Field(
        default=FtpCredentials(), description="How to log in", examples=[{"password": "correct horse"}]
    )

    def address(self) -> SshAddress:
        """The parts of the address."""
        return parse_url(self.url, "ftp")

    def place(self) -> str:
        """The host."""
        return self.address().host
