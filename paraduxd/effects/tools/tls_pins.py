"""Certificates of servers: those that the system's authorities vouch for, and those that the owner has accepted (pinned).

A pin is a line "x509 BASE64-DER" under "host:port" in `managed.hosts`; a worker finds those of its server in `Context.host_keys`.
A protocol names its servers in `ProtocolSettings.tls_hosts`, so that the owner is asked, and hands the pins of its server to `context`
(Python's ssl) or `ca_file` (programs such as rclone and restic, as a file in memory). Without pins both trust the system's authorities.
"""

from __future__ import annotations

import base64
import binascii
import ftplib
import hashlib
import re
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.primitives import quoting
from paraduxd.effects.files import bounded
from paraduxd.effects.tools.ftp.answers import BoundedAnswers

_SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


def context(pins: Sequence[str]) -> ssl.SSLContext:
    """What to connect with: the system's authorities and the host's name, or exactly one of the pinned certificates.

    A connection to a server with another certificate fails in the handshake, before anything is sent, with
    `ssl.SSLCertVerificationError`; `refused` makes a sentence of it. A pinned certificate counts whatever name and dates it has.
    """
    if not pins:
        return ssl.create_default_context()
    accepted = frozenset(der(pin) for pin in pins)

    class Pinned(ssl.SSLSocket):
        """A connection that compares the certificate with the pins."""

        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            if self.getpeercert(binary_form=True) not in accepted:
                raise ssl.SSLCertVerificationError("not the pinned certificate")

    made = _unverified()
    made.sslsocket_class = Pinned
    return made


def ca_file(pins: Sequence[str]) -> str:
    """PEM text for programs that take a file of authorities: the pinned certificates alone, or the system's authorities."""
    if pins:
        return "".join(ssl.DER_cert_to_PEM_cert(der(pin)) for pin in pins)
    return bounded.text(_SYSTEM)


def ask(host: str, port: int, how: str, timeout: float = 10) -> str | None:
    """The certificate that a server shows now, as a pin; `None` when the system's authorities vouch for it.

    `how` is "tls", or "ftp" for AUTH TLS; `timeout` is in seconds. Raises `TransientError` "unreachable" and `ParaduxError` "no-tls".
    """
    try:
        try:
            _shown(host, port, how, timeout, ssl.create_default_context())
            return None
        except ssl.SSLCertVerificationError:
            shown = _shown(host, port, how, timeout, _unverified())
    except (ssl.SSLError, ftplib.Error, EOFError):
        raise ParaduxError(
            "no-tls",
            f"{host}:{port} does not speak TLS as it should",
            "check the address and the port with paraductl edit",
        ) from None
    except OSError:
        raise TransientError(
            "unreachable",
            f"cannot reach {host}:{port}: the server does not answer",
            "check that it is switched on and online",
        ) from None
    return f"x509 {base64.b64encode(shown).decode()}"


class _Ftp(BoundedAnswers, ftplib.FTP_TLS):
    """For the question what a server shows."""


def _shown(host: str, port: int, how: str, timeout: float, trusted: ssl.SSLContext) -> bytes:
    if how == "ftp":
        with _Ftp(context=trusted, timeout=timeout) as session:
            session.connect(host, port)
            with bounded.hanging_up(cast("socket.socket", session.sock), 2 * timeout):
                session.auth()
            return _certificate(cast("ssl.SSLSocket", session.sock))
    with (
        socket.create_connection((host, port), timeout) as plain,
        bounded.hanging_up(plain, 2 * timeout),
        trusted.wrap_socket(plain, server_hostname=host) as connection,
    ):
        return _certificate(connection)


def _certificate(connection: ssl.SSLSocket) -> bytes:
    shown = connection.getpeercert(binary_form=True)
    if not shown:
        raise EOFError
    return shown


def der(pin: str) -> bytes:
    """The certificate of a pin; raises `ParaduxError` "bad-certificate"."""
    try:
        kind, encoded = pin.split()
        if kind == "x509":
            return base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        pass
    raise ParaduxError(
        "bad-certificate", "a pinned certificate is damaged", "take its line out of managed.hosts with paraductl edit"
    )


def fingerprint(pin: str) -> str:
    """ "SHA256:..." in hex with colons, as browsers and `openssl x509 -fingerprint -sha256` print it."""
    return "SHA256:" + hashlib.sha256(der(pin)).digest().hex(":").upper()


def refused(where: str, pins: Sequence[str], said: str = "") -> ParaduxError:
    """The sentence for `ssl.SSLCertVerificationError` at `where` ("host:port"); `said`: what OpenSSL or Go has against the certificate."""
    words = f": {told}" if (told := quoting.one_line(said)) else ""
    if pins:
        return ParaduxError(
            "certificate-changed",
            f"{where} shows another certificate than the one that was accepted, so nothing was sent there{words}",
            "find out why from whoever runs that server; if it was renewed, take its line out of managed.hosts with"
            " paraductl edit and accept the new one",
        )
    return ParaduxError(
        "certificate-unknown",
        f"no authority that this system knows vouches for the certificate of {where}, so nothing was sent there{words}",
        "compare and accept its fingerprint with paraductl edit",
    )


def words(text: str) -> str:
    """What a program written in Go has against a certificate."""
    found = re.search(r"x509: [^\n\"]*", text)
    return found[0] if found else ""


def _unverified() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the system's authorities, which take 30 ms to load
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made
