"""The one door between JSON values and frozen dataclasses, with the types checked on the way in.

Standard library only: the client reads replies with this, and the supervisor its plan; neither may import pydantic.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def to_json_value(value: Any) -> Any:
    """A dataclass (nested as it may be) as dictionaries, lists and plain values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json_value(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_json_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    return value


def from_json_value(kind: type[T], plain: Any) -> T:
    """The dataclass `kind` from plain values; unknown keys are ignored, so that an older program reads a newer plan.

    Raises `ValueError` that names the field when a type does not fit or a required field is missing.
    """
    return typing.cast(T, _convert(kind, plain, kind.__name__))


def _convert(kind: Any, plain: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if kind in (Any, object):
        return plain
    if origin in (typing.Union, types.UnionType):
        return _convert_union(typing.get_args(kind), plain, where)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        _expect(isinstance(plain, list), where, "a list")
        return tuple(_convert(item, entry, f"{where}[{index}]") for index, entry in enumerate(plain))
    if origin in (dict, Mapping):
        _expect(isinstance(plain, dict), where, "an object")
        value = typing.get_args(kind)[1]
        return {str(key): _convert(value, entry, f"{where}.{key}") for key, entry in plain.items()}
    if dataclasses.is_dataclass(kind):
        return _convert_dataclass(typing.cast(type, kind), plain, where)
    return _convert_scalar(kind, plain, where)


def _convert_union(kinds: tuple[Any, ...], plain: Any, where: str) -> Any:
    if plain is None and type(None) in kinds:
        return None
    rest = [kind for kind in kinds if kind is not type(None)]
    return _convert(rest[0], plain, where)


def _convert_dataclass(kind: type, plain: Any, where: str) -> Any:
    _expect(isinstance(plain, dict), where, "an object")
    hints = _hints(kind)
    values = {
        field.name: _convert(hints[field.name], plain[field.name], f"{where}.{field.name}")
        for field in dataclasses.fields(kind)
        if field.name in plain
    }
    try:
        return kind(**values)
    except TypeError as problem:
        raise ValueError(f"{where}: {problem}") from None


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of the fields, evaluated once: it takes longer than reading a whole run."""
    return typing.get_type_hints(kind)


def _convert_scalar(kind: Any, plain: Any, where: str) -> Any:
    if kind is float and type(plain) is int:
        return float(plain)
    _expect(type(plain) is kind, where, getattr(kind, "__name__", str(kind)))
    return plain


def _expect(condition: bool, where: str, expected: str) -> None:
    if not condition:
        raise ValueError(f"{where}: expected {expected}")
