"""The types of the config's fields: what is accepted, how it is saved, and how the JSON Schema says it.

Validators raise `ValueError` with what was expected; they never repeat the input.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from paraduxd.core.config.protocol_settings import Secret, Text
from paraduxd.core.primitives import cron, durations, time_windows
from paraduxd.core.primitives.place_identity import NOTHING

_ID = "[a-z0-9][a-z0-9_-]{0,63}"
_FATE = "(place|account|person|device|mind):[a-z0-9][a-z0-9._@-]{0,63}"
_LANGUAGE = "[a-z]{2,3}(-[A-Z]{2})?"
_HEX_32 = "[0-9a-f]{32}"
_HEX_64 = "[0-9a-f]{64}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NOTE_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NOTIFY = re.compile(r"[a-z][a-z0-9+.-]*://[^\x00-\x20\x7f]+")


def _matching(pattern: str, expected: str) -> tuple[AfterValidator, object]:
    """A validator for a whole-text pattern, and the same pattern for the JSON Schema."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"expected {expected}")
        return text

    return AfterValidator(check), Field(json_schema_extra={"pattern": f"^{pattern}$"})


_id_check, _id_schema = _matching(_ID, "an id: lower-case letters, digits, - and _, at most 64 characters")
_fate_check, _fate_schema = _matching(
    _FATE, "kind:name in lower case, with the kind place, account, person, device or mind"
)
_language_check, _language_schema = _matching(_LANGUAGE, 'a language code like "en" or "pt-BR"')
_hex32_check, _hex32_schema = _matching(_HEX_32, "32 lower-case hex digits")
_hex64_check, _hex64_schema = _matching(_HEX_64, "64 lower-case hex digits")


def _cron(text: str) -> str:
    cron.check(text)
    return text


def _hours(text: str) -> str:
    time_windows.parse(text)
    return text


def _was(text: str) -> str:
    if text != NOTHING and not re.fullmatch(_ID, text):
        raise ValueError('expected the id that this entry had, or "-" for a new place')
    return text


def _date(text: str) -> str:
    try:
        if re.fullmatch(_DATE, text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise ValueError("expected a date like 2026-11-01")


def _moment(text: str) -> str:
    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise ValueError("expected a time like 2026-11-01T12:00:00Z")


def _directory(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise ValueError("expected the absolute path of a directory, without .. in it")
    return text


def _notes(text: str) -> str:
    if _NOTE_CONTROL.search(text):
        raise ValueError("must not contain control characters other than line feed and tab")
    return text


def _notify(text: str) -> str:
    if not _NOTIFY.fullmatch(text):
        raise ValueError("expected an address like mailto://user:password@mail.example")
    return text


def _heartbeat(text: str) -> str:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits or not _NOTIFY.fullmatch(text) or "#" in text:
        raise ValueError("expected an address like https://hc-ping.com/0123, without #")
    return text


def _at_most_a_day(seconds: int) -> int:
    if seconds > 86400:
        raise ValueError("expected a duration of at most 1d")
    return seconds


def _port_of(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (colon and host and re.fullmatch("[1-9][0-9]{0,4}", port)):
        raise ValueError("expected host:port")
    return text


Id = Annotated[Text, _id_check, _id_schema]
Fate = Annotated[Text, _fate_check, _fate_schema]
Language = Annotated[Text, _language_check, _language_schema]
Hex32 = Annotated[Text, _hex32_check, _hex32_schema]
Hex64 = Annotated[Text, _hex64_check, _hex64_schema]
SecretHex64 = Annotated[Secret, _hex64_check, _hex64_schema]
Date = Annotated[Text, AfterValidator(_date), Field(json_schema_extra={"format": "date"})]
Moment = Annotated[Text, AfterValidator(_moment), Field(json_schema_extra={"format": "date-time"})]
Cron = Annotated[Text, AfterValidator(_cron)]
Hours = Annotated[
    Text,
    AfterValidator(_hours),
    Field(json_schema_extra={"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
"""Hours of the day, "22:00-06:00"."""

Directory = Annotated[Text, AfterValidator(_directory), Field(json_schema_extra={"pattern": "^/."})]
Notes = Annotated[Secret, AfterValidator(_notes), Field(max_length=65536)]
"""Several lines for the family; masked like a credential, because people write safe combinations there."""

Notify = Annotated[Secret, AfterValidator(_notify)]
Heartbeat = Annotated[Secret, AfterValidator(_heartbeat)]
HostPort = Annotated[Text, AfterValidator(_port_of)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]

Duration = Annotated[
    int,
    BeforeValidator(durations.parse),
    PlainSerializer(durations.write, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9]{1,10}[smhdw]?$"},
                {"type": "integer", "exclusiveMinimum": 0},
            ]
        }
    ),
]
"""Seconds in the model; saved as the shortest text, "15m"."""

Grace = Annotated[
    int,
    BeforeValidator(durations.parse_grace),
    PlainSerializer(durations.write, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": "^[0-9]{1,10}[smhdw]?$"}, {"type": "integer", "minimum": 0}]}
    ),
]
"""Seconds like `Duration`, or none at all: "0s"."""

Was = Annotated[Text, AfterValidator(_was)]
"""An id, or "-" for nothing."""

Window = Annotated[Duration, AfterValidator(_at_most_a_day)]
"""Seconds, up to a day."""

Rate = Annotated[
    int,
    BeforeValidator(durations.parse_rate),
    PlainSerializer(durations.write_rate, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": "^[0-9]{1,10}[kMG]?$"}, {"type": "integer", "minimum": 1024}]}
    ),
]
"""Bytes per second in the model; saved as "500k"."""


def _size(value: str | int) -> int:
    try:
        return durations.parse_rate(value)
    except ValueError:
        raise ValueError("expected a number of bytes from 1024, like 500k, 100M or 4G") from None


def _file_name(text: str) -> str:
    if "/" in text or text in {".", ".."}:
        raise ValueError("expected the name of a file, without a folder")
    return text


Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(durations.write_rate, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": "^[0-9]{1,10}[kMG]?$"}, {"type": "integer", "minimum": 1024}]}
    ),
]
"""Bytes in the model; saved as "500k"."""

_HOOK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _hook(text: str) -> str:
    if not _HOOK.fullmatch(text):
        raise ValueError(
            "expected the name of a program in /etc/paradux/hooks.d: letters, digits, dots, - and _, and no folder"
        )
    return text


_LONGEST_HOOK = 4 * 3600


def _hook_time(seconds: int) -> int:
    """A transfer that says nothing for longer counts as stalled (`supervisor/runs/launcher.py`)."""
    if seconds > _LONGEST_HOOK:
        raise ValueError("expected at most 4 hours")
    return seconds


HookTime = Annotated[Duration, AfterValidator(_hook_time)]
"""Seconds, up to four hours."""

HookName = Annotated[Text, AfterValidator(_hook)]
"""A name and nothing else: neither a path nor arguments."""

FileName = Annotated[Text, AfterValidator(_file_name)]

Mebibytes = Annotated[int, Field(strict=True, ge=300, le=1 << 20)]
"""Of memory."""

Fraction = Annotated[
    float,
    BeforeValidator(durations.parse_fraction),
    PlainSerializer(durations.write_fraction, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,6})?%$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ]
        }
    ),
]
"""0..1 in the model; saved as "25%"."""
