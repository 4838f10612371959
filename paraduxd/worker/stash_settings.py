"""The checked settings of a stash, from its transport file."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import Protocol


def settings_of(protocol: Protocol, plain: Any) -> Any:
    """An instance of the protocol's own model; raises `ParaduxError` "damaged-transport"."""
    try:
        return protocol.settings.model_validate(plain)
    except ValidationError:
        raise ParaduxError(
            "damaged-transport", "the settings of this stash are not valid", "write them again: paraductl unlock"
        ) from None
