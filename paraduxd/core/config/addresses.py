"""Where a stash is, in one form for what an owner can write in several."""

from __future__ import annotations

import json
from collections.abc import Mapping

from paraduxd.api.calls import JsonObject
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.model_introspection import secret_keys
from paraduxd.core.config.models import Stash
from paraduxd.core.config.protocol_settings import ProtocolSettings

_NOT_AN_ADDRESS = frozenset(
    {"credentials", "exclude", "exclude_caches", "exclude_marker", "one_file_system", "max_size"}
)
"""Keys of settings that say nothing about where a place is."""


def settings_of(stash: Stash, capabilities: ProtocolCapabilities) -> ProtocolSettings:
    """The checked settings of a stash's protocol."""
    return capabilities[stash.protocol].settings.model_validate(stash.settings)


def given(settings: JsonObject, key: str) -> object:
    """What stands in settings under a key like "credentials.password"; `None`: nothing."""
    here: object = settings
    for part in key.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def kit_settings(own: JsonObject, access: JsonObject, model: type[ProtocolSettings]) -> dict[str, object]:
    """The keys of a stash's protocol as a kit uses them: its own without secrets, then those of its `kit_access`.

    Credentials that are empty are left out.
    """
    secret = {*secret_keys([model]), "credentials"}
    shared = {key: value for key, value in own.items() if key not in secret}
    return {**shared, **{key: value for key, value in access.items() if key != "credentials" or value}}


def is_on_removable_disk(protocol: object, settings: object, capabilities: ProtocolCapabilities) -> bool:
    """Whether the worker has to mount a disk first."""
    return capabilities[str(protocol)].settings.model_validate(settings).removable_disk() is not None


def address(stash: Stash, capabilities: ProtocolCapabilities) -> str:
    """Protocol and place, without any secret."""
    settings = settings_of(stash, capabilities)
    here = settings.whereabouts()
    if here is None:
        hidden = secret_keys([type(settings)]) | _NOT_AN_ADDRESS
        shown = settings.model_dump(mode="json", by_alias=True)
        here = json.dumps({key: _normal(value) for key, value in shown.items() if key not in hidden}, sort_keys=True)
    return f"{stash.protocol} {here}"


def _normal(value: object) -> object:
    """A slash at the end of an address means nothing."""
    return value.rstrip("/") if isinstance(value, str) else value
