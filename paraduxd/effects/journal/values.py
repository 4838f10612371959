"""Values as the database holds them: JSON texts, also those of earlier versions."""

from __future__ import annotations

import json
from collections.abc import Mapping

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.core.runs.guard.holds import Hold
from paraduxd.core.runs.orders import Failed


def write(value: JsonObject | None) -> str | None:
    """An object as the database holds it."""
    return None if value is None else json.dumps(value)


def read(text: str | None) -> JsonObject | None:
    """The object that `write` has written; `None` for none."""
    value = None if text is None else value_of(text)
    return value if isinstance(value, Mapping) else None


def write_error(error: Failed | None) -> str | None:
    """Why a run did not end well, as the database holds it."""
    return None if error is None else write(to_json_value(error))


def read_error(text: str | None) -> Failed | None:
    """The same read; what an earlier version has left out is empty."""
    plain = read(text)
    if plain is None:
        return None
    code, message, hint = (str(plain.get(name) or "") for name in ("code", "message", "hint"))
    return Failed(code, message, hint, plain.get("retry") is not False)


def read_hold(text: str | None) -> Hold:
    """What the guard said; one that cannot be read holds all the same."""
    plain = read(text) or {}
    try:
        return from_json_value(Hold, plain)
    except ValueError:
        return Hold(str(plain.get("reason") or ""), str(plain.get("text") or ""))


def value_of(text: str) -> object:
    """What is in a JSON text of the journal."""
    return bounded_json.parse(text, "an entry of the journal", bounded_json.MEDIUM)
