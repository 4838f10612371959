"""One HTTP request whose answer does not matter, beyond that it is a success. What is called is a secret and in no error."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urljoin, urlsplit

from paraduxd.api.errors import ParaduxError, TransientError

PATIENCE = 15.0
"""Seconds for each step of a connection."""

_MOST_REDIRECTS = 3
_MOST_READ = 4096
"""Bytes of an answer; the rest is not read."""

_AGENT = "Paradux"


def get(address: str, name: str) -> None:
    """Call an http or https address; raises `TransientError` "not-called", or `ParaduxError` "call-refused", which say `name` only."""
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            status, location = _ask(address)
        except ssl.SSLError as problem:
            why = getattr(problem, "verify_message", "") or problem.reason or "the connection failed"
            raise _not_called(name, f"TLS: {why}") from None
        except TimeoutError:
            raise _not_called(name, "no answer in time") from None
        except OSError as problem:
            raise _not_called(name, problem.strerror or "it cannot be reached") from None
        except (http.client.HTTPException, ValueError):
            raise _not_called(name, "the answer is not HTTP") from None
        if status not in (301, 302, 303, 307, 308) or not location:
            break
        moved = urljoin(address, location)
        if urlsplit(moved).scheme != "https" and urlsplit(address).scheme == "https":
            raise ParaduxError(
                "call-refused", f"{name} leads from https to what is not encrypted", "correct heartbeat: paraductl edit"
            )
        address = moved
    if 200 <= status < 300:
        return
    text = f"{name} answered with HTTP status {status}"
    if status in (429, *range(500, 600)):
        raise TransientError("not-called", text, "it is tried again by itself")
    raise ParaduxError("call-refused", text, "see whether the address in heartbeat is still right: paraductl edit")


def _ask(address: str) -> tuple[int, str]:
    """The status, and where it leads."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no address of the web")
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=PATIENCE, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"User-Agent": _AGENT, "Connection": "close"})
        answer = connection.getresponse()
        answer.read(_MOST_READ)
        return answer.status, answer.headers.get("Location", "")
    finally:
        connection.close()


def _not_called(name: str, why: str) -> TransientError:
    hint = "see whether this machine has a connection, and the address in heartbeat: paraductl edit"
    return TransientError("not-called", f"{name} cannot be called: {why}", hint)
