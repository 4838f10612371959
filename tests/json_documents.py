"""What commands print with --json, held against the schemas that are shipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).parent.parent


def check(words: Sequence[str], printed: str) -> None:
    """Raises `AssertionError` when a command with these words has printed a document that its schema does not allow."""
    if "--json" not in words or not printed.strip():
        return
    command = next((word for word in words if (ROOT / f"schema/commands/{word}.schema.json").exists()), None)
    if command is None:
        return
    wrong = next(_validator(command).iter_errors(json.loads(printed)), None)
    if wrong is not None:
        cause = min(wrong.context or [wrong], key=lambda each: -len(each.absolute_path))
        raise AssertionError(f"{command} --json is not as its schema says, at {cause.json_path}: {cause.message[:300]}")


@cache
def _validator(command: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / f"schema/commands/{command}.schema.json").read_text()))
