"""What a call is: who may make it, what it takes, what it answers. Read from the methods of the contracts in `api/contract.py`.

A contract is a `Protocol` class with one method per call. The daemon implements it, so that mypy refuses a call without a handler, or one
with another signature or another reply; the client gets it from `caller`, so that mypy checks every question that it asks.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from types import UnionType
from typing import Annotated, Any, Final, Protocol, TypeVar

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass

Method = TypeVar("Method", bound=Callable[..., object])

JsonObject = Mapping[str, object]
"""An object of JSON whose values nobody has looked at."""

OF_OWNER: Final = "owner"
"""In `Annotated[...]`: another value than the default is for the owner alone."""

IS_PATH: Final = "path"
"""In `Annotated[...]`: the text must be one that the system can take as a path."""

Path = Annotated[str, IS_PATH]

Material = Mapping[str, str]
"""What is brought to a recovery: "label", and of "share_text" (text), "manifest", "key" and "config" (base64) what there is."""


class Send(Protocol):
    """Sends one call and gives the reply that came; raises the `ParaduxError` that came instead."""

    def __call__(self, name: str, /, **arguments: object) -> JsonObject: ...


@dataclass(frozen=True)
class Field:
    """One argument: its JSON type and whether it may be left out (then it is `default`). `is_path`: it must be one for the system.

    `model`: the dataclass that a JSON object is read as.
    """

    kind: type
    required: bool = True
    default: object = None
    access: str = "member"
    is_path: bool = False
    model: type | None = None


@dataclass(frozen=True)
class Call:
    """One call: access level, arguments, and where its reply is declared: "transfer_runs.Started" is `api/replies/transfer_runs.py`."""

    access: str
    fields: Mapping[str, Field]
    reply: str = ""

    def of_owner(self, arguments: JsonObject) -> bool:
        """Whether one of the (checked) arguments is for the owner alone."""
        return any(field.access == OF_OWNER and arguments[name] != field.default for name, field in self.fields.items())

    def read_reply(self, untrusted_reply: JsonObject) -> object:
        """The reply as what the contract declares; raises `ParaduxError` "bad-reply"."""
        try:
            return from_json_value(self.reply_type(), untrusted_reply)
        except ValueError:
            raise ParaduxError(
                "bad-reply", "the daemon's answer is not understood", "are daemon and client of the same version?"
            ) from None

    def reply_type(self) -> type[object]:
        """The dataclass that the reply is."""
        module, _, name = self.reply.rpartition(".")
        kind: type[object] = getattr(importlib.import_module(module), name)
        return kind


def access(level: str) -> Callable[[Method], Method]:
    """Declare who may make a call."""

    def declare(method: Method) -> Method:
        method.__dict__["access"] = level
        return method

    return declare


def calls_of(contract: type) -> Mapping[str, Call]:
    """The calls of a contract by name."""
    return {name: _call(method) for name, method in vars(contract).items() if hasattr(method, "access")}


def _call(method: Callable[..., object]) -> Call:
    annotations = dict(method.__annotations__)
    reply = _where(method.__module__, annotations.pop("return"))
    only_arguments = type("Arguments", (), {"__annotations__": annotations, "__module__": method.__module__})
    kinds = typing.get_type_hints(only_arguments, include_extras=True)
    defaults = {name: each.default for name, each in inspect.signature(method).parameters.items()}
    return Call(method.__dict__["access"], {name: _field(kind, defaults[name]) for name, kind in kinds.items()}, reply)


def _where(module: str, annotation: str) -> str:
    """Module and name of a reply: one of `api/replies`, unless the contract's module has imported it by its name."""
    return (
        f"{module}.{annotation}" if hasattr(sys.modules[module], annotation) else f"paraduxd.api.replies.{annotation}"
    )


def _field(kind: object, default: object) -> Field:
    """The argument of this type; what is optional is `X | None`, where `X` may be marked."""
    marks = getattr(kind, "__metadata__", ())
    kind = getattr(kind, "__origin__", kind) if marks else kind
    if isinstance(kind, UnionType) or typing.get_origin(kind) is typing.Union:
        (inner,) = [each for each in typing.get_args(kind) if each is not type(None)]
        marks, kind = (*marks, *getattr(inner, "__metadata__", ())), getattr(inner, "__origin__", inner)
    model: type | None = kind if isinstance(kind, type) and is_dataclass(kind) else None
    return Field(
        kind=dict if model else _json_type(kind),
        required=default is inspect.Parameter.empty,
        default=None if default is inspect.Parameter.empty else default,
        access=OF_OWNER if OF_OWNER in marks else "member",
        is_path=IS_PATH in marks,
        model=model,
    )


def _json_type(kind: object) -> type:
    """The type that a value of this one has in JSON."""
    origin = typing.get_origin(kind)
    if origin in (Sequence, Mapping):
        return list if origin is Sequence else dict
    return kind if isinstance(kind, type) else object


def check_arguments(call: Call, untrusted_arguments: object) -> dict[str, object]:
    """The arguments of a call with defaults filled in; raises `ParaduxError` "bad-request" for anything else."""
    if not isinstance(untrusted_arguments, dict):
        raise ParaduxError("bad-request", "the arguments of a call must be a JSON object")
    if unknown := set(untrusted_arguments) - set(call.fields):
        raise ParaduxError("bad-request", f"a call has {len(unknown)} argument(s) it does not take")
    return {name: _argument(name, field, untrusted_arguments) for name, field in call.fields.items()}


def _argument(name: str, field: Field, untrusted_arguments: JsonObject) -> object:
    value = untrusted_arguments.get(name)
    if value is None:
        if field.required:
            raise ParaduxError("bad-request", f"the argument {name} is missing")
        return field.default
    if type(value) is not field.kind:
        raise ParaduxError("bad-request", f"the argument {name} must be of type {field.kind.__name__}")
    if field.is_path and not _is_path(str(value)):
        raise ParaduxError("bad-request", f"the argument {name} has characters that no path has", "write it again")
    return value if field.model is None else _read(name, field.model, value)


def _read(name: str, model: type, untrusted_value: object) -> object:
    try:
        return from_json_value(model, untrusted_value)
    except ValueError as problem:
        raise ParaduxError("bad-request", f"the argument {name} is not understood: {problem}") from None


def _is_path(text: str) -> bool:
    try:
        return b"\x00" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def reply_to(calls: Mapping[str, Call], handlers: object, name: str, arguments: JsonObject) -> JsonObject:
    """Let the handler of a call answer, with arguments that were checked. `handlers` implements the contract of which `calls` are.

    The one dispatcher of every line: a call has a handler of its own name, which mypy has seen.
    """
    if name not in calls:
        raise LookupError(name)
    reply: JsonObject = to_json_value(getattr(handlers, name)(**arguments))
    return reply


def caller(calls: Mapping[str, Call], send: Send) -> Any:
    """Something with a method for each of these calls, which asks and reads the reply."""
    return _Caller(calls, send)


class _Caller:
    def __init__(self, calls: Mapping[str, Call], send: Send) -> None:
        self._calls = calls
        self._send = send

    def call(self, name: str, /, **arguments: object) -> JsonObject:
        """The reply as it came: commands that were dropped in before there were contracts ask like this."""
        return self._send(name, **arguments)

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name not in self._calls:
            raise AttributeError(name)
        call = self._calls[name]
        return lambda **arguments: call.read_reply(self._send(name, **to_json_value(arguments)))
