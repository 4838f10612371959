"""Objects as files of one directory on an SSH server.

A session of its own (paramiko) per operation list, with the pinned host keys only, the key from memory, and neither an agent nor
files of the user. One store keeps one connection, opened at the first use.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import paramiko

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.primitives import quoting
from paraduxd.effects.files import bounded
from paraduxd.effects.tools import sftp, ssh_failures
from paraduxd.protocols.base import Blob, BlobStore, Context
from paraduxd.protocols.blob_stores import replacing

if TYPE_CHECKING:
    from paraduxd.protocols.sftp import SftpSettings

TEMPORARY = ".tmp-"
"""How the names of half-written objects start; no object may have such a name."""

_PIECE = 256 * 1024
_WINDOW = 16 * 1024 * 1024
"""So many bytes are asked for ahead."""

_NOT_WRITTEN = re.compile("Failure$|size mismatch in put")
"""What paramiko says when the server refused to write, depending on whether it asked in time."""


class SftpBlobs(BlobStore):
    """Objects as files of one directory on the server."""

    def __init__(self, settings: SftpSettings, context: Context) -> None:
        address = settings.address()
        self._where = f"{address.host}:{address.port}"
        self._folder = (address.path.rstrip("/") or "/").encode("utf-8", "surrogateescape")
        host_keys = context.host_keys.get(self._where, ())
        self._connection = sftp.Connection(address, settings.credentials, host_keys)

    def put(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.put`. The size is checked at the server before the object gets its name."""
        with self._translated_errors(name):
            client = self._connection.client()
            _make_directories(client, self._folder)
            temporary = self._path(f"{TEMPORARY}{secrets.token_hex(8)}")
            try:
                client.putfo(data, temporary, confirm=True)
                self._rename(client, temporary, name)
            except BaseException:
                with contextlib.suppress(Exception):
                    client.remove(temporary)
                raise

    def _rename(self, client: sftp.Client, temporary: bytes, name: str) -> None:
        """Give the object its name, at once where the server replaces files."""
        if client.renames_over:
            client.posix_rename(temporary, self._path(name))
            return
        try:
            client.rename(temporary, self._path(name))
        except OSError:
            if not _is_there(client, self._path(name)):
                raise
            replacing.replace(
                os.path.basename(temporary).decode(),  # noqa: PTH119  (a path of the server)
                name,
                rename=lambda old, new: client.rename(self._path(old), self._path(new)),
                remove=lambda old: client.remove(self._path(old)),
                present=_is_there(client, self._path(replacing.aside(name))),
            )

    def overwrite(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.overwrite`: in place, which a server may allow that forbids renaming."""
        with self._translated_errors(name):
            self._connection.client().putfo(data, self._path(name), confirm=False)

    def get(self, name: str) -> Iterator[bytes]:
        """See `BlobStore.get`."""
        with self._translated_errors(name), self._opened(self._connection.client(), name) as file:
            pace = bounded.Pace(self._where)
            for piece in _pieces(file):
                pace.moved(len(piece))
                yield piece

    def _opened(self, client: sftp.Client, name: str) -> paramiko.SFTPFile:
        """An object, wherever `replacing` has it in this moment."""
        for each in (name, *([] if client.renames_over else [replacing.aside(name)])):
            with contextlib.suppress(FileNotFoundError):
                return client.open(self._path(each), "rb")
        return client.open(self._path(name), "rb")

    def list(self) -> tuple[Blob, ...]:
        """See `BlobStore.list`."""
        return replacing.shown(blob for blob in self._files() if not blob.name.startswith(TEMPORARY))

    def _files(self) -> Iterator[Blob]:
        """Half-written ones, too."""
        with self._translated_errors():
            try:
                found = list(self._listed())
            except FileNotFoundError:
                return
        yield from found

    def _listed(self) -> Iterator[Blob]:
        listing = bounded.Listing(self._where)
        for entry in self._connection.client().listdir_iter(self._folder):
            listing.count(len(entry.filename))
            if stat.S_ISREG(entry.st_mode or 0):
                yield Blob(entry.filename, entry.st_size or 0)

    def delete(self, name: str) -> None:
        """See `BlobStore.delete`."""
        with self._translated_errors(name):
            client = self._connection.client()
            for each in (*([] if client.renames_over else [replacing.aside(name)]), name):
                with contextlib.suppress(FileNotFoundError):
                    client.remove(self._path(each))

    def sweep(self) -> None:
        """See `BlobStore.sweep`."""
        names = {blob.name for blob in self._files()}
        for name in (each for each in names if each.startswith(TEMPORARY)):
            self.delete(name)
        if any(each.startswith(replacing.ASIDE) for each in names):
            with self._translated_errors():
                client = self._connection.client()
                replacing.heal(
                    names,
                    rename=lambda old, new: client.rename(self._path(old), self._path(new)),
                    remove=lambda old: client.remove(self._path(old)),
                )

    def _path(self, name: str) -> bytes:
        return self._folder.rstrip(b"/") + b"/" + name.encode()

    @contextlib.contextmanager
    def _translated_errors(self, name: str = "") -> Iterator[None]:
        """Failures of the server and the network as sentences; after one of the network the next use connects anew."""
        try:
            yield
        except FileNotFoundError:
            raise ParaduxError(
                "not-found", f"there is no object {name} at {self._where}", "see what is published there"
            ) from None
        except UnicodeError:
            text = f"the directory at {self._where} holds names that are not UTF-8, so it is not one of Paradux"
            raise ParaduxError("unusable-directory", text, "give an empty directory with paraductl edit") from None
        except (paramiko.SSHException, EOFError, OSError) as problem:
            raise self._sentence(problem) from None

    def _sentence(self, problem: Exception) -> ParaduxError:
        number = getattr(problem, "errno", None)
        if number == errno.EACCES:
            text = f"{self._where} does not allow this in the directory of the address{quoting.says([_words(problem)])}"
            return ParaduxError("permission-denied", text, "check the path, and the permissions there")
        if number in {errno.ENOSPC, errno.EDQUOT}:
            return TransientError("disk-full", f"the disk of {self._where} is full", "make room there")
        if isinstance(problem, OSError) and number is None and _NOT_WRITTEN.match(str(problem)):
            text = f"{self._where} could not write the file: most likely its disk is full or a quota used up"
            return TransientError("disk-full", text, "make room there")
        alive = self._connection.is_alive()
        self._connection.close()
        if alive and isinstance(problem, OSError) and number is None and str(problem):  # an answer of the server
            text = f"{self._where} refused this{quoting.says([str(problem)])}"
            return TransientError("server-failed", text, "it will be tried again; if it stays, see the server's log")
        return ssh_failures.connection_lost(self._where)


def _words(problem: Exception) -> str:
    return str(getattr(problem, "strerror", None) or problem)


def _is_there(client: sftp.Client, path: bytes) -> bool:
    with contextlib.suppress(FileNotFoundError):
        client.stat(path)
        return True
    return False


def _pieces(file: paramiko.SFTPFile) -> Iterator[bytes]:
    """The content, asked for ahead by one window at a time, whatever size the server tells."""
    size, position = file.stat().st_size or 0, 0
    while True:
        if position % _WINDOW == 0 and position < size:
            file.prefetch(min(size, position + _WINDOW))
        if not (piece := file.read(min(_PIECE, _WINDOW - position % _WINDOW))):
            return
        position += len(piece)
        yield piece


def _make_directories(client: paramiko.SFTPClient, folder: bytes) -> None:
    """Make the directory, and those above it, as far as they are missing."""
    with contextlib.suppress(FileNotFoundError):
        client.stat(folder)
        return
    above = os.path.dirname(folder)  # noqa: PTH120  (a path of the server)
    if above not in {b"", folder}:
        _make_directories(client, above)
    client.mkdir(folder)
