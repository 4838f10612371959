"""What a worker repeats of what others say: servers, tools and plugins may quote a login, and then it is taken out.

One process carries out one order, so that what it knows is that of one stash.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.typed.passwords_in_addresses import passwords_in
from paraduxd.core.runs.orders import Failed, Held, Report
from paraduxd.effects.process.log_lines import LineFormatter

if TYPE_CHECKING:
    from paraduxd.core.config.protocol_settings import ProtocolSettings

HIDDEN = "***"

SHORTEST = 8
"""Characters: what is shorter stands in too many ordinary sentences."""

_known: set[str] = set()


def remember(transport: JsonObject, model: type[ProtocolSettings] | None = None) -> None:
    """Take the secrets of a transport file: what the protocol's model marks as such, all credentials, what Paradux has generated,
    and passwords that an address holds."""
    keys = {"credentials", "secret", "signing_key", "private_key", "passphrase", "address"}
    if model:
        from paraduxd.core.config.model_introspection import secret_keys

        keys |= secret_keys([model])
    for value in _below(transport, keys, inside=False):
        _take(value)
    for value in _below(transport, set(), inside=True):
        for password in passwords_in(value):
            _take(password)


def _take(secret: str) -> None:
    _known.update(form for form in _forms(secret) if len(form) >= SHORTEST and not _is_plain_address(form))


def redacted(text: str) -> str:
    """The text without them."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def redacted_report(report: Report) -> Report:
    """The report, with its sentences redacted. What went well is told in our own words."""
    if isinstance(report, Failed):
        return replace(report, message=redacted(report.message), hint=redacted(report.hint))
    return replace(report, text=redacted(report.text)) if isinstance(report, Held) else report


class Formatter(LineFormatter):
    """Log lines without them."""

    def format(self, record: logging.LogRecord) -> str:
        """See `LineFormatter.format`."""
        return redacted(super().format(record))


def _below(value: object, keys: set[str], *, inside: bool) -> Iterator[str]:
    """Every text below one of the keys."""
    if isinstance(value, str) and inside:
        yield value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _below(inner, keys, inside=inside or key in keys)
    if isinstance(value, list):
        for inner in value:
            yield from _below(inner, keys, inside=inside)


def _forms(value: str) -> Iterator[str]:
    """The value as programs write it; the lines of a longer one, and what is inside a token that is JSON, count by themselves."""
    for text in (value, *value.splitlines(), *_in_json(value), *_in_address(value)):
        yield from (
            text,
            quote(text),
            quote(text, safe=""),
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
        )
        yield from _base64(text.encode("utf-8", "surrogateescape"))


def _base64(value: bytes) -> Iterator[str]:
    """The characters that it alone decides, in the three ways in which it can stand in the base64 of something longer."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + value).decode()
        yield whole[(0, 2, 3)[before] : (before + len(value)) // 3 * 4]


def _in_json(value: str) -> Iterator[str]:
    try:
        inner = bounded_json.parse(value, "a setting", bounded_json.CONFIG)
    except ValueError:
        return
    yield from _below(inner, set(), inside=True) if isinstance(inner, dict) else ()


def _in_address(value: str) -> Iterator[str]:
    """The login of an address."""
    try:
        login = urlsplit(value).password
    except ValueError:
        return
    if login:
        yield login


def _is_plain_address(text: str) -> bool:
    """An option of rclone that is an address without a login: sentences need it."""
    return text.startswith(("http://", "https://", "http%3A", "https%3A")) and "@" not in text and "%40" not in text
