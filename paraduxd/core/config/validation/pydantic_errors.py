"""What pydantic finds wrong, as findings in our words: the stock ones speak of tuples and may carry the input along."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ValidationError

from paraduxd.api.suggestions import nearest
from paraduxd.core.config.diagnostics import Diagnostic, Path, quoted, suggestion
from paraduxd.core.config.model_introspection import keys, model_at

_SENTENCES = {
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
}

_REWORDED = (
    (r"^Value error, ", ""),
    (r"^(?:Tuple|List) should have (at \w+) (\d+) item.*", r"expected a list of \1 \2"),
    (r"^String should have (at \w+) (\d+ characters?)", r"expected \1 \2"),
    (r"^Input should be greater than or equal to (.*)", r"expected \1 or more"),
    (r"^Input should be less than or equal to (.*)", r"expected \1 or less"),
    (r"^Input should be ", "expected "),
)


def model_findings(
    error: ValidationError,
    model: type[BaseModel],
    value: object,
    base: Path = (),
    more_keys: frozenset[str] = frozenset(),
) -> Iterator[Diagnostic]:
    """The faults of `value`, which stands at `base` and was validated with `model`.

    `more_keys` are keys that the object may have besides the model's.
    """
    for fault in error.errors(include_input=False, include_context=False, include_url=False):
        missing = fault["type"] == "missing"
        where, around = _where(value, fault["loc"][:-1] if missing else fault["loc"])
        if missing:
            name, valid = str(fault["loc"][-1]), _valid_keys(model, where, more_keys)
            yield Diagnostic(
                "error", (*base, *where, name), f"the key {name} is missing", _misspelt(around, name, valid)
            )
        elif fault["type"] == "extra_forbidden":
            name, valid = str(where[-1]), _valid_keys(model, where[:-1], more_keys)
            yield Diagnostic("error", base + where, f"unknown key {quoted(name)}", suggestion(name, valid), at_key=True)
        else:
            yield Diagnostic(
                "error", base + where, _sentence(fault["type"], fault["msg"]), at_key="[key]" in fault["loc"]
            )


def _where(value: object, location: Path) -> tuple[Path, object]:
    """The path in the document, which is pydantic's location without tags of unions and "[key]", and what stands there."""
    path: list[str | int] = []
    for part in location:
        match value, part:
            case dict(), _ if part in value:
                value = value[part]
            case list(), int() if part < len(value):
                value = value[part]
            case _:
                continue
        path.append(part)
    return tuple(path), value


def _valid_keys(model: type[BaseModel], where: Path, more_keys: frozenset[str]) -> frozenset[str]:
    inner = model_at(model, where)
    return (keys(inner) if inner else frozenset()) | (frozenset() if where else more_keys)


def _misspelt(given: object, name: str, valid: frozenset[str]) -> str:
    """A hint for a missing key, when there is an unknown one that was probably meant to be it."""
    unknown = [key for key in given if key not in valid] if isinstance(given, dict) else []
    close = nearest(name, unknown)
    return f"did you mean {name} where it says {quoted(close)}?" if close else ""


def _sentence(kind: str, stock: str) -> str:
    """Our sentence for a fault of pydantic's."""
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    for pattern, replacement in _REWORDED:
        stock = re.sub(pattern, replacement, stock)
    return stock
