"""Protocols that look like real ones, and configs to start from."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from paraduxd.core.config.capabilities import Capabilities, Traits
from paraduxd.core.config.models import Config
from paraduxd.core.config.protocol_settings import (
    ProtocolSettings,
    Secret,
    SshCredentials,
    Strict,
    Text,
    parse_file_url,
    parse_ssh_url,
)
from paraduxd.core.primitives.left_out_rules import LeftOut


class DiskLike(ProtocolSettings):
    """A directory of this machine."""

    url: Text
    exclude: tuple[Text, ...] = ()

    @field_validator("url")
    @classmethod
    def _is_file(cls, url: str) -> str:
        parse_file_url(url)
        return url

    def local_path(self) -> str | None:
        return parse_file_url(self.url)

    def left_out(self) -> LeftOut:
        return LeftOut(self.exclude)


class _SshLike(ProtocolSettings):
    url: Text
    credentials: SshCredentials = SshCredentials()

    def _scheme(self) -> str:
        return urlsplit(self.url).scheme

    def place(self) -> str:
        return parse_ssh_url(self.url, self._scheme()).host

    def ssh_hosts(self) -> tuple[tuple[str, int], ...]:
        address = parse_ssh_url(self.url, self._scheme())
        return ((address.host, address.port),)


class RsyncLike(_SshLike):
    """A directory of an SSH server."""

    exclude: tuple[Text, ...] = ()

    @field_validator("url")
    @classmethod
    def _is_rsync(cls, url: str) -> str:
        parse_ssh_url(url, "rsync+ssh")
        return url


class SftpLike(_SshLike):
    """A store of blobs."""

    @field_validator("url")
    @classmethod
    def _is_sftp(cls, url: str) -> str:
        parse_ssh_url(url, "sftp")
        return url


class ResticLikeCredentials(Strict):
    """Password of the repository, and environment of its backend."""

    password: Secret | None = None
    private_key: Secret | None = None
    environment: dict[str, Secret] = Field(default_factory=dict)


class ResticLike(ProtocolSettings):
    """A repository that encrypts by itself."""

    repository: Text
    credentials: ResticLikeCredentials = ResticLikeCredentials()

    def place(self) -> str:
        return "local" if self.local_path() else "s3.example"

    def local_path(self) -> str | None:
        return self.repository if self.repository.startswith("/") else None


SHAPES = {
    "disk": Capabilities(
        "disk", DiskLike, source=True, destination=True, blobs=True, archive=True, traits=Traits(plain_files=True)
    ),
    "rsync": Capabilities("rsync", RsyncLike, source=True, destination=True),
    "sftp": Capabilities("sftp", SftpLike, blobs=True, archive=True),
    "ftp": Capabilities(
        "ftp", SftpLike, blobs=True, archive=True, traits=Traits(login_in_clear='use "ftps" if the server can, or sftp')
    ),
    "restic": Capabilities("restic", ResticLike, destination=True, traits=Traits(generates="credentials.password")),
}

WORDS = [f"share number {index}" for index in range(16)]

MANAGED: dict[str, Any] = {
    "owner_id": "00" * 16,
    "instance": "11" * 16,
    "recovery": {
        "epoch": 2,
        "created": "2026-11-01T12:00:00Z",
        "secret": "ab" * 32,
        "fingerprint": "0123456789ABCDEF0123456789ABCDEF01234567",
        "public_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        "private_key": "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
    },
    "shares": {"threshold": 2, "words": WORDS, "issued": {"alice": 0, "bob": 1, "carol": 2}, "retired": []},
    "data_keys": {"photos/cloud": {"password": "generated"}},
    "hosts": {"laptop.local:22": ["ssh-ed25519 AAAAlaptop"], "friend.example:2222": ["ssh-ed25519 AAAAfriend"]},
}

_FAMILY: dict[str, Any] = {
    "version": 1,
    "serial": 7,
    "owner": {"name": "Fred Myself", "phone": "+1 999", "fate": ["place:house", "device:server"]},
    "policy": {"shares_required": 2, "unlock_for": "15m"},
    "stewards": [
        {
            "id": "alice",
            "name": "Alice",
            "phone": "+1 555 000 1",
            "accepted_on": "2026-11-01",
            "fate": ["place:springfield", "person:alice"],
        },
        {"id": "bob", "name": "Bob", "phone": "+1 555 000 2", "accepted_on": "2026-11-02", "fate": ["place:shelbyville", "person:bob"]},
        {"id": "carol", "name": "Carol", "phone": "+1 555 000 3", "accepted_on": "2026-11-03", "fate": ["place:capital", "person:carol"]},
    ],
    "metadata_stashes": [
        {
            "id": "friend",
            "protocol": "sftp",
            "url": "sftp://fred@friend.example:2222/paradux",
            "credentials": {"private_key": "ssh key of fred"},
            "kit_access": {"url": "sftp://kit@friend.example:2222/paradux", "credentials": {"password": "reader"}},
            "fate": ["place:friend"],
        },
        {"id": "nas", "protocol": "disk", "url": "file:///mnt/nas/paradux", "fate": ["place:house", "device:nas"]},
    ],
    "datasets": [
        {
            "id": "photos",
            "description": "Family photos",
            "source": {
                "protocol": "rsync",
                "url": "rsync+ssh://fred@laptop.local/home/fred",
                "every": "1h",
                "credentials": {"private_key": "ssh key of fred"},
                "fate": ["device:laptop"],
            },
            "staging": "/srv/paradux/photos",
            "guard": {"max_removed": "25%", "max_changed": 0.6},
            "destinations": [
                {
                    "id": "cloud",
                    "protocol": "restic",
                    "repository": "s3:https://s3.example/bucket",
                    "credentials": {"environment": {"AWS_SECRET_ACCESS_KEY": "cloud key"}},
                    "every": "6h",
                    "keep": {"last": 10, "daily": 7},
                    "fate": ["account:aws"],
                },
                {
                    "id": "usb",
                    "protocol": "disk",
                    "url": "file:///mnt/usb/photos",
                    "cron": "30 3 * * sun",
                    "fate": ["place:house", "device:usb"],
                },
            ],
        },
        {
            "id": "docs",
            "source": {"protocol": "disk", "url": "file:///home/fred/docs", "every": 3600},
            "destinations": [
                {"id": "cloud", "protocol": "restic", "repository": "s3:https://s3.example/docs",
                 "credentials": {"password": "chosen by the owner"}, "fate": ["account:aws"]},
            ],
        },
    ],
    "inventory": [{"name": "Tax portal", "username": "fred", "password": "tax password", "notes": "call\nMs. Lee"}],
    "notify": ["mailtos://fred:mail-password@mail.example"],
    "heartbeat": ["https://hc-ping.com/heartbeat-secret"],
    "managed": MANAGED,
}  # fmt: skip


def family() -> dict[str, Any]:
    """A saved config without any problem, yours to change."""
    return copy.deepcopy(_FAMILY)


def answers() -> dict[str, Any]:
    """The same before it was ever saved."""
    document = family()
    del document["serial"], document["managed"]
    return document


def config_of(document: dict[str, Any]) -> Config:
    """The config of a document that is known to be valid."""
    return Config.model_validate(document)


def text_of(document: Any) -> str:
    """The document as text."""
    return json.dumps(document, indent=2)
