"""The status document as programs get it: JSON values."""

from __future__ import annotations

from typing import Any

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.replies.state import Status
from paraduxd.core.status import document


def build(*args: Any) -> dict[str, Any]:
    """The document of a plan, facts and a time."""
    plain: dict[str, Any] = to_json_value(document.status(*args))
    assert from_json_value(Status, plain) == document.status(*args), "a client reads what was sent"
    return plain


def exit_code(plain: dict[str, Any]) -> int:
    """What `paraductl status` returns."""
    return int(from_json_value(Status, plain).exit_code)
