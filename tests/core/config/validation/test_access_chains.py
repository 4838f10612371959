"""What a check says of the inventory and of scenarios."""

from __future__ import annotations

import json
from typing import Any

import pytest

from paraduxd.core.config.diagnostics import PlacedDiagnostic
from paraduxd.core.config.validation.validate import check
from tests.core.config.samples import SHAPES, answers

Entries = list[dict[str, Any]]


def said(**more: Any) -> list[PlacedDiagnostic]:
    document = {**answers(), **more}
    return [
        each for each in check(json.dumps(document), SHAPES, answers=True).problems if each.path.startswith(tuple(more))
    ]


def entry(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name.title(), **more}


def test_entries_that_need_each_other_from_outside_are_fine() -> None:
    phone, pm = entry("phone"), entry("pm", password="x", needs=[["phone"]], reset_by=[["mail"]])
    assert said(inventory=[phone, pm, entry("mail", needs=[["phone"]])]) == []
    assert said(inventory=[{"name": "A portal"}, {"name": "A portal"}]) == []


@pytest.mark.parametrize(
    ("entries", "level", "path", "message", "hint"),
    [
        (
            [entry("phone"), entry("pm", needs=[["phnoe"]])],
            "error",
            "inventory[1].needs[0][0]",
            "has this id",
            "did you mean phone?",
        ),
        ([entry("pm"), entry("pm")], "error", "inventory[1].id", "of its own", ""),
        ([entry("pm", needs=[["pm"]])], "warning", "inventory[0]", "pm holds the key to itself", "does not need it"),
        (
            [entry("pm", needs=[["mail"]]), entry("mail", reset_by=[["pm"]])],
            "warning",
            "inventory[0]",
            "nobody gets into pm: pm, which needs mail, which needs pm",
            "from outside",
        ),
        (
            [entry("phone"), entry("codes", needs=[["pm"]]), entry("pm", needs=[["phone"], ["codes"]])],
            "warning",
            "inventory[2].needs[1]",
            "pm holds the key to itself: this way does not help, codes is only reached by pm",
            "elsewhere",
        ),
    ],
)
def test_what_does_not_open_is_told(entries: Entries, level: str, path: str, message: str, hint: str) -> None:
    first = said(inventory=entries)[0]
    assert (first.level, first.path) == (level, path)
    assert message in first.message and hint in first.hint


def test_scenarios_name_what_there_is() -> None:
    good = {"name": "death", "lose": ["person:owner"], "compromise": ["machine", "alice"]}
    assert said(scenarios=[good]) == []
    (typo,) = said(scenarios=[{"name": "fire", "lose": ["person:alicee"]}])
    assert typo.level == "warning" and typo.hint == "did you mean person:alice?"
    (twice,) = said(scenarios=[good, good])
    assert twice.level == "error" and twice.path == "scenarios[1].name"
