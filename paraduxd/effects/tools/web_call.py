"""One HTTP request whose answer does not matter, beyond that it is a success. What is called is a secret and in no error."""

from __future__ import annotations

import ssl
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions

from paraduxd.api.errors import ParaduxError, TransientError

PATIENCE = 15.0
"""Seconds for each step of a connection."""

_MOST_REDIRECTS = 3
_AGENT = "Paradux"


def get(address: str, name: str) -> None:
    """Call an http or https address; raises `TransientError` "not-called", or `ParaduxError` "call-refused", which say `name` only."""
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            status, location = _ask(address)
        except (exceptions.HTTPError, OSError, ValueError) as problem:
            raise _not_called(name, _why(problem)) from None
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
    """The status, and where it leads. Nothing but http and https is spoken; redirects and errors are left to the caller."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError("no address of the web")
    with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as pool:
        answer = pool.request(
            "GET",
            address,
            headers={"User-Agent": _AGENT, "Connection": "close"},
            timeout=urllib3.Timeout(connect=PATIENCE, read=PATIENCE),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            return answer.status, answer.headers.get("Location", "")
        finally:
            answer.close()


def _why(problem: Exception) -> str:
    """A sentence without the address, which urllib3's own have."""
    cause = _root(problem)
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {getattr(cause, 'verify_message', '') or cause.reason or 'the connection failed'}"
    if isinstance(cause, TimeoutError | exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError):
        return cause.strerror or "it cannot be reached"
    return "the answer is not HTTP"


def _root(problem: BaseException) -> BaseException:
    """What an exception of the library was made from."""
    inner = [each for each in problem.args if isinstance(each, Exception)]
    return _root(found) if (found := problem.__cause__ or (inner[0] if inner else None)) else problem


def _not_called(name: str, why: str) -> TransientError:
    hint = "see whether this machine has a connection, and the address in heartbeat: paraductl edit"
    return TransientError("not-called", f"{name} cannot be called: {why}", hint)
