"""What setup asks for a protocol: as its module declares it, or else read off its settings model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.model_introspection import is_secret, key_of, model_of

Settings = Mapping[str, object]

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")


@dataclass(frozen=True)
class Setup:
    """`address` is asked first; `reads` gives its value as the config writes it for what a person typed, `None` for what is no address of
    this protocol. `fate`: the kind of label that its places usually have (place, account, device); "": those of this machine. `every`: how
    often such a place is usually written to. `finish` makes the keys of the config from what was answered, and `kit` those of
    `kit_access` from the stash's own and what was answered for it, where that is not the same.
    """

    title: str
    address: Question
    reads: Callable[[str], str | None]
    questions: tuple[Question, ...] = ()
    fate: str = "place"
    every: str = "1d"
    finish: Callable[[Settings], Settings] = dict
    kit: Callable[[Settings, Settings], Settings] = lambda _own, access: access


def begins_with(*schemes: str) -> Callable[[str], str | None]:
    """Reads an address by how it begins, and leaves it as it is."""
    return lambda text: text if text.startswith(schemes) else None


def after(prefix: str) -> Callable[[str], str | None]:
    """Reads what stands behind a prefix; for protocols whose settings have no address with a scheme."""
    return lambda text: text.removeprefix(prefix) if text.startswith(prefix) else None


def derived_setup(name: str, settings: type[BaseModel]) -> Setup:
    """The first field that must be given is the address, written NAME:VALUE unless its example has a scheme; then come the other ones."""
    address, *others = [*_questions(settings, "")] or [Question("url", f"Address for {name}", required=True)]
    if scheme := _SCHEME.match(address.example):
        return Setup(name, address, begins_with(scheme[0]), tuple(others))
    shown = replace(address, example=f"{name}:{address.example}")
    return Setup(name, shown, after(f"{name}:"), tuple(others))


def _questions(model: type[BaseModel], base: str) -> Iterator[Question]:
    for name, field in model.model_fields.items():
        key = base + key_of(name, field)
        if (inner := model_of(field)) is not None:
            if field.is_required() or base:
                yield from _questions(inner, f"{key}.")
        elif field.is_required() or is_secret(field):
            yield Question(key, field.description or key, _example(field), field.is_required(), is_secret(field))


def _example(field: FieldInfo) -> str:
    first = (field.examples or [""])[0]
    return first if isinstance(first, str) else ""
