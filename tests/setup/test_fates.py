"""Names of what could be lost, as people type them."""

from __future__ import annotations

import pytest

from paraductl.setup.fate_questions import _labels

NAMED = {"place:house": None, "place:office": None}


@pytest.mark.parametrize(
    ("typed", "labels"),
    [
        ("house", ["place:house"]),
        ("1 Elm Street", ["place:1-elm-street"]),
        ("Oak Street, Bob's, device:NAS", ["place:oak-street", "place:bobs", "device:nas"]),
        ("place:house device:laptop", ["place:house", "device:laptop"]),
        ("house office", ["place:house", "place:office"]),
        ("house device:laptop", ["place:house", "device:laptop"]),
        ("attic device:laptop", ["place:attic", "device:laptop"]),
        ("Zürich", ["place:zurich"]),
        ("Große Straße 5", ["place:grosse-strasse-5"]),
        ("house, house", ["place:house"]),
        ("  ", []),
    ],
)
def test_words_are_one_name_unless_they_are_labels(typed: str, labels: list[str]) -> None:
    assert _labels(typed, "place", NAMED) == labels
