"""A repository whose `keys/` was lost: the copy of its key file is put back there, and the password opens it again."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import SshAddress
from paraduxd.protocols import s3, sftp
from paraduxd.protocols.base import Blob, BlobStore, Context
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.protocols.restic.keys.stored_keys import name_of
from paraduxd.protocols.restic.rest.http import HttpAddress
from paraduxd.protocols.restic.rest.key_folder import RestKeys
from paraduxd.protocols.restic.settings import Place, ResticSettings

log = logging.getLogger("paradux.restic")


def put_back(place: Place, settings: ResticSettings, context: Context) -> bool:
    """Called when the password opens nothing in `keys/`; gives whether nothing was there and the copy is now.

    Where other keys are, none was lost: whoever replaced ours meant the old password to open nothing any more.
    Raises `ParaduxError` "keys-lost" where it may be missing and cannot be put back.
    """
    if not context.key_file:
        return False
    key_file = context.key_file.encode()
    name, store = name_of(key_file), _store(place, settings, context)
    there = {blob.name for blob in store.list()}
    if there - {name} or (name in there and b"".join(store.get(name)) == key_file):
        return False
    if context.read_only:
        raise _lost(context, "its key file is lost, and a rehearsal changes nothing there", name)
    try:
        store.put(name, io.BytesIO(key_file))
    except ParaduxError as problem:
        raise _lost(context, f"its key file is lost, and cannot be put back: {problem.message}", name) from None
    log.warning("Put the lost key file of the repository at %s back", settings.place())
    return True


def _lost(context: Context, text: str, name: str) -> ParaduxError:
    return ParaduxError(
        "keys-lost",
        f"the repository {context.dataset}/{context.location} does not open: {text}",
        f"paraductl backup {context.dataset} puts it back where that can be done; else write it to keys/{name} in the repository:"
        " it is key_file in paraductl show managed.data_keys --secrets",
    )


class KeyFolder(Protocol):
    """`keys/` as a flat store of files."""

    def list(self) -> tuple[Blob, ...]:
        """All files; a folder that is gone is empty."""

    def get(self, name: str) -> Iterator[bytes]:
        """One of them in pieces."""

    def put(self, name: str, data: BinaryIO) -> None:
        """Write one."""


def _store(place: Place, settings: ResticSettings, context: Context) -> KeyFolder:
    if isinstance(place, str):
        return DiskBlobs(Path(place) / "keys")
    if isinstance(place, SshAddress):
        return _on_ssh(place, settings, context)
    if place.kind == "rest":
        return RestKeys(place, settings.credentials.rest_password or "", context)
    return _in_bucket(place, settings, context)


def _on_ssh(place: SshAddress, settings: ResticSettings, context: Context) -> BlobStore:
    from paraduxd.protocols.blob_stores.sftp_blobs import SftpBlobs  # few need paramiko

    host = f"[{place.host}]" if ":" in place.host else place.host
    login = f"{place.user}@" if place.user else ""
    folder = place.path if place.path.startswith("/") else f"/~/{place.path}"
    url = f"sftp://{login}{host}:{place.port}{quote(folder.rstrip('/'), errors='surrogateescape')}/keys"
    return SftpBlobs(sftp.SftpSettings(url=url, credentials=settings.ssh_credentials()), context)


def _in_bucket(place: HttpAddress, settings: ResticSettings, context: Context) -> BlobStore:
    login = settings.credentials
    host = f"[{place.host}]" if ":" in place.host else place.host
    bucket, _, prefix = place.path.partition("/")
    folder = f"{prefix}/keys" if prefix else "keys"
    return s3.blobs(
        s3.S3Settings(
            url=f"s3://{bucket}/{quote(folder, errors='surrogateescape')}",
            endpoint=f"{place.scheme}://{host}:{place.port}",
            credentials=s3.S3Credentials(
                access_key_id=login.access_key_id or "", secret_access_key=login.secret_access_key or ""
            ),
        ),
        context,
    )
