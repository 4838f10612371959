"""The JSON Schema of the config, with the settings of the protocols built in, for editors and other programs."""

from __future__ import annotations

from typing import Any

from paraduxd.core.config.capabilities import Capabilities, ProtocolCapabilities, Role
from paraduxd.core.config.models import Config, Destination, MetadataStash, Source
from paraduxd.core.primitives.dataclass_schema import Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "https://paradux.example/schema/paradux.schema.json"

_ROLES = ((Source, Role.SOURCE), (Destination, Role.DESTINATION), (MetadataStash, Role.METADATA))


def schema_of(capabilities: ProtocolCapabilities) -> Schema:
    """The JSON Schema (2020-12). A stash is one of several objects, told apart by `protocol`."""
    whole = Config.model_json_schema(by_alias=True)
    definitions: Schema = whole.pop("$defs")
    for model, role in _ROLES:
        common = definitions[model.__name__]
        fit = sorted(
            (capability for capability in capabilities.values() if capability.can_be(role)),
            key=lambda capability: capability.name,
        )
        names = [f"{model.__name__}.{capability.name}" for capability in fit]
        for name, capability in zip(names, fit, strict=True):
            definitions[name] = _variant(common, capability, definitions)
        references = [{"$ref": f"#/$defs/{name}"} for name in names]
        definitions[model.__name__] = {"description": common["description"], "oneOf": references}
    whole["$defs"] = dict(sorted(definitions.items()))
    return {"$schema": DIALECT, "$id": ADDRESS, "title": "Config of Paradux", **_untitled(whole)}


def _variant(common: Schema, capability: Capabilities, definitions: Schema) -> Schema:
    """A stash of one protocol: common keys and the protocol's, and no other. Adds what the protocol defines."""
    own = capability.settings.model_json_schema(by_alias=True, ref_template=f"#/$defs/{capability.name}.{{model}}")
    definitions.update({f"{capability.name}.{name}": inner for name, inner in own.pop("$defs", {}).items()})
    protocol = {**common["properties"]["protocol"], "const": capability.name, "examples": [capability.name]}
    return {
        **common,
        "additionalProperties": False,
        "properties": {**common["properties"], "protocol": protocol, **own.get("properties", {})},
        "required": [*common.get("required", []), *own.get("required", [])],
    }


def _untitled(value: Any) -> Any:
    """Without the titles that pydantic makes up from the names of keys: they say nothing new."""
    if isinstance(value, list):
        return [_untitled(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: _untitled(inner) for key, inner in value.items() if key != "title" or not isinstance(inner, str)}
