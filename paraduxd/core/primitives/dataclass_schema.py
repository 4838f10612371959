"""The JSON Schema of a frozen dataclass as `dataclass_json` writes it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
"""A JSON Schema, whose form its specification gives."""

_SCALARS: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


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
    origin = typing.get_origin(kind)
    if kind in (Any, object):
        return {}
    if origin in (typing.Union, types.UnionType):
        inner = [_of(each, found) for each in typing.get_args(kind) if each is not type(None)]
        return {"anyOf": [*inner, *([{"type": "null"}] if type(None) in typing.get_args(kind) else [])]}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": _of(typing.get_args(kind)[0], found)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of(typing.get_args(kind)[1], found)}
    if origin is typing.Literal:
        return {"enum": list(typing.get_args(kind))}
    if dataclasses.is_dataclass(kind):
        name = typing.cast(type, kind).__name__
        if name not in found:
            found[name] = {}
            found[name] = _object(kind, found)
        return {"$ref": f"#/$defs/{name}"}
    return {"type": next(name for scalar, name in _SCALARS.items() if kind is scalar)}
