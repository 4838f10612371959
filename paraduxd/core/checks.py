"""Config text to a config, or to problems that say where, what was expected, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from paraduxd.core.config import Config, Destination, KitAccess, MetadataStash, Source, Stash, kit_settings
from paraduxd.core.document import Document, DocumentError, parse
from paraduxd.core.outline import keys, model_at
from paraduxd.core.problems import Finding, Path, Problem, nearest, path_text, suggestion
from paraduxd.core.sense import Known, sense
from paraduxd.core.shapes import Role, Shape, Shapes

_MODELS: Mapping[Role, type[Stash]] = {
    Role.SOURCE: Source,
    Role.DESTINATION: Destination,
    Role.METADATA: MetadataStash,
}


@dataclass(frozen=True)
class Checked:
    """The config, if there is no error, and all problems in the order of the text."""

    config: Config | None
    problems: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether there is no error; warnings are allowed."""
        return self.config is not None


def check(text: str, shapes: Shapes, *, answers: bool | None = False) -> Checked:
    """Check a config.

    `answers`: the text is one for `setup`, without `serial` and `managed`; `None`: it may be either.
    No problem repeats a value of the text.
    """
    try:
        document = parse(text)
    except DocumentError as error:
        return Checked(None, (Problem("error", error.line, error.column, path_text(error.path), error.message),))
    config, findings = _examine(document.value, shapes, answers)
    problems = tuple(sorted((_place(document, finding) for finding in findings), key=lambda p: (p.line, p.column)))
    failed = any(problem.level == "error" for problem in problems)
    return Checked(None if failed else config, problems)


def _place(document: Document, finding: Finding) -> Problem:
    line, column = document.position(finding.path, finding.at_key)
    return Problem(finding.level, line, column, path_text(finding.path), finding.message, finding.hint)


def _examine(value: Any, shapes: Shapes, answers: bool | None) -> tuple[Config | None, list[Finding]]:
    try:
        config, findings = Config.model_validate(value), []
    except ValidationError as error:
        config, findings = None, list(_model_findings(error, Config, value, ()))
    known: dict[Path, Known] = {}
    for path, role, stash in _stashes(value):
        findings += _stash_findings(path, role, stash, shapes, known)
    if isinstance(value, dict):
        findings += _mode_findings(value, answers)
    if config is not None:
        findings += sense(config, known)
    return config, findings


def _mode_findings(value: dict[str, Any], answers: bool | None) -> Iterator[Finding]:
    ours = ("serial", "managed")
    if answers is None:
        answers = not any(key in value for key in ours)
    for key in ours:
        if answers and key in value:
            yield Finding("error", (key,), f"the key {key} does not belong into answers", "leave it out", at_key=True)
        if not answers and value.get(key) is None:
            yield Finding("error", (key,), f"the key {key} is missing", "Paradux writes it; put it back as it was")


def _stashes(value: Any) -> Iterator[tuple[Path, Role, dict[str, Any]]]:
    """Every object of the document that stands where a stash belongs."""
    for path, stash in _objects(value, "metadata_stashes", ()):
        yield path, Role.METADATA, stash
    for path, dataset in _objects(value, "datasets", ()):
        if isinstance(source := dataset.get("source"), dict):
            yield (*path, "source"), Role.SOURCE, source
        for inner, stash in _objects(dataset, "destinations", path):
            yield inner, Role.DESTINATION, stash


def _objects(value: Any, key: str, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    entries = value.get(key) if isinstance(value, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (*path, key, index), entry


def _stash_findings(
    path: Path, role: Role, stash: dict[str, Any], shapes: Shapes, known: dict[Path, Known]
) -> Iterator[Finding]:
    """Check the keys of the protocol; fills `known` with what is well described."""
    name = stash.get("protocol")
    if not isinstance(name, str):
        return
    shape = shapes.get(name)
    if shape is None:
        usable = [other.name for other in shapes.values() if other.can_be(role)]
        message = f"unknown protocol: expected one that can be a {role}"
        yield Finding("error", (*path, "protocol"), message, suggestion(name, usable))
        return
    if role is Role.DESTINATION:
        unfit = destination_fault(shape, str(stash.get("encryption", "none")))
    else:
        unfit = "" if shape.can_be(role) else f"protocol {name} cannot be a {role}"
    if unfit:
        usable = [other.name for other in shapes.values() if other.can_be(role)]
        yield Finding("error", (*path, "protocol"), unfit, f"these can: {', '.join(sorted(usable))}")
    common = keys(_MODELS[role])
    own = {key: inner for key, inner in stash.items() if key not in common}
    try:
        known[path] = Known(role, shape, shape.settings.model_validate(own))
    except ValidationError as error:
        yield from _model_findings(error, shape.settings, stash, path, common)
    access = stash.get("kit_access")
    if role is Role.METADATA and isinstance(access, dict):
        yield from _kit_findings((*path, "kit_access"), access, shape)


def _kit_findings(path: Path, access: dict[str, Any], shape: Shape) -> Iterator[Finding]:
    """Check that the protocol can read at the address that kits carry; what `KitAccess` refuses itself is not said twice."""
    try:
        KitAccess.model_validate(access)
    except ValidationError:
        return
    try:
        shape.settings.model_validate(kit_settings(access))
    except ValidationError as error:
        yield from _model_findings(error, shape.settings, access, path)


def destination_fault(shape: Shape, encryption: str) -> str:
    """Why a destination cannot have this protocol with this encryption; empty when it can."""
    if encryption == "gpg" and not shape.archive:
        return f"encryption gpg is not available in this version for protocol {shape.name}"
    if encryption != "gpg" and not shape.destination and shape.blobs:
        if shape.archive:
            return f'protocol {shape.name} keeps datasets as encrypted archives only: expected "encryption": "gpg"'
        return f"protocol {shape.name} keeps datasets as encrypted archives only, which this version cannot make yet"
    return "" if shape.destination or shape.archive else f"protocol {shape.name} cannot be a destination"


def _model_findings(
    error: ValidationError, model: type[BaseModel], value: Any, base: Path, more_keys: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """What a model found, in our words. `value` is the object at `base`, `more_keys` are keys it may have besides the model's."""
    for fault in error.errors(include_input=False, include_context=False, include_url=False):
        where = tuple(part for part in fault["loc"] if part != "[key]")
        valid = _valid_keys(model, where[:-1], more_keys)
        name = str(where[-1]) if where else ""
        if fault["type"] == "extra_forbidden":
            yield Finding("error", base + where, f'unknown key "{_short(name)}"', suggestion(name, valid), at_key=True)
        elif fault["type"] == "missing":
            hint = _misspelt(_value_at(value, where[:-1]), name, valid)
            yield Finding("error", base + where, f"the key {name} is missing", hint)
        else:
            yield Finding("error", base + where, _sentence(fault["type"], fault["msg"]), at_key="[key]" in fault["loc"])


def _short(name: str) -> str:
    return path_text((name,)).strip('["]')


def _valid_keys(model: type[BaseModel], where: Path, more_keys: frozenset[str]) -> frozenset[str]:
    inner = model_at(model, where)
    found = keys(inner) if inner else frozenset()
    return found | more_keys if not where else found


def _value_at(value: Any, where: Path) -> Any:
    for part in where:
        value = value[part]
    return value


def _misspelt(given: Any, name: str, valid: frozenset[str]) -> str:
    """A hint for a missing key, when there is an unknown one that was probably meant to be it."""
    unknown = [key for key in given if key not in valid] if isinstance(given, dict) else []
    close = nearest(name, unknown)
    return f"did you mean {name} where it says {_short(close)}?" if close else ""


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
    (r"Value error, ", ""),
    (r"^(\w+) should have (at \w+) (\d+) items? .*", r"expected \2 \3 in this list"),
    (r"^(\w+) should have (at \w+) (\d+) (characters?).*", r"expected \2 \3 \4"),
    (r"Input should be greater than or equal to (.*)", r"expected \1 or more"),
    (r"Input should be less than or equal to (.*)", r"expected \1 or less"),
    (r"Input should be ", "expected "),
)


def _sentence(kind: str, stock: str) -> str:
    """Our sentence for a fault of pydantic's."""
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    for pattern, replacement in _REWORDED:
        stock = re.sub(pattern, replacement, stock)
    return stock
