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

_PLAIN = frozenset((str, int, float, bool, type(None)))
"""What is the same in JSON."""


def to_json_value(value: Any) -> Any:
    """A dataclass (nested as it may be) as dictionaries, lists and plain values."""
    if type(value) in _PLAIN:
        return value
    kind: type = type(value)
    if (names := _names(kind)) is not None:
        return {name: to_json_value(getattr(value, name)) for name in names}
    if isinstance(value, (tuple, list)):
        return [to_json_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    return value


def from_json_value(kind: type[T], plain: object) -> T:
    """The dataclass `kind` from plain values; unknown keys are ignored, so that an older program reads a newer plan.

    Raises `ValueError` that names the field when a type does not fit or a required field is missing.
    """
    return typing.cast(T, _convert(kind, plain, kind.__name__))


def _convert(kind: object, plain: object, where: str) -> object:
    origin = typing.get_origin(kind)
    if kind is object:
        return plain
    if origin in (typing.Union, types.UnionType):
        return _convert_union(typing.get_args(kind), plain, where)
    if origin is tuple:
        if not isinstance(plain, list):
            raise _unfit(where, "a list")
        item = typing.get_args(kind)[0]
        return tuple(_convert(item, entry, f"{where}[{index}]") for index, entry in enumerate(plain))
    if origin in (dict, Mapping):
        if not isinstance(plain, dict):
            raise _unfit(where, "an object")
        value = typing.get_args(kind)[1]
        return {str(key): _convert(value, entry, f"{where}.{key}") for key, entry in plain.items()}
    if dataclasses.is_dataclass(kind):
        return _convert_dataclass(typing.cast(type, kind), plain, where)
    return _convert_scalar(kind, plain, where)


def _convert_union(kinds: tuple[object, ...], plain: object, where: str) -> object:
    if plain is None and type(None) in kinds:
        return None
    rest = [kind for kind in kinds if kind is not type(None)]
    return _convert(rest[0], plain, where)


def _convert_dataclass(kind: type, plain: object, where: str) -> object:
    if not isinstance(plain, dict):
        raise _unfit(where, "an object")
    values = {
        name: plain[name] if type(plain[name]) in fitting else _convert(hint, plain[name], f"{where}.{name}")
        for name, hint, fitting in _readable(kind)
        if name in plain
    }
    try:
        return kind(**values)
    except TypeError as problem:
        raise ValueError(f"{where}: {problem}") from None


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; `None`: it is none."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


@cache
def _readable(kind: type) -> tuple[tuple[str, object, frozenset[type]], ...]:
    """Name and type of each field, and which plain values fit as they are: worked out once, which takes longer than reading a run."""
    hints = typing.get_type_hints(kind)
    return tuple((name, hints[name], _fitting(hints[name])) for name in _names(kind) or ())


def _fitting(hint: object) -> frozenset[type]:
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return frozenset(kinds) if _PLAIN.issuperset(kinds) and len(set(kinds) - {type(None)}) == 1 else frozenset()


def _convert_scalar(kind: object, plain: object, where: str) -> object:
    if kind is float and type(plain) is int:
        return float(plain)
    if type(plain) is not kind:
        raise _unfit(where, getattr(kind, "__name__", str(kind)))
    return plain


def _unfit(where: str, expected: str) -> ValueError:
    return ValueError(f"{where}: expected {expected}")
