"""paramiko as a transport for SFTP: the pinned host keys only, credentials from memory, no agent and no files of the user."""

from __future__ import annotations

import io
import logging
import os
import pwd
import socket
import time
from collections.abc import Sequence

import paramiko

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import SshAddress, SshCredentials
from paraduxd.effects.files import bounded
from paraduxd.effects.tools import ssh

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs every lost connection with a traceback

_TIMEOUT = 15.0
"""Seconds to connect, and for each step of logging in."""

_IDLE_SECONDS = 120.0

_KEY_TYPES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


_LONGEST_PACKET = 1024 * 1024
"""Bytes; OpenSSH sends and takes 256 KiB."""


class _Client(paramiko.SFTPClient):
    """One that does not wait in memory for all that a server announces, nor for a packet that never ends."""

    def _read_all(self, n: int) -> bytes:
        if n > _LONGEST_PACKET:
            raise paramiko.SFTPError("the packet is too long")
        deadline, found = time.monotonic() + bounded.patience.answer, bytearray()
        while len(found) < n:
            piece = self.sock.recv(n - len(found))
            if not piece or time.monotonic() > deadline:
                raise EOFError
            found += piece
        return bytes(found)


class Connection:
    """An SFTP session that is opened at the first use and stays open until `close` or the end of the process."""

    def __init__(self, address: SshAddress, credentials: SshCredentials, host_keys: Sequence[str]) -> None:
        self._address = address
        self._credentials = credentials
        self._host_keys = host_keys
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None

    def client(self) -> paramiko.SFTPClient:
        """The session. Raises `ParaduxError` for keys that are missing or changed and for a refused login."""
        if self._client is None:
            where = f"{self._address.host}:{self._address.port}"
            try:
                self._client = self._open(where)
            except (paramiko.SSHException, EOFError, OSError) as problem:
                self.close()
                raise sentence(problem, where) from None
            except ParaduxError:
                self.close()
                raise
        return self._client

    def close(self) -> None:
        """End the session; none open is success."""
        if self._transport is not None:
            self._transport.close()
        self._transport = self._client = None

    def _open(self, where: str) -> paramiko.SFTPClient:
        keys = [ssh.key_line(line).split() for line in ssh.pinned(self._address, self._host_keys)]
        transport = self._connect(where)
        transport.get_security_options().key_types = _acceptable(transport, [kind for kind, _ in keys])
        transport.start_client(timeout=_TIMEOUT)
        shown = transport.get_remote_server_key()
        if [shown.get_name(), shown.get_base64()] not in keys:
            raise ssh.host_key_changed(where)
        self._log_in(transport, where)
        client = _Client.from_transport(transport)
        if client is None:
            raise EOFError
        if channel := client.get_channel():
            channel.settimeout(_IDLE_SECONDS)
        return client

    def _connect(self, where: str) -> paramiko.Transport:
        try:
            channel = socket.create_connection((self._address.host, self._address.port), _TIMEOUT)
        except OSError:
            raise ssh.unreachable(where) from None
        self._transport = paramiko.Transport(channel)
        self._transport.banner_timeout = self._transport.auth_timeout = _TIMEOUT
        self._transport.set_keepalive(15)
        return self._transport

    def _log_in(self, transport: paramiko.Transport, where: str) -> None:
        user = self._address.user or pwd.getpwuid(os.getuid()).pw_name
        try:
            if self._credentials.private_key is not None:
                transport.auth_publickey(user, _private_key(self._credentials.private_key))
            elif self._credentials.password is not None:
                transport.auth_password(user, ssh.one_line(self._credentials.password))
            else:
                raise ssh.no_credentials()
        except paramiko.AuthenticationException:
            raise ssh.login_refused(where) from None


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
    raise ssh.bad_private_key()


def sentence(problem: Exception, where: str) -> ParaduxError:
    """A failure of the network, or of the other side, once it was reached."""
    if isinstance(problem, paramiko.ssh_exception.IncompatiblePeer):
        return ssh.host_key_changed(where)
    return ssh.connection_lost(where)
