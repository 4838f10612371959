"""The codes of errors and of problems in status, as the source has them, and the entries of docs/how-to/troubleshoot.md."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import ROOT

PAGE = (ROOT / "docs/how-to/troubleshoot.md").read_text()
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
TREES = {
    path: ast.parse(path.read_text())
    for folder in ("paraduxd", "paraductl")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "testing" not in path.parts
}


def name_of(node: ast.expr) -> str:
    """The last word of `a.b.c`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def is_text(annotation: ast.expr | None) -> bool:
    return annotation is not None and name_of(annotation) == "str"


def parameters(node: ast.AST) -> Iterator[str]:
    """The names of the parameters of a function, or of the fields of a class; of `code` only where it is text."""
    if isinstance(node, ast.ClassDef):
        made = next((each for each in node.body if getattr(each, "name", "") == "__init__"), None)
        if made:
            yield from list(parameters(made))[1:]
        for each in node.body:
            if not made and isinstance(each, ast.AnnAssign):
                yield name_of(each.target) if is_text(each.annotation) else ""
    elif isinstance(node, ast.FunctionDef):
        for argument in [*node.args.posonlyargs, *node.args.args]:
            yield argument.arg if is_text(argument.annotation) else ""


def takers() -> dict[str, int]:
    """What is called with a code: name -> position of the argument. A class without fields of its own takes what its parent takes."""
    found: dict[str, int] = {}
    for tree in TREES.values():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and node.name != "__init__"
                and "code" in (names := list(parameters(node)))
            ):
                found[node.name] = names.index("code")
    heirs = [
        (node.name, name_of(base))
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    ]
    return found | {name: found[base] for name, base in heirs if base in found and name not in found}


def constants() -> dict[str, dict[Path, str]]:
    """Name -> file -> text."""
    found: dict[str, dict[Path, str]] = defaultdict(dict)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(node.value.value, str):
                        found[name_of(target)][path] = node.value.value
    return found


def texts(value: ast.expr, path: Path) -> Iterator[str]:
    """What an expression in this file can be, as far as it is written there or is a constant of another file."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from texts(value.body, path)
        yield from texts(value.orelse, path)
    elif isinstance(value, ast.JoinedStr) and isinstance(ending := value.values[-1], ast.Constant):  # f"{kind}-failed"
        yield from (f"{kind}{ending.value}" for kind in ("source", "destination"))
    elif isinstance(value, ast.Name | ast.Attribute) and (named := CONSTANTS.get(name_of(value))):
        yield from [named[path]] if path in named else named.values()


@functools.cache
def codes() -> dict[str, Path]:
    """Every code, and a file that has it."""
    places = takers()
    found: dict[str, Path] = {}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            given: list[ast.expr] = []
            if isinstance(node, ast.Call) and (position := places.get(name_of(node.func))) is not None:
                given = [each.value for each in node.keywords if each.arg == "code"] or node.args[
                    position : position + 1
                ]
            elif isinstance(node, ast.Dict):
                given = [
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "code"
                ]
            elif isinstance(node, ast.Assign) and name_of(node.targets[0]) == "code":
                given = [node.value]
            found |= {text: path for value in given for text in texts(value, path) if CODE.fullmatch(text)}
    return found


CONSTANTS = constants()


@functools.cache
def entries() -> dict[str, str]:
    """Heading -> what stands below it."""
    parts = re.split(r"^### (.+)$", PAGE, flags=re.MULTILINE)
    return {heading: text.partition("\n## ")[0].strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True)}
