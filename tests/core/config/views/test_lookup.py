"""Finding a part of a config by its path."""

from __future__ import annotations

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.views.lookup import lookup

DOCUMENT = {"policy": {"unlock_for": "15m"}, "datasets": [{"id": "home", "source": {"url": "u"}}, {"id": "mail"}]}


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", DOCUMENT),
        ("policy.unlock_for", "15m"),
        ("datasets.home.source.url", "u"),
        ("datasets[1]", {"id": "mail"}),
        ("datasets[0].source", {"url": "u"}),
    ],
)
def test_parts_are_found(path: str, part: object) -> None:
    assert lookup(DOCUMENT, path) == part


@pytest.mark.parametrize("path", ["nope", "datasets[7]", "datasets.home.source.url.x", "policy[0]", "datasets.nobody"])
def test_what_is_not_there_is_said(path: str) -> None:
    with pytest.raises(ParaduxError, match="nothing at"):
        lookup(DOCUMENT, path)


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(ParaduxError) as caught:
        lookup(DOCUMENT, "datasets.hme")
    assert caught.value.hint == "did you mean home?"
