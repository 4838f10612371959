"""FTP sessions on Python's ftplib: in clear, or with TLS on both channels, the data channel resuming the session of the control channel."""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from typing import cast

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import SshAddress
from paraduxd.core.primitives import quoting
from paraduxd.effects.tools import tls_pins
from paraduxd.effects.tools.ftp.answers import BoundedAnswers

_TIMEOUT = 30.0
"""Seconds for each answer, and for each piece of data."""

_LOGIN_REFUSED = "530"


class SecureSession(BoundedAnswers, ftplib.FTP_TLS):
    """Servers such as vsftpd refuse a data channel that is not seen to come from whoever logged in (require_ssl_reuse)."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321
        control = cast("ssl.SSLSocket", self.sock)
        try:
            return self.context.wrap_socket(connection, server_hostname=self.host, session=control.session), cast(
                "int", size
            )
        except BaseException:
            connection.close()
            raise


def open_session(address: SshAddress, password: str, secure: bool, pins: tuple[str, ...]) -> ftplib.FTP:
    """A session that is logged in, passive and binary; where the data channel goes is the host of the control channel, always.

    Raises what the socket and ftplib raise; `ParaduxError` for a login that is refused and a certificate that is not trusted.
    """
    where = f"{address.host}:{address.port}"
    session = (
        SecureSession(context=tls_pins.context(pins), timeout=_TIMEOUT) if secure else BoundedAnswers(timeout=_TIMEOUT)
    )
    session.encoding = "utf-8"
    try:
        session.connect(address.host, address.port)
        if isinstance(session, SecureSession):
            session.auth()
        _log_in(session, address.user or "anonymous", password, where)
        if isinstance(session, SecureSession):
            session.prot_p()
        with contextlib.suppress(ftplib.error_perm):
            session.sendcmd("OPTS UTF8 ON")
        session.voidcmd("TYPE I")
    except BaseException as problem:
        session.close()
        if isinstance(problem, ssl.SSLCertVerificationError):
            raise tls_pins.refused(where, pins, getattr(problem, "verify_message", "")) from None
        raise
    return session


def _log_in(session: ftplib.FTP, user: str, password: str, where: str) -> None:
    try:
        ftplib.FTP.login(session, user, password)  # noqa: S321
    except ftplib.error_perm as problem:
        if not str(problem).startswith(_LOGIN_REFUSED):
            raise
        raise ParaduxError(
            "login-refused",
            f"{where} refused the login: it does not accept this user with this password, or not in this way"
            f"{quoting.says([str(problem)])}",
            "check the user name and the password with paraductl edit, and whether the server wants ftps",
        ) from None
