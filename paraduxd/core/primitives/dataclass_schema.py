"""The JSON Schema of a frozen dataclass as `dataclass_json` writes it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
"""A JSON Schema, whose form its specification gives."""

_SCALARS: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema_of(kind: type) -> Schema:
    """JSON Schema, draft 2020-12; nested dataclasses stand in `$defs`."""
    found: Schema = {}
    top = _object(kind, found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": dict(sorted(found.items()))}


def _object(kind: object, found: Schema) -> Schema:
    assert dataclasses.is_dataclass(kind)  # noqa: S101  (for mypy: whoever calls has looked)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    about = (kind.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return {
        "title": about,
        "type": "object",
        "properties": {name: _of(hints[name], found) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _of(kind: object, found: Schema) -> Schema:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_of(each, found) for each in sorted(inner, key=lambda each: each is type(None))]}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": _of(inner[0], found)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of(inner[1], found)}
    return _defined(kind, found) if dataclasses.is_dataclass(kind) else _scalar(kind)


def _scalar(kind: object) -> Schema:
    """Plain values; an `object` may be any of them."""
    if kind is object:
        return {}
    return {"type": next(name for scalar, name in _SCALARS.items() if kind is scalar)}


def _defined(kind: object, found: Schema) -> Schema:
    """A dataclass, which is described once."""
    name = typing.cast(type, kind).__name__
    if name not in found:
        found[name] = {}
        found[name] = _object(kind, found)
    return {"$ref": f"#/$defs/{name}"}
