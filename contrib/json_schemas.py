"""Writes schema/commands/: a JSON Schema for what each command prints with --json, from the dataclasses that it prints.

Usage: python contrib/json_schemas.py [FOLDER]    (schema/commands of this checkout)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paraductl.documents import ANYTHING, DOCUMENTS, ELSEWHERE, Failure
from paraduxd.core.primitives.dataclass_schema import schema_of

ROOT = Path(__file__).resolve().parent.parent
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each file, and what is in it."""
    for command, kinds in DOCUMENTS.items():
        yield f"{command}.schema.json", _one_of(command, kinds)
    for command, file in ELSEWHERE.items():
        own = json.loads((ROOT / "schema" / file).read_text())
        failure = schema_of(Failure)
        own["$defs"] = {**own.get("$defs", {}), **failure.pop("$defs")}
        definitions = own.pop("$defs")
        for part in (own, failure):
            for key in ("$schema", "$id"):
                part.pop(key, None)
        yield f"{command}.schema.json", {**_head(command), "anyOf": [own, failure], "$defs": definitions}
    for command in ANYTHING:
        yield f"{command}.schema.json", _head(command)


def _head(command: str) -> dict[str, Any]:
    return {"$schema": DRAFT, "title": f"paraductl --json {command}"}


def _one_of(command: str, kinds: tuple[type, ...]) -> dict[str, Any]:
    """A document of one of these kinds, or a failure."""
    definitions: dict[str, Any] = {}
    alternatives = []
    for kind in (*kinds, Failure):
        made = schema_of(kind)
        definitions |= made.pop("$defs")
        made.pop("$schema")
        alternatives.append(made)
    return {**_head(command), "anyOf": alternatives, "$defs": dict(sorted(definitions.items()))}


def text(schema: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Write them, and remove those of commands that are no more."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "schema/commands"
    folder.mkdir(exist_ok=True)
    made = dict(schemas())
    for name, schema in made.items():
        (folder / name).write_text(text(schema))
    for file in folder.glob("*.schema.json"):
        if file.name not in made:
            file.unlink()


if __name__ == "__main__":
    main()
