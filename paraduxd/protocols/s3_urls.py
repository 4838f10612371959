"""Addresses of S3 services and what is in them, and rclone's options for one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from paraduxd.core.primitives.hosts import is_host

AMAZON = "s3.amazonaws.com"
REGION = "us-east-1"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`, percent-decoded; raises `ValueError` with what was expected."""
    expected = "expected s3://bucket/prefix"
    parts = urlsplit(url)
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc):
        raise ValueError(f"{expected}, with a bucket of letters, digits, dots and dashes")
    if parts.query or parts.fragment:
        raise ValueError(f"{expected}: write ? as %3F and # as %23")
    prefix = unquote(parts.path, errors="surrogateescape").strip("/")
    if _CONTROL.search(prefix) or any("\udc80" <= character <= "\udcff" for character in prefix):
        raise ValueError("the prefix must be UTF-8 without control characters")
    if prefix and {"", ".", ".."} & set(prefix.split("/")):
        raise ValueError(f"{expected}: the prefix must have no empty part, and no . or ..")
    return parts.netloc, prefix


def parse_endpoint(url: str) -> tuple[str, int]:
    """Host and port of `https://host:port`; raises `ValueError` with what was expected."""
    expected = "expected https://host or https://host:port"
    parts = urlsplit(url)
    try:
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    except (ValueError, KeyError):
        raise ValueError(expected) from None
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"{expected}, and nothing else; credentials and bucket have keys of their own")
    if not parts.hostname or not is_host(parts.hostname):
        raise ValueError(f"{expected}: the host name has characters that no host name has")
    return parts.hostname, port


def options(endpoint: str | None, region: str, addressing: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """The options of rclone's configuration; `addressing` is "path" or "virtual-host"."""
    return {
        "type": "s3",
        "provider": "Other" if endpoint else "AWS",
        **({"endpoint": endpoint.rstrip("/")} if endpoint else {}),
        "region": region,
        "force_path_style": "true" if addressing == "path" else "false",
        **credentials,
    }
