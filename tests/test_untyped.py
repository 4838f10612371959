"""How much crosses the code as untyped JSON, per layer. The figures may only go down: lower a ceiling when you have lowered the figure.

What comes from outside may be untyped as far as its parser; from there on it is a dataclass or a model with a name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from tests.checkout import ROOT

UNTYPED = re.compile(r"\b(dict|Mapping)\[str, Any\]|\bJson\b")

LEFT_OUT = {"recover.py"}
"""For stewards, who have nothing but Python: it stands alone."""


@dataclass(frozen=True)
class Figures:
    """`signatures` that take or give a `dict[str, Any]`, lines with `Any`, and subscripts by a text."""

    signatures: int = 0
    lines: int = 0
    subscripts: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


CEILINGS = {
    "paraductl": Figures(0, 0, 16),
    "paraduxd/api": Figures(2, 18, 3),
    "paraduxd/shares": Figures(0, 0, 30),
    "paraduxd/core": Figures(9, 25, 39),
    "paraduxd/effects": Figures(0, 10, 24),
    "paraduxd/protocols": Figures(1, 10, 29),
    "paraduxd/keeper": Figures(0, 2, 47),
    "paraduxd/worker": Figures(0, 0, 0),
    "paraduxd/supervisor": Figures(0, 8, 18),
    "paraduxd/testing": Figures(0, 2, 0),
}


def figures(text: str) -> Figures:
    """Of one module."""
    nodes = list(ast.walk(ast.parse(text)))
    return Figures(
        sum(bool(UNTYPED.search(" ".join(_annotations(node)))) for node in nodes if isinstance(node, ast.FunctionDef)),
        len({node.lineno for node in nodes if isinstance(node, ast.Name | ast.alias) and _name(node) == "Any"}),
        sum(_is_by_text(node) for node in nodes),
    )


def _annotations(function: ast.FunctionDef) -> Iterator[str]:
    taken = function.args
    every = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    yield from (ast.unparse(each.annotation) for each in every if each is not None and each.annotation is not None)
    if function.returns is not None:
        yield ast.unparse(function.returns)


def _name(node: ast.Name | ast.alias) -> str:
    return node.id if isinstance(node, ast.Name) else node.name


def _is_by_text(node: ast.AST) -> bool:
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return False
    literal = isinstance(node.value, ast.Name) and node.value.id == "Literal"
    return isinstance(node.slice.value, str) and not literal


def of_layer(folder: Path) -> Figures:
    modules = (path for path in folder.rglob("*.py") if path.name not in LEFT_OUT)
    return sum((figures(path.read_text()) for path in modules), Figures())


@pytest.mark.parametrize("layer", CEILINGS)
def test_no_more_is_untyped_than_was(layer: str) -> None:
    found, ceiling = astuple(of_layer(ROOT / layer)), astuple(CEILINGS[layer])
    assert all(one <= most for one, most in zip(found, ceiling, strict=True)), (
        f"{layer}: (signatures with dict[str, Any], lines with Any, subscripts by a text) are {found}, at most {ceiling} may be:"
        " give what crosses the code a dataclass (see paraduxd/api/replies)"
    )


def test_every_layer_has_its_ceiling() -> None:
    folders = {path.name for path in (ROOT / "paraduxd").iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert folders - {"__pycache__"} == {layer.partition("/")[2] for layer in CEILINGS} - {""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a: dict[str, Any]) -> Mapping[str, Any]: ...", Figures(1, 1, 0)),
        ("def f(self, *, a: Json | None) -> None: ...", Figures(1, 0, 0)),
        ("from typing import Any\nx: list[Any] = [y['a']['b']]", Figures(0, 2, 2)),
        ("def f(a: Mapping[str, object]) -> Literal['x']: return a[0]", Figures()),
    ],
)
def test_what_is_counted(text: str, expected: Figures) -> None:
    assert figures(text) == expected
