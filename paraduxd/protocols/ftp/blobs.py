"""A directory on an FTP server as a blob store, with or without TLS.

Objects are written under a temporary name, their size is checked, and then they get their own. One store keeps one session, which
is opened anew when the server has closed it for being idle.
"""

from __future__ import annotations

import contextlib
import ftplib
import re
import secrets
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives import quoting
from paraduxd.effects.files import bounded
from paraduxd.effects.tools.ftp import sessions as ftp
from paraduxd.protocols.base import Blob, BlobStore, Context, TransientError
from paraduxd.protocols.blob_stores import replacing
from paraduxd.protocols.ftp import directory
from paraduxd.protocols.ftp.settings import FtpSettings

TEMPORARY = "_tmp-"
"""How the names of half-written objects start; no object may have such a name."""

_PIECE = 256 * 1024
_GIVEN_UP = ("426", "451")
_FULL = re.compile(r"(452|552)|.*\b(no space left|disk full|quota)", re.IGNORECASE)


class FtpBlobs(BlobStore):
    """Objects as files of one directory on the server."""

    def __init__(self, settings: FtpSettings, context: Context, secure: bool = False) -> None:
        self._address = settings.address()
        self._where = f"{self._address.host}:{self._address.port}"
        pins = context.host_keys.get(self._where, ())
        self._open = partial(ftp.open_session, self._address, settings.credentials.password, secure, pins)
        self._session: ftplib.FTP | None = None
        self._there = False

    def put(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.put`. What a crash leaves is a file with a temporary name, or what `replacing.py` says."""
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        with self._translated_errors(name):
            session = self._entered(make=True)
            counted = _Counted(data)
            try:
                self._send(session, temporary, counted)
                self._check_size(session, temporary, counted.bytes)
                directory.rename(session, temporary, name)
            except BaseException:
                self._remove_after_failure(temporary)
                raise

    def overwrite(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.overwrite`: under its own name."""
        with self._translated_errors(name):
            self._send(self._entered(make=False), name, _Counted(data))

    def get(self, name: str) -> Iterator[bytes]:
        """See `BlobStore.get`. The session is not to be had for anything else meanwhile: another one is opened then."""
        with self._translated_errors(name):
            if not self._in_folder():
                raise self._absent(name)
            session, self._session = self._entered(make=False), None
            try:
                (there, expected), pace = directory.found(session, name), bounded.Pace(self._where)
                received = 0
                with session.transfercmd(f"RETR {there}") as connection:
                    while piece := connection.recv(_PIECE):
                        received += len(piece)
                        pace.moved(len(piece))
                        yield piece
                session.voidresp()
                if expected is not None and received != expected:
                    raise EOFError
            except BaseException:
                session.close()
                raise
            self.close()
            self._session = session

    def list(self) -> tuple[Blob, ...]:
        """See `BlobStore.list`."""
        with self._translated_errors():
            if not self._in_folder():
                return ()
            entries = directory.entries(self._entered(make=False))
        return replacing.shown(Blob(*entry) for entry in entries if not entry[0].startswith(TEMPORARY))

    def delete(self, name: str) -> None:
        """See `BlobStore.delete`."""
        with self._translated_errors(name):
            if not self._in_folder():
                return
            session = self._entered(make=False)
            with contextlib.suppress(ftplib.error_perm):
                session.delete(replacing.aside(name))
            directory.delete(session, name)

    def sweep(self) -> None:
        """See `BlobStore.sweep`."""
        with self._translated_errors():
            entries = directory.entries(self._entered(make=False)) if self._in_folder() else []
        names = {name for name, _ in entries}
        for name in (each for each in names if each.startswith(TEMPORARY)):
            self.delete(name)
        if any(each.startswith(replacing.ASIDE) for each in names):
            with self._translated_errors():
                session = self._entered(make=False)
                replacing.heal(names, rename=session.rename, remove=session.delete)

    def close(self) -> None:
        """End the session; none open is success."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _in_folder(self) -> bool:
        """Whether the directory is there; the session is in it then."""
        try:
            self._entered(make=False)
        except ftplib.error_perm as problem:
            if str(problem).startswith(directory.ABSENT):
                return False
            raise
        return True

    def _entered(self, make: bool) -> ftplib.FTP:
        """A living session that is in the directory."""
        if self._session is not None:
            try:
                self._session.voidcmd("NOOP")
            except ftplib.all_errors:
                self.close()
        if self._session is None:
            self._session, self._there = self._open(), False
        if not self._there:
            directory.enter(self._session, self._address.path, make)
            self._there = True
        return self._session

    def _send(self, session: ftplib.FTP, name: str, data: _Counted) -> None:
        """The file, and the server's word on it, which also counts when it gave up in the middle."""
        try:
            try:
                session.storbinary(f"STOR {name}", data, _PIECE)
            except OSError:
                session.voidresp()
                raise
        except ftplib.error_temp as problem:
            if _FULL.match(str(problem)) or not str(problem).startswith(_GIVEN_UP):
                raise
            text = f"{self._where} could not write the file: most likely its disk is full or a quota used up"
            raise TransientError("disk-full", text, "make room there") from None

    def _check_size(self, session: ftplib.FTP, name: str, expected: int) -> None:
        size = directory.size(session, name)
        if size is None:
            size = dict(directory.entries(session)).get(name)
        if size != expected:
            text = f"{self._where} did not keep all of the file: most likely its disk is full or a quota used up"
            raise TransientError("disk-full", text, "make room there")

    def _remove_after_failure(self, temporary: str) -> None:
        """With a new session: the old one may be in the middle of a transfer."""
        self.close()
        with contextlib.suppress(*ftplib.all_errors, ParaduxError):
            self._entered(make=False).delete(temporary)

    def _absent(self, name: str) -> ParaduxError:
        return ParaduxError("not-found", f"there is no object {name} at {self._where}", "see what is published there")

    @contextlib.contextmanager
    def _translated_errors(self, name: str = "") -> Iterator[None]:
        """Failures of the server and the network as sentences; after one of the network the next use connects anew."""
        try:
            yield
        except ParaduxError as problem:
            if problem.code == "too-large":  # the server is still sending
                self.close()
            raise
        except UnicodeError:
            connected = self._session is not None
            self.close()
            if not connected:
                raise self._sentence(ftplib.error_proto(), name, connected) from None  # noqa: S321
            text = f"the directory at {self._where} holds names that are not UTF-8, so it is not one of Paradux"
            raise ParaduxError("unusable-directory", text, "give an empty directory with paraductl edit") from None
        except (OSError, EOFError, ftplib.Error) as problem:
            connected = self._session is not None
            self.close()
            raise self._sentence(problem, name, connected) from None

    def _sentence(self, problem: Exception, name: str, connected: bool) -> ParaduxError:
        answer = str(problem)
        if isinstance(problem, (ftplib.error_perm, ftplib.error_temp)) and _FULL.match(answer):
            text = f"the disk of {self._where} is full, or a quota used up{quoting.says([answer])}"
            return TransientError("disk-full", text, "make room there")
        if isinstance(problem, directory.MissingError):
            return self._absent(name)
        if isinstance(problem, ftplib.error_perm):
            text = f"{self._where} refused this{quoting.says([answer])}"
            return ParaduxError("permission-denied", text, "check the path of the address, and the permissions there")
        if isinstance(problem, (ftplib.error_reply, ftplib.error_proto)):
            text = f"{self._where} does not answer like an FTP server{quoting.says([answer])}"
            return ParaduxError("bad-answer", text, "check the address and the port with paraductl edit")
        if not connected and isinstance(problem, OSError):
            text = f"cannot reach {self._where}: the server does not answer"
            return TransientError("unreachable", text, "check that it is switched on and online")
        text = f"the connection to {self._where} was lost"
        return TransientError("connection-lost", text, "the next run goes on from there")


class _Counted:
    """Data on its way, and how much of it has been read."""

    def __init__(self, data: BinaryIO) -> None:
        self._data = data
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._data.read(size)
        self.bytes += len(piece)
        return piece
