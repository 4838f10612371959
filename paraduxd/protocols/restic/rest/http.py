"""restic repositories that are reached over HTTP: S3 buckets and rest-servers. Pure: texts in, addresses and texts out.

    s3:https://host:port/bucket/path    or s3:host/bucket/path, as restic also takes it
    rest:https://user@host:port/path

Paths are percent-decoded once, and written percent-encoded. What logs in is never part of an address in the config.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from paraduxd.core.config.protocol_settings import Strict
from paraduxd.core.primitives.hosts import is_host

EXPECTED_S3 = "expected s3:https://host:port/bucket/path"
EXPECTED_REST = "expected rest:https://user@host:port/path"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PORTS = {"http": 80, "https": 443}


class HttpAddress(Strict):
    """A parsed address. `path` is decoded and begins with the bucket (s3), without slashes around it; `user` is that of a rest-server."""

    kind: Literal["s3", "rest"]
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    user: str = ""

    @property
    def server(self) -> str:
        """ "host:port", as sentences and pinned certificates name it."""
        return f"{self.host}:{self.port}"

    def repository(self, password: str = "") -> str:
        """The repository as restic takes it, the login at a rest-server included."""
        login = f"{_quoted(self.user)}:{_quoted(password)}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = quote(self.path, errors="surrogateescape")
        return (
            f"{self.kind}:{self.scheme}://{login}{host}:{self.port}/{path}{'/' if self.kind == 'rest' and path else ''}"
        )


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")


def parse(text: str) -> HttpAddress:
    """The address of an "s3:" or "rest:" repository; raises `ValueError` with what was expected, never repeating the text."""
    kind, _, rest = text.partition(":")
    if kind == "s3":
        if "://" in rest and not rest.startswith(("https://", "http://")):
            raise ValueError(EXPECTED_S3)
        rest = rest if rest.startswith(("https://", "http://")) else f"https://{rest.removeprefix('//')}"
        return _checked_s3(_parse(rest, "s3", EXPECTED_S3))
    return _parse(rest, "rest", EXPECTED_REST)


def _parse(url: str, kind: Literal["s3", "rest"], expected: str) -> HttpAddress:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise ValueError(expected) from None
    if parts.password is not None or (kind == "s3" and parts.username):
        raise ValueError("a login does not belong into an address; put it into credentials")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError(f"{expected}: write ? as %3F and # as %23")
    if not parts.hostname or not is_host(parts.hostname):
        raise ValueError(f"{expected}: the host name has characters that no host name has")
    path, user = unquote(parts.path, errors="surrogateescape"), unquote(parts.username or "")
    if _CONTROL.search(path) or _CONTROL.search(user):
        raise ValueError(f"{expected}: there must be no control characters")
    if ".." in path.split("/"):
        raise ValueError(f"{expected}: the path must not contain ..")
    clean = "/".join(part for part in path.split("/") if part not in {"", "."})
    scheme: Literal["http", "https"] = "http" if parts.scheme == "http" else "https"
    return HttpAddress(kind=kind, scheme=scheme, host=parts.hostname, port=port, path=clean, user=user)


def _checked_s3(address: HttpAddress) -> HttpAddress:
    if not _BUCKET.fullmatch(address.path.partition("/")[0]):
        raise ValueError(f"{EXPECTED_S3}: the bucket must be named, with letters, digits, dots and hyphens")
    return address


def credentials_file(key_id: str, secret: str) -> str:
    """The login of S3 as a file that restic reads by AWS_SHARED_CREDENTIALS_FILE; raises `ValueError` for what cannot be written there.

    restic reads it with go-ini: between backticks everything up to the last one of the line stands for itself, but for "%(name)s".
    """
    for value in (key_id, secret):
        if _CONTROL.search(value) or re.search(r"%\([^)]*\)s", value):
            raise ValueError("a login of S3 has no control characters")
    return f"[default]\naws_access_key_id = `{key_id}`\naws_secret_access_key = `{secret}`\n"
