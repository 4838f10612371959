"""The checked settings of a stash, from its transport file."""

from __future__ import annotations

from pydantic import ValidationError

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.protocols.base import Protocol


def settings_of(protocol: Protocol, plain: object) -> ProtocolSettings:
    """An instance of the protocol's own model; raises `ParaduxError` "damaged-transport"."""
    try:
        return protocol.settings.model_validate(plain)
    except ValidationError:
        raise ParaduxError(
            "damaged-transport", "the settings of this stash are not valid", "write them again: paraductl unlock"
        ) from None
