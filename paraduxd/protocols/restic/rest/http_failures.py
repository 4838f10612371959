"""Why restic failed at an HTTP server (S3, rest-server), as sentences, and whether trying again can help. Pure.

restic passes on what Go's HTTP client or the server says, in its own retries, which go on for many minutes whatever the reason is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.primitives import quoting
from paraduxd.protocols.restic.failures import sentences

_RETRY = re.compile(r" returned error, retrying after (?:(?P<minutes>\d+)m)?(?P<seconds>[\d.]+)(?P<unit>m?s): ")
_REMOVAL = re.compile(r"^Remove\(")


def retry_after(line: str) -> float | None:
    """Seconds after which restic tries again what this line of standard error says has failed; None for other lines."""
    match = _RETRY.search(line)
    if match is None:
        return 0.0 if " returned error, retrying after " in line else None
    return int(match["minutes"] or 0) * 60 + float(match["seconds"]) / (1000 if match["unit"] == "ms" else 1)


def hopeless(line: str) -> bool:
    """Whether trying again cannot help: the server gives its reasons. What must not be removed is a matter of that file only."""
    return bool(_HOPELESS.search(line)) and not _REMOVAL.search(line)


UNTRUSTED = "untrusted-certificate"
"""The code for a certificate that is not trusted; whoever knows the pins has a better sentence."""


def of_server(errors: Sequence[str], server: str) -> ParaduxError | None:
    """What restic's standard error says went wrong with an HTTP server ("host:port"); None when it says nothing of the kind."""
    lines = sentences(errors)
    for pattern, make in _OF_SERVER:
        if line := next(filter(pattern.search, lines), None):
            problem = make(server)
            return type(problem)(problem.code, problem.message + quoting.says([line]), problem.hint)
    return None


def _login_refused(server: str) -> ParaduxError:
    text = f"{server} refused the login: it does not accept this account with this key or password"
    return ParaduxError(
        "login-refused", text, "check the credentials with paraductl edit, and the account on the server"
    )


def _forbidden(server: str) -> ParaduxError:
    text = f"{server} does not allow this: the login is refused, or has no rights there"
    return ParaduxError(
        "permission-denied", text, "check the credentials, the path, and the rights of the account there"
    )


def _untrusted(server: str) -> ParaduxError:
    text = f"{server} shows a certificate that is not trusted, so nothing was sent there"
    return ParaduxError(UNTRUSTED, text, "find out why; if it is the server's own, accept it with paraductl edit")


def _plain_server(server: str) -> ParaduxError:
    text = f"{server} does not speak TLS"
    return ParaduxError("no-tls", text, "check the address: https is for servers that do")


def _unreachable(server: str) -> ParaduxError:
    text = f"cannot reach {server}: the server does not answer"
    return TransientError("unreachable", text, "check that it is switched on and online")


def _cut(server: str) -> ParaduxError:
    text = f"the connection to {server} was lost"
    return TransientError("connection-lost", text, "the next run goes on from there")


def _server_full(server: str) -> ParaduxError:
    return TransientError("disk-full", f"there is no room at {server}, or the quota is used up", "make room there")


def _server_failed(server: str) -> ParaduxError:
    text = f"{server} has trouble of its own (it answered with an error of the server)"
    return TransientError("server-failed", text, "it will be tried again; if it stays, see the server's log")


_OF_SERVER: tuple[tuple[re.Pattern[str], Callable[[str], ParaduxError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (r"x509: |failed to verify certificate|bad certificate", _untrusted),
        (r"server gave HTTP response to HTTPS client|first record does not look like a TLS", _plain_server),
        (
            r"\(401\)|: 401 |access key id you provided|request signature we calculated|InvalidAccessKeyId",
            _login_refused,
        ),
        (r"\(507\)|: 507 |insufficient storage|quota ?exceeded|storage cap exceeded|StorageFull", _server_full),
        (r"\(403\)|: 403 |access denied|forbidden|AccessDenied", _forbidden),
        (
            r"connection refused|no such host|no route to host|network is unreachable|dial tcp|handshake timeout",
            _unreachable,
        ),
        (
            r"\(5\d\d\)|: 5\d\d [A-Z]|internal error|service unavailable|slow ?down|reduce your request rate",
            _server_failed,
        ),
        (
            r"connection reset|connection closed by foreign|EOF|broken pipe|server closed|closed network connection|timeout",
            _cut,
        ),
    )
)
"""What Go, S3 and rest-servers say, and the error; the first that fits."""

_HOPELESS = re.compile(
    r"x509: |HTTP response to HTTPS|look like a TLS|\(401\)|\(403\)|access key id you provided|InvalidAccessKeyId|access ?denied"
    r"|request signature we calculated|specified (bucket|key) does not exist|<data/[0-9a-f]+> does not exist|connection refused"
    r"|no such host",
    re.IGNORECASE,
)
