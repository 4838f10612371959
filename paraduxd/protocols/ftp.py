"""`ftp`: a directory on an FTP server as a blob store; `ftps.py` is the same with TLS.

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
from typing import Annotated, BinaryIO
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.protocol_settings import ProtocolSettings, Secret, SshAddress, Strict, Text, parse_ssh_url
from paraduxd.core.config.setup import Setup, begins_with
from paraduxd.core.primitives import quoting
from paraduxd.effects.files import bounded
from paraduxd.effects.tools import ftp
from paraduxd.protocols import replacing
from paraduxd.protocols.base import Blob, BlobStore, Context, Protocol, TransientError
from paraduxd.protocols.by_hand import ftp as by_hand
from paraduxd.protocols.setup_questions import PASSWORD

TEMPORARY = "_tmp-"
"""How the names of half-written objects start; no object may have such a name."""

_PIECE = 256 * 1024
_PORT = 21
_ABSENT = "550"
_GIVEN_UP = ("426", "451")
_UNKNOWN_COMMAND = ("500", "501", "502", "504")
_FULL = re.compile(r"(452|552)|.*\b(no space left|disk full|quota)", re.IGNORECASE)
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
        with self._told(name):
            session = self._entered(make=True)
            counted = _Counted(data)
            try:
                self._send(session, temporary, counted)
                self._check_size(session, temporary, counted.bytes)
                _rename(session, temporary, name)
            except BaseException:
                self._remove_after_failure(temporary)
                raise

    def overwrite(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.overwrite`: under its own name."""
        with self._told(name):
            self._send(self._entered(make=False), name, _Counted(data))

    def get(self, name: str) -> Iterator[bytes]:
        """See `BlobStore.get`. The session is not to be had for anything else meanwhile: another one is opened then."""
        with self._told(name):
            if not self._in_folder():
                raise self._absent(name)
            session, self._session = self._entered(make=False), None
            try:
                (there, expected), pace = _found(session, name), bounded.Pace(self._where)
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
        with self._told():
            if not self._in_folder():
                return ()
            entries = _entries(self._entered(make=False))
        return replacing.shown(Blob(*entry) for entry in entries if not entry[0].startswith(TEMPORARY))

    def delete(self, name: str) -> None:
        """See `BlobStore.delete`."""
        with self._told(name):
            if not self._in_folder():
                return
            session = self._entered(make=False)
            with contextlib.suppress(ftplib.error_perm):
                session.delete(replacing.aside(name))
            _delete(session, name)

    def sweep(self) -> None:
        """See `BlobStore.sweep`."""
        with self._told():
            entries = _entries(self._entered(make=False)) if self._in_folder() else []
        names = {name for name, _ in entries}
        for name in (each for each in names if each.startswith(TEMPORARY)):
            self.delete(name)
        if any(each.startswith(replacing.ASIDE) for each in names):
            with self._told():
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
            if str(problem).startswith(_ABSENT):
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
            _enter(self._session, self._address.path, make)
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
        size = _size(session, name)
        if size is None:
            size = dict(_entries(session)).get(name)
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
    def _told(self, name: str = "") -> Iterator[None]:
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
        if isinstance(problem, _Missing):
            return self._absent(name)
        if isinstance(problem, ftplib.error_perm):
            text = f"{self._where} refused this{quoting.says([answer])}"
            return ParaduxError("permission-denied", text, "check the path of the address, and the permissions there")
        if isinstance(problem, (ftplib.error_reply, ftplib.error_proto)):
            text = f"{self._where} answers as no FTP server does{quoting.says([answer])}"
            return ParaduxError("bad-answer", text, "check the address and the port with paraductl edit")
        if not connected and isinstance(problem, OSError):
            text = f"cannot reach {self._where}: the server does not answer"
            return TransientError("unreachable", text, "check that it is switched on and online")
        text = f"the connection to {self._where} was lost"
        return TransientError("connection-lost", text, "the next run goes on from there")


class _Missing(ftplib.error_perm):
    """The file that was asked for is not there."""


class _Counted:
    """Data on its way, and how much of it has been read."""

    def __init__(self, data: BinaryIO) -> None:
        self._data = data
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._data.read(size)
        self.bytes += len(piece)
        return piece


def _size(session: ftplib.FTP, name: str) -> int | None:
    """The size in bytes; `None` where the server cannot tell. Binary from here on: a listing has made the session textual."""
    session.voidcmd("TYPE I")
    try:
        return session.size(name)
    except ValueError:
        raise ftplib.error_proto("no size") from None  # noqa: S321
    except ftplib.error_perm as problem:
        if str(problem).startswith(_UNKNOWN_COMMAND):
            return None
        if str(problem).startswith(_ABSENT) and all(name != entry for entry, _ in _entries(session)):
            raise _Missing(str(problem)) from None
        raise


def _found(session: ftplib.FTP, name: str) -> tuple[str, int | None]:
    """Under which name an object is, and its size."""
    try:
        return name, _size(session, name)
    except _Missing:
        sizes = dict(_entries(session))
        if replacing.aside(name) not in sizes:
            raise
        return replacing.aside(name), _size(session, replacing.aside(name))


def _delete(session: ftplib.FTP, name: str) -> None:
    try:
        session.delete(name)
    except ftplib.error_perm:
        if any(name == entry for entry, _ in _entries(session)):
            raise


def _entries(session: ftplib.FTP) -> list[tuple[str, int]]:
    """The files of the present directory with their sizes; by NLST and SIZE where the server has no MLSD."""
    try:
        session.sendcmd("OPTS MLST type;size;")
        lines = _lines(session, "MLSD")
    except ftplib.error_perm as problem:
        if not str(problem).startswith(_UNKNOWN_COMMAND):
            raise
        return _entries_by_names(session)
    return [entry for line in lines if (entry := _parsed(line))]


def _parsed(line: str) -> tuple[str, int] | None:
    """Name and size of a file on a line of MLSD; `None` for anything else."""
    told, _, name = line.rstrip("\r\n").partition(" ")
    facts = {key.lower(): value for key, _, value in (fact.partition("=") for fact in told[:-1].split(";"))}
    if facts.get("type") != "file":
        return None
    try:
        return name, bounded.size(facts.get("size", 0))
    except ValueError:
        raise ftplib.error_proto("no size") from None  # noqa: S321


def _lines(session: ftplib.FTP, command: str) -> list[str]:
    """What a command lists; raises `ParaduxError` "too-large" before there is too much of it."""
    listing, lines = bounded.Listing(f"{session.host}:{session.port}"), list[str]()

    def take(line: str) -> None:
        listing.count(len(line))
        lines.append(line)

    session.retrlines(command, take)
    return lines


def _entries_by_names(session: ftplib.FTP) -> list[tuple[str, int]]:
    try:
        names = [each.rpartition("/")[2] for each in _lines(session, "NLST")]
    except ftplib.error_perm as problem:
        if str(problem).startswith(_ABSENT):  # an empty directory, as many servers tell it
            return []
        raise
    session.voidcmd("TYPE I")
    sized = []
    for name in names:
        with contextlib.suppress(ftplib.error_perm):  # a directory has no size
            sized.append((name, session.size(name) or 0))
    return sized


def _enter(session: ftplib.FTP, path: str, make: bool) -> None:
    """Go to the directory; with `make`, what is missing of the way is made."""
    try:
        session.cwd(path)
        return
    except ftplib.error_perm as problem:
        if not make or not str(problem).startswith(_ABSENT):
            raise
    if path.startswith("/"):
        session.cwd("/")
    for part in filter(None, path.split("/")):
        try:
            session.cwd(part)
        except ftplib.error_perm:
            session.mkd(part)
            session.cwd(part)


def _rename(session: ftplib.FTP, temporary: str, name: str) -> None:
    """Give the object its name, at once where the server replaces files."""
    try:
        session.rename(temporary, name)
    except ftplib.error_perm:
        there = {entry for entry, _ in _entries(session)}
        if name not in there:
            raise
        present = replacing.aside(name) in there
        replacing.replace(temporary, name, rename=session.rename, remove=session.delete, present=present)


PROTOCOL = Protocol(
    "ftp",
    FtpSettings,
    blobs=FtpBlobs,
    traits=Traits(login_in_clear='use "ftps" if the server can, or sftp'),
    setup=Setup(
        "an FTP server without TLS",
        Question("url", "Address", "ftp://fred@friend.example/paradux", required=True),
        begins_with("ftp:"),
        (PASSWORD,),
    ),
    by_hand=by_hand.BY_HAND,
)
