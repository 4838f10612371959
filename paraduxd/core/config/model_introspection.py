"""What the models say about a place in the document: which keys it may have, and which hold secrets."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Annotated, TypeGuard

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from paraduxd.core.config.diagnostics import Path


def key_of(name: str, field: FieldInfo) -> str:
    """The key that a field has in the document."""
    return field.alias or name


def keys(model: type[BaseModel]) -> frozenset[str]:
    """The keys that an object of this model may have."""
    return frozenset(key_of(name, field) for name, field in model.model_fields.items())


def model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the object that stands at `path` below an object of `model`; `None` when there is no object of ours."""
    here: object = model
    for part in path:
        here = _step(here, part)
    return here if _is_model(here) else None


def _step(annotation: object, part: str | int) -> object:
    if _is_model(annotation):
        fields = annotation.model_fields.items()
        return next((_strip(field.annotation) for name, field in fields if key_of(name, field) == part), None)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        return _strip(arguments[0])
    if typing.get_origin(annotation) is dict:
        return _strip(arguments[1])
    return None


def _strip(annotation: object) -> object:
    """The type without `Annotated` and without `| None`."""
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is Annotated:
        return _strip(arguments[0])
    if type(None) in arguments:
        return _strip(next(argument for argument in arguments if argument is not type(None)))
    return annotation


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def models(roots: Iterable[type[BaseModel]]) -> tuple[type[BaseModel], ...]:
    """These models and all that stand in their fields, each once."""
    found: dict[type[BaseModel], None] = {}
    waiting = list(roots)
    while waiting:
        model = waiting.pop(0)
        if model in found:
            continue
        found[model] = None
        waiting += [inner for field in model.model_fields.values() for inner in _models_in(field.annotation)]
    return tuple(found)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if _is_model(annotation):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)


def secret_keys(roots: Iterable[type[BaseModel]]) -> frozenset[str]:
    """The keys of all fields, anywhere in these models, that are annotated as secret."""
    return _secret_keys(tuple(roots))


@lru_cache(maxsize=256)
def _secret_keys(roots: tuple[type[BaseModel], ...]) -> frozenset[str]:
    """Asked for every place of a config, which has few kinds of them."""
    return frozenset(
        key_of(name, field) for model in models(roots) for name, field in model.model_fields.items() if is_secret(field)
    )


def is_secret(field: FieldInfo) -> bool:
    """Whether a field of a model holds a secret itself."""
    return _marked(field) or _holds_secret(field.annotation)


def model_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of the object that stands in a field; `None`: no object of ours."""
    annotation = _strip(field.annotation)
    return annotation if _is_model(annotation) else None


def _marked(field: object) -> bool:
    extra = field.json_schema_extra if isinstance(field, FieldInfo) else None
    return isinstance(extra, dict) and extra.get("x-secret") is True


def _holds_secret(annotation: object) -> bool:
    """Whether a secret stands in a type like `Secret | None` or `tuple[Secret, ...]`."""
    if any(_marked(mark) for mark in getattr(annotation, "__metadata__", ())):
        return True
    return any(_holds_secret(argument) for argument in typing.get_args(annotation))
