"""The base of all models that describe a stash, and the types that protocol plugins share.

A plugin subclasses `ProtocolSettings` with what it alone needs (address, credentials); what every stash has (schedule,
fates, retention) is the config's own business (`core/config/models.py`), so that a plugin cannot get it wrong.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from paraduxd.api.typed.passwords_in_addresses import REFUSAL
from paraduxd.core.primitives.disks import LOCAL, place_of
from paraduxd.core.primitives.hosts import is_host, is_user
from paraduxd.core.primitives.left_out_rules import LeftOut

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Strict(BaseModel):
    """A part of the config: unknown keys are refused, and an error never repeats the input (it may be a secret)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _no_control(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


Text = Annotated[str, AfterValidator(_no_control), Field(max_length=4096)]
"""One line of text without control characters."""

Secret = Annotated[str, Field(json_schema_extra={"x-secret": True})]
"""A credential: any text, masked wherever a config is shown; a plain `str`, because pydantic saves `SecretStr` as asterisks."""


class ProtocolSettings(Strict):
    """What one protocol needs to reach a stash; subclasses add fields, each with a description and an example."""

    def place(self) -> str:
        """What the limit of transfers per place counts: a host name, a removable disk, or "local"."""
        disk = self.removable_disk()
        return LOCAL if disk is None else place_of(disk)

    def removable_disk(self) -> str | None:
        """The UUID of the file system that the stash is on, if that is on a disk which is plugged in now and then.

        The worker mounts it (`Context.mounted`); what is there is pushed to when the disk is plugged in.
        """
        return None

    def ssh_hosts(self) -> tuple[tuple[str, int], ...]:
        """The SSH servers (host, port) whose host keys must be pinned before anything is sent."""
        return ()

    def tls_hosts(self) -> tuple[tuple[str, int, str], ...]:
        """The TLS servers (host, port, how) whose certificates are pinned unless an authority vouches for them.

        `how` is "tls", or "ftp" where TLS begins with AUTH TLS.
        """
        return ()

    def local_path(self) -> str | None:
        """The absolute directory on this machine that the stash is, if it is one."""
        return None

    def left_out(self) -> LeftOut:
        """What a directory of this machine leaves out as a source, also where it is pushed as it lies."""
        return LeftOut()

    def in_clear(self) -> tuple[str, str] | None:
        """The key of an address that is spoken to without encryption although it could be with, and the host there."""
        return None

    def root(self) -> str:
        """The absolute path of the stash on its machine, "" where it has none that is known: what people write before names in it."""
        return self.local_path() or ""

    def whereabouts(self) -> str | None:
        """Where the stash is, without secrets, the same for whatever means the same place: another address is another place.

        `None`: all settings but credentials, secrets and `exclude` are the address.
        """
        path = self.local_path()
        return None if path is None else str(PurePosixPath(path))


class SshAddress(Strict):
    """A parsed `scheme://user@host:port/path` address of a server spoken to over SSH."""

    host: str
    port: int = 22
    user: str | None = None
    path: str = "/"


def parse_ssh_url(url: str, scheme: str) -> SshAddress:
    """The parts of an SSH address; raises `ValueError` with what was expected.

    The path is absolute, percent-decoded; `/~/x` or `/./x` is relative to the login directory ("x").
    A password in the address is refused: it belongs into `credentials`.
    """
    expected = f"expected {scheme}://user@host:port/path"
    parts = urlsplit(url)
    try:
        port = parts.port or 22
    except ValueError:
        raise ValueError(f"{expected}: the port is not a number from 1 to 65535") from None
    if parts.scheme != scheme or not parts.hostname or not parts.path:
        raise ValueError(expected)
    if parts.password is not None:
        raise ValueError(f"{REFUSAL}; put it into credentials.password")
    if parts.query or parts.fragment:
        raise ValueError(f"{expected}: write ? as %3F and # as %23")
    user = unquote(parts.username) if parts.username else None
    if not is_host(parts.hostname):
        raise ValueError(f"{expected}: the host name has characters that no host name has")
    if user is not None and not is_user(user):
        raise ValueError(f"{expected}: the user name has characters that no user name has")
    path = unquote(parts.path, errors="surrogateescape")
    if _CONTROL.search(path):
        raise ValueError("the path must not contain control characters")
    for home in ("/~/", "/./"):
        if path.startswith(home):
            path = path.removeprefix(home) or "."
    return SshAddress(host=parts.hostname, port=port, user=user, path=path)


@lru_cache(maxsize=8192)
def parse_file_url(url: str) -> str:
    """The absolute path of a `file:///path` address; raises `ValueError` with what was expected."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc or not parts.path.startswith("/"):
        raise ValueError("expected file:///absolute/path")
    if parts.query or parts.fragment:
        raise ValueError("expected file:///absolute/path: write ? as %3F and # as %23")
    path = unquote(parts.path, errors="surrogateescape")
    if "\x00" in path or _CONTROL.search(path):
        raise ValueError("the path must not contain control characters")
    if ".." in path.split("/"):
        raise ValueError("the path must not contain ..")
    return path


class SshCredentials(Strict):
    """How to log in to an SSH server: a private key, or a password."""

    private_key: Secret | None = Field(
        default=None,
        description="OpenSSH private key without a passphrase, as text with line feeds",
        examples=["-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----\n"],
    )
    password: Secret | None = Field(default=None, description="Password of the account", examples=["correct horse"])
