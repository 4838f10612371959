"""A protocol of the administrator's (`/etc/paradux/protocols.d`), which has a secret of its own and takes no care of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import Field

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import ProtocolSettings, Secret, Strict, Text
from paraduxd.protocols.base import Blob, BlobStore, Context, Protocol
from paraduxd.protocols.disk import DiskBlobs


class CarelessCredentials(Strict):
    """What its service wants to know."""

    api_token: Secret = Field(description="Token", examples=["token"])


class CarelessSettings(ProtocolSettings):
    """A folder that pretends to be a service; a file beside it says how it fails."""

    folder: Text = Field(description="The folder", examples=["/srv/careless"])
    credentials: CarelessCredentials = Field(description="Login", examples=[{"api_token": "token"}])


class CarelessBlobs(BlobStore):
    def __init__(self, settings: CarelessSettings, _context: Context) -> None:
        self._settings = settings
        self._store = DiskBlobs(Path(settings.folder))

    def _may_fail(self) -> None:
        token = self._settings.credentials.api_token
        if Path(f"{self._settings.folder}.breaks").exists():
            raise RuntimeError(f"https://api.example/?token={token}")
        if Path(f"{self._settings.folder}.refuses").exists():
            raise ParaduxError("login-refused", f"the service said: bad token {token}", f"look at {token}")

    def put(self, name: str, data: BinaryIO) -> None:
        self._may_fail()
        self._store.put(name, data)

    def get(self, name: str) -> Iterator[bytes]:
        self._may_fail()
        return self._store.get(name)

    def list(self) -> tuple[Blob, ...]:
        self._may_fail()
        return self._store.list()

    def delete(self, name: str) -> None:
        self._may_fail()
        self._store.delete(name)


PROTOCOL = Protocol("careless", CarelessSettings, blobs=CarelessBlobs)
