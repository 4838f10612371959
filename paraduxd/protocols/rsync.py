"""`rsync`: a directory on a server with rsync and SSH, as a source and as a destination of plain trees."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.protocol_settings import ProtocolSettings, SshAddress, SshCredentials, Text, parse_ssh_url
from paraduxd.core.config.setup_declaration import Setup, begins_with
from paraduxd.effects.tools import rsync, ssh
from paraduxd.protocols.base import Context, Protocol, PullRequest, PullResult, Source
from paraduxd.protocols.by_hand import disk as by_hand
from paraduxd.protocols.pulling import rsync_pull
from paraduxd.protocols.pulling.remote_mounts import RemoteMounts
from paraduxd.protocols.setup_questions import SSH_QUESTIONS
from paraduxd.protocols.trees.destination import TreeDestination

SCHEME = "rsync+ssh"


def _ssh_url(url: str) -> str:
    parse_ssh_url(url, SCHEME)
    return url


class RsyncSettings(ProtocolSettings):
    """A directory on a server that has rsync."""

    url: Annotated[Text, AfterValidator(_ssh_url)] = Field(
        description="The directory, as rsync+ssh://user@host:port/path (percent-encoded); /~/x is x in the login directory",
        examples=["rsync+ssh://fred@laptop.local/home/fred"],
    )
    credentials: SshCredentials = Field(
        description="How to log in: a private key, or a password",
        examples=[{"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----\n"}],
    )
    exclude: tuple[Text, ...] = Field(
        default=(),
        description="Patterns of what a source leaves out, as in rsync's FILTER RULES; a leading / stands for the source's root",
        examples=[[".cache", "/Downloads/", "*.iso"]],
    )

    def address(self) -> SshAddress:
        """The parts of the address."""
        return parse_ssh_url(self.url, SCHEME)

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


@contextlib.contextmanager
def open_place(settings: RsyncSettings, context: Context) -> Iterator[rsync.Place]:
    """The directory on the server, with a way in that lasts as long as the context."""
    address = settings.address()
    server = f"{address.host}:{address.port}"
    with ssh.access(address, settings.credentials, context.host_keys.get(server, ())) as access:
        yield rsync.Place(address.path, server, access, context.bandwidth)


class RsyncSource(Source):
    """Pulls from a server."""

    def __init__(self, settings: RsyncSettings, context: Context) -> None:
        self._settings = settings
        self._context = context

    def pull(self, staging: Path, request: PullRequest) -> PullResult:
        """See `Source.pull`."""
        with open_place(self._settings, self._context) as place:
            mounts = RemoteMounts(place, staging, self._settings.exclude, request)
            exclude, context = self._settings.exclude, self._context
            result = rsync_pull.pull(place, staging, exclude, request, context, before_removals=mounts.check)
            return mounts.remember(result)

    def look(self) -> bool:
        """See `Source.look`."""
        with open_place(self._settings, self._context) as place:
            rsync_pull.look(place)
        return True


def _destination(settings: RsyncSettings, context: Context) -> TreeDestination:
    return TreeDestination(lambda: open_place(settings, context), context)


PROTOCOL = Protocol(
    "rsync",
    RsyncSettings,
    source=RsyncSource,
    destination=_destination,
    setup=Setup(
        "a folder on a server with SSH and rsync",
        Question("url", "Address", "rsync+ssh://fred@laptop.local/home/fred", required=True),
        begins_with(f"{SCHEME}:"),
        SSH_QUESTIONS,
        fate="device",
        every="1h",
    ),
    by_hand=by_hand.RSYNC,
)
