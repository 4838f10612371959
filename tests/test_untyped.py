"""What crosses the code as untyped JSON: nothing but at the edges, which are named here.

What comes from outside may be untyped as far as its parser; from there on it is a dataclass or a model with a name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass

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

    def fits(self, most: Figures) -> bool:
        """Whether nothing is more."""
        return all(one <= other for one, other in zip(astuple(self), astuple(most), strict=True))

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


EDGES = {
    "paraductl/recovery/kit_writer.py": (0, 0, 1, "the files of a kit, by name"),
    "paraductl/recovery/materials.py": (0, 0, 1, "`Material` of the contract: what is brought, by what it is"),
    "paraductl/setup/place_questions.py": (0, 0, 2, "the config that is being written, as the schema has it"),
    "paraductl/setup/questions.py": (0, 0, 2, "the config that is being written, as the schema has it"),
    "paraduxd/api/bounded_json.py": (1, 3, 0, "the door: JSON comes in here"),
    "paraduxd/api/calls.py": (0, 2, 2, "reads the annotations of the contracts; one caller stands for each of them"),
    "paraduxd/api/dataclass_json.py": (0, 2, 0, "the door: dataclasses become JSON here"),
    "paraduxd/api/replies/what_if.py": (0, 0, 1, '"from" can be no name of a field'),
    "paraduxd/core/config/managed.py": (0, 0, 1, "the config as JSON, which the model reads"),
    "paraduxd/core/config/validation/pydantic_errors.py": (0, 0, 8, "pydantic's ErrorDetails, a TypedDict"),
    "paraduxd/core/config/views/changes.py": (0, 0, 1, "two documents are compared, whatever is in them"),
    "paraduxd/core/config/views/json_schema.py": (0, 2, 5, "JSON Schema, whose form its specification gives"),
    "paraduxd/core/config/views/lookup.py": (0, 0, 1, "a path into the document, as a person types it"),
    "paraduxd/core/plan/place_changes.py": (0, 0, 1, 'the document without "was", before it is a model'),
    "paraduxd/core/primitives/dataclass_schema.py": (0, 2, 0, "JSON Schema, whose form its specification gives"),
    "paraduxd/core/recovery/published_config.py": (0, 0, 1, "a published config of any version"),
    "paraduxd/effects/crypto/gpg.py": (0, 4, 6, "python-gnupg, which has no types"),
    "paraduxd/effects/files/staging.py": (
        0,
        0,
        2,
        "the marker of a staging directory, which somebody may have changed",
    ),
    "paraduxd/effects/installation/remains.py": (0, 0, 1, "a plan of any version"),
    "paraduxd/effects/journal/journal.py": (0, 3, 0, "rows of SQLite"),
    "paraduxd/effects/journal/notes.py": (0, 2, 0, "rows of SQLite"),
    "paraduxd/effects/process/run.py": (0, 0, 1, "an environment"),
    "paraduxd/effects/tools/rclone.py": (0, 0, 12, "what rclone prints"),
    "paraduxd/effects/tools/ssh.py": (0, 0, 2, "groups of a regular expression"),
    "paraduxd/keeper/config/save.py": (0, 0, 1, "the document in the order in which it is written"),
    "paraduxd/keeper/kits/documents/build.py": (0, 0, 2, "the files of a kit, by name"),
    "paraduxd/keeper/kits/documents/manifest.py": (0, 0, 1, "kit.json as its format has it"),
    "paraduxd/keeper/kits/make.py": (0, 0, 1, "the files of a kit, by name"),
    "paraduxd/keeper/setup/forms.py": (0, 0, 2, "pydantic's ErrorDetails, a TypedDict"),
    "paraduxd/protocols/archive/chain.py": (0, 0, 3, "a manifest is written as earlier versions read it"),
    "paraduxd/protocols/base.py": (0, 4, 0, "settings of any plugin"),
    "paraduxd/protocols/blob_stores/throttle.py": (0, 2, 0, "io's buffers, for which Python 3.11 has no type"),
    "paraduxd/protocols/pulling/rclone_pull.py": (0, 0, 2, "lines of the log of rclone"),
    "paraduxd/protocols/rclone/protocol.py": (
        0,
        0,
        6,
        "options of any remote of rclone; groups of a regular expression",
    ),
    "paraduxd/protocols/restic/destination.py": (0, 0, 4, "what restic prints"),
    "paraduxd/protocols/restic/failures.py": (0, 0, 1, "groups of a regular expression"),
    "paraduxd/protocols/restic/keys/stored_keys.py": (0, 0, 5, "restic's key files"),
    "paraduxd/protocols/restic/repository.py": (0, 2, 1, "resticpy, which has no types; an environment"),
    "paraduxd/protocols/restic/rest/http_failures.py": (0, 0, 3, "groups of a regular expression"),
    "paraduxd/protocols/restic/settings.py": (0, 0, 3, "groups of a regular expression"),
    "paraduxd/protocols/trees/layout.py": (0, 0, 4, "the manifest of a version, as its format has it"),
    "paraduxd/shares/kit_manifest.py": (0, 0, 30, "kit.json: each value is checked as it is taken out"),
    "paraduxd/supervisor/drill_records.py": (0, 0, 1, "a fact of an earlier version"),
    "paraduxd/supervisor/status/whatif_schema_command.py": (0, 0, 9, "JSON Schema, whose form its specification gives"),
    "paraduxd/testing/places.py": (0, 2, 0, "fields of a request, which a test chooses"),
}
"""Where JSON, or what has no types, is met, as `Figures`, and what it is. No other module has any of it."""

MOST = Figures(signatures=3, lines=60, subscripts=160)
"""Of all edges together."""


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


def found() -> dict[str, Figures]:
    """Of every module that has any."""
    paths = [*ROOT.glob("paraductl/**/*.py"), *ROOT.glob("paraduxd/**/*.py")]
    every = {
        path.relative_to(ROOT).as_posix(): figures(path.read_text()) for path in paths if path.name not in LEFT_OUT
    }
    return {name: each for name, each in every.items() if each != Figures()}


def test_only_edges_are_untyped() -> None:
    """Whoever adds to a number, or a module, says what there is that can have no type."""
    allowed = {name: Figures(*edge[:3]) for name, edge in EDGES.items()}
    over = {name: each for name, each in found().items() if not each.fits(allowed.get(name, Figures()))}
    assert not over, "give what crosses the code a dataclass (see paraduxd/api/replies), or name the edge in EDGES"


def test_every_edge_is_one() -> None:
    """Take out what has become typed."""
    assert set(EDGES) - set(found()) == set()


def test_the_edges_are_few() -> None:
    assert sum(found().values(), Figures()).fits(MOST)


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
