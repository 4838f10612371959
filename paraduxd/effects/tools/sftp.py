"""paramiko as a transport for SFTP: the pinned host keys only, credentials from memory, no agent and no files of the user."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pwd
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import paramiko

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import SshAddress, SshCredentials
from paraduxd.effects.files import bounded
from paraduxd.effects.tools import ssh, ssh_failures

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs every lost connection with a traceback

_TIMEOUT = 15.0
"""Seconds to connect, and for each step of logging in."""

_OPENING_SECONDS = 45.0
"""For all steps up to the first answer of file transfer."""

_IDLE_SECONDS = 120.0

_SHORT_BANNER = 3
"""Lines."""

_KEY_TYPES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


_LONGEST_PACKET = 1024 * 1024
"""Bytes; OpenSSH sends and takes 256 KiB."""

_LONGEST_GREETING = 4096
"""Bytes."""

_MOMENT = 1.0
"""Seconds."""

_INIT, _VERSION = 1, 3
_POSIX_RENAME = b"posix-rename@openssh.com"


class Client(paramiko.SFTPClient):
    """One that does not wait in memory for all that a server announces, nor for a packet that never ends.

    `renames_over`: the server can replace a file by renaming another (posix-rename@openssh.com).
    """

    renames_over = False
    _heard = b""

    def _read_all(self, n: int) -> bytes:
        if n > _LONGEST_PACKET:
            raise paramiko.SFTPError("the packet is too long")
        deadline, found = time.monotonic() + bounded.patience.answer, bytearray()
        while len(found) < n:
            piece = self.sock.recv(n - len(found))
            if not piece or time.monotonic() > deadline:
                raise EOFError
            found += piece
            if len(self._heard) < _LONGEST_GREETING:
                self._heard += piece[:_LONGEST_GREETING]
        return bytes(found)

    def _send_version(self) -> int:
        """SFTP's first two packets; the server's names the extensions that it has (draft-ietf-secsh-filexfer-02, section 4)."""
        init = paramiko.Message()
        init.add_int(_VERSION)
        self._send_packet(_INIT, init)  # type: ignore[attr-defined]  # of paramiko's base class
        try:
            kind, data = self._read_packet()  # type: ignore[attr-defined]
        except (paramiko.SFTPError, EOFError):
            raise _UnexpectedError(self._heard + self._rest()) from None
        if kind != _INIT + 1:
            raise _UnexpectedError(self._heard)
        told = paramiko.Message(data)
        version = int(told.get_int())
        while name := told.get_string():
            told.get_string()
            self.renames_over |= name == _POSIX_RENAME
        return version

    def _rest(self) -> bytes:
        """What else the server says within a moment."""
        channel = self.get_channel()
        return _heard(channel, channel.recv) if channel else b""


def _heard(channel: paramiko.Channel, receive: Callable[[int], bytes]) -> bytes:
    """What comes within a moment, up to a length."""
    found = bytearray()
    channel.settimeout(_MOMENT)
    with contextlib.suppress(OSError):
        while len(found) < _LONGEST_GREETING and (piece := receive(_LONGEST_GREETING)):
            found += piece
    return bytes(found)


class _UnexpectedError(Exception):
    """The server does not speak SFTP; what it says instead."""

    def __init__(self, heard: bytes) -> None:
        super().__init__("no SFTP")
        self.heard = heard


class Connection:
    """An SFTP session that is opened at the first use and stays open until `close` or the end of the process."""

    def __init__(self, address: SshAddress, credentials: SshCredentials, host_keys: Sequence[str]) -> None:
        self._address = address
        self._credentials = credentials
        self._host_keys = host_keys
        self._transport: paramiko.Transport | None = None
        self._client: Client | None = None

    def client(self) -> Client:
        """The session; a new one where the server has ended the last while it was idle.

        Raises `ParaduxError` for keys that are missing or changed and for a refused login.
        """
        if self._client is not None and not self.is_alive():
            self.close()
        if self._client is None:
            where = f"{self._address.host}:{self._address.port}"
            try:
                self._client = self._open(where)
            except (paramiko.SSHException, EOFError, OSError):
                self.close()
                raise ssh_failures.connection_lost(where) from None
            except ParaduxError:
                self.close()
                raise
        return self._client

    def is_alive(self) -> bool:
        """Whether the server can still be spoken to. Its channel ends a moment before it counts as gone."""
        channel = self._client.get_channel() if self._client is not None else None
        return self._transport is not None and self._transport.is_active() and not (channel and channel.closed)

    def close(self) -> None:
        """End the session; none open is success."""
        if self._transport is not None:
            self._transport.close()
        self._transport = self._client = None

    def _open(self, where: str) -> Client:
        keys = [ssh.key_line(line).split() for line in ssh.pinned(self._address, self._host_keys)]
        with self._connected(where) as transport:
            transport.get_security_options().key_types = _acceptable(transport, [kind for kind, _ in keys])
            self._agree(transport, where)
            shown = transport.get_remote_server_key()
            if [shown.get_name(), shown.get_base64()] not in keys:
                raise ssh_failures.host_key_changed(where)
            self._log_in(transport, where)
            client = _session(transport, where)
        if channel := client.get_channel():
            channel.settimeout(_IDLE_SECONDS)
        return client

    @contextlib.contextmanager
    def _connected(self, where: str) -> Iterator[paramiko.Transport]:
        """A connection, which ends when what is done with it takes too long."""
        try:
            channel = socket.create_connection((self._address.host, self._address.port), _TIMEOUT)
        except OSError:
            raise ssh_failures.unreachable(where) from None
        self._transport = paramiko.Transport(channel)
        self._transport.banner_timeout = self._transport.auth_timeout = self._transport.channel_timeout = _TIMEOUT
        self._transport.set_keepalive(15)
        with bounded.hanging_up(channel, _OPENING_SECONDS):
            yield self._transport

    def _agree(self, transport: paramiko.Transport, where: str) -> None:
        """Agree on algorithms. A server may show no key of a pinned kind any more: a change, unless it is that key all the same."""
        try:
            transport.start_client(timeout=_TIMEOUT)
        except paramiko.ssh_exception.IncompatiblePeer as problem:
            if "host key" in str(problem) and not self._still_shown():
                raise ssh_failures.host_key_changed(where) from None
            raise ssh_failures.nothing_in_common(where, re.findall(r"\((.*)\)", str(problem))) from None

    def _still_shown(self) -> bool:
        """Whether the server shows one of the pinned keys to OpenSSH, which signs in older ways as well."""
        pinned = {ssh.key_line(line) for line in self._host_keys}
        return bool(pinned.intersection(ssh.scan_host_keys(self._address.host, self._address.port)))

    def _log_in(self, transport: paramiko.Transport, where: str) -> None:
        user = self._address.user or pwd.getpwuid(os.getuid()).pw_name
        key, password = self._credentials.private_key, self._credentials.password
        if key is None and password is None:
            raise ssh_failures.no_credentials()
        wanted: list[str] = []
        try:
            if key is not None:
                wanted = transport.auth_publickey(user, _private_key(key))
            if password is not None and not transport.is_authenticated():
                wanted = transport.auth_password(user, ssh.one_line(password))
        except paramiko.BadAuthenticationType as problem:
            raise ssh_failures.login_refused(where, [f"only {', '.join(problem.allowed_types)}"]) from None
        except paramiko.AuthenticationException:
            raise ssh_failures.login_refused(where, _banner(transport)) from None
        if not transport.is_authenticated():
            raise ssh_failures.more_wanted(where, wanted)


def _banner(transport: paramiko.Transport) -> list[str]:
    """What the server tells everybody who logs in, unless it is a whole notice."""
    lines = (transport.get_banner() or b"").decode(errors="replace").strip().splitlines()
    return lines if len(lines) <= _SHORT_BANNER else []


def _session(transport: paramiko.Transport, where: str) -> Client:
    """The session of file transfer; raises `ParaduxError` with what the server says instead of giving one."""
    try:
        client = Client.from_transport(transport)
    except _UnexpectedError as problem:
        if problem.heard:
            raise ssh_failures.unclean(where, _lines(problem.heard)) from None
        raise _refused(where, _told(transport)) from None
    except paramiko.ChannelException as problem:
        raise _refused(where, [problem.text]) from None
    except (paramiko.SSHException, EOFError, OSError) as problem:
        if isinstance(problem, OSError) and not transport.is_active():
            raise  # the connection is lost, not only the session, which may end before a word is sent
        raise _refused(where, _told(transport)) from None
    if client is None:
        raise EOFError
    return client


def _refused(where: str, said: Sequence[str]) -> ParaduxError:
    return ssh_failures.session_refused(where, said, "file transfer (SFTP)")


def _told(transport: paramiko.Transport) -> list[str]:
    """What the server says to another session: OpenSSH drops what a forced command complains of where file transfer was asked for."""
    with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
        channel = transport.open_session(timeout=_TIMEOUT)
        channel.exec_command("echo")
        return _lines(_heard(channel, channel.recv) + _heard(channel, channel.recv_stderr))
    return []


def _lines(said: bytes) -> list[str]:
    return said.decode(errors="replace").splitlines()


def _acceptable(transport: paramiko.Transport, pinned: Sequence[str]) -> list[str]:
    """The host key algorithms to offer: those of the pinned keys, so that the server shows one of them."""
    offered = transport.get_security_options().key_types
    chosen = [kind for kind in offered if kind in pinned or (kind.startswith("rsa-sha2-") and "ssh-rsa" in pinned)]
    return chosen or list(offered)


def _private_key(text: str) -> paramiko.PKey:
    """The key, whichever type it is; raises `ParaduxError` "bad-credentials"."""
    for kind in _KEY_TYPES:
        try:
            return kind.from_private_key(io.StringIO(ssh.private_key_text(text)))
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise ssh_failures.bad_private_key()
