"""A config with its secrets covered, for showing it and for telling what has changed."""

from __future__ import annotations

from paraduxd.api.calls import JsonObject
from paraduxd.api.typed.passwords_in_addresses import covered
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.model_introspection import secret_keys
from paraduxd.core.config.models import Config

MASK = "********"

_OURS = secret_keys([Config]) | {"credentials"}


def mask(document: JsonObject, capabilities: ProtocolCapabilities | None = None) -> dict[str, object]:
    """The same document with every secret replaced by "********".

    Secret is what a model annotates so (with `capabilities`, those of the protocols too), all below `credentials`, and a password inside
    of an address. The document may be invalid: keys are judged by their names, wherever they stand.
    """
    names = _OURS | secret_keys(protocol.settings for protocol in (capabilities or {}).values())
    return _masked(document, names)


def _masked(document: JsonObject, names: frozenset[str]) -> dict[str, object]:
    return {key: _cover(inner) if key in names else _mask(inner, names) for key, inner in document.items()}


def _mask(value: object, names: frozenset[str]) -> object:
    if isinstance(value, dict):
        return _masked(value, names)
    if isinstance(value, list):
        return [_mask(inner, names) for inner in value]
    return covered(value, MASK) if isinstance(value, str) else value


def _cover(value: object) -> object:
    """The same lists and objects with every text and number in them covered; what is empty stays empty."""
    if isinstance(value, dict):
        return {key: _cover(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cover(inner) for inner in value]
    return value if value is None or value == "" else MASK
