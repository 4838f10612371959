"""`@dataclass(frozen=True)` without the compiler.

The standard library writes and compiles up to seven methods for every frozen class: 0.35 ms for each of the hundreds that a process loads,
over a third of every start. Here they are functions that read the fields, which takes 0.05 ms. What comes out is a dataclass for all
who look (`fields`, `replace`, `match`); to a type checker the decorator is the library's own.

Left out are `slots`, `kw_only`, `order` and `InitVar`. Who needs them takes the library's: so does what the daemon makes by the thousand
(the parts of a plan, results, conditions), which with compiled methods and slots takes half of the time and of the memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Final, Literal, TypeVar

__all__ = ["dataclass"]

Class = TypeVar("Class", bound=type)

Method = Callable[..., object]

_SHARED: Final = ("__repr__", "__eq__", "__hash__")
"""A class may bring its own."""

_store = object.__setattr__

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: Literal[True]) -> Callable[[Class], Class]:
        """As the library's; `frozen` says so to who reads the class."""
        if not frozen:
            raise TypeError("this decorator is for frozen classes")
        return _made


def _made(cls: Class) -> Class:
    cls.__doc__ = cls.__doc__ or cls.__name__  # or the library would work out a signature
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    fields = dataclasses.fields(cls)
    # A class that brings `__eq__` alone has a `__hash__` of None.
    brought = {name for name in _SHARED if cls.__dict__.get(name) is not None}
    methods = {
        "__init__": _init_of(cls, fields),
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__repr__": _repr_of([field.name for field in fields if field.repr]),
        **_equality_of([field.name for field in fields if field.compare]),
    }
    for name, method in methods.items():
        if name not in brought:
            setattr(cls, name, method)
    return cls


def _init_of(cls: type, fields: tuple[dataclasses.Field[object], ...]) -> Method:
    names = tuple(field.name for field in fields if field.init)
    defaults = {field.name: default for field in fields if (default := _default(field))}
    own = [(field.name, defaults[field.name]) for field in fields if not field.init and field.name in defaults]
    finish: Callable[[object], None] | None = getattr(cls, "__post_init__", None)

    def init(self: object, /, *args: object, **named: object) -> None:
        if named or len(args) != len(names):
            args = _arranged(type(self).__name__, names, defaults, args, named)
        for name, value in zip(names, args, strict=True):
            _store(self, name, value)
        for name, make in own:
            _store(self, name, make())
        if finish:
            finish(self)

    return init


def _default(field: dataclasses.Field[object]) -> Callable[[], object] | None:
    """What makes the value of a field that is not given."""
    if field.default is not dataclasses.MISSING:
        value = field.default
        return lambda: value
    return None if field.default_factory is dataclasses.MISSING else field.default_factory


def _arranged(
    kind: str,
    names: tuple[str, ...],
    defaults: Mapping[str, Callable[[], object]],
    args: tuple[object, ...],
    named: Mapping[str, object],
) -> tuple[object, ...]:
    """The values of all fields in their order; raises `TypeError`."""
    rest = names[len(args) :]
    try:
        values = (*args, *[named[name] if name in named else defaults[name]() for name in rest])
    except KeyError as missing:
        raise TypeError(f"{kind}() misses {missing.args[0]}") from None
    if len(values) > len(names) or not named.keys() <= set(rest):
        raise TypeError(f"{kind}() takes {', '.join(names)}, each once, and nothing else")
    return values


def _repr_of(names: list[str]) -> Method:
    @recursive_repr()
    def show(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return show


def _equality_of(names: list[str]) -> dict[str, Method]:
    values = _values_of(names)

    def equal(self: object, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed}


def _values_of(names: list[str]) -> Callable[[object], Hashable]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
