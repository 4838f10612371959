"""What is warned of when stewards, or newer copies, could not be reached; none of it makes a config invalid."""

from __future__ import annotations

from typing import Any

import pytest

from paraduxd.api.typed.contact_forms import is_email, is_phone
from paraduxd.core.config.validation.validate import check
from tests.core.config.samples import SHAPES, family, text_of


def warnings(change: Any) -> list[tuple[str, str]]:
    document = family()
    change(document)
    checked = check(text_of(document), SHAPES)
    assert checked.valid
    return [(problem.path, problem.message) for problem in checked.problems]


def test_a_steward_whom_nobody_finds() -> None:
    ((path, message),) = warnings(lambda document: document["stewards"][1].pop("phone"))
    assert path == "stewards[1]" and "nobody can reach them" in message


@pytest.mark.parametrize("key", ["email", "address"])
def test_one_way_to_reach_a_steward_is_enough(key: str) -> None:
    def only(document: dict[str, Any]) -> None:
        del document["stewards"][1]["phone"]
        document["stewards"][1][key] = "bob@example.org"

    assert warnings(only) == []


@pytest.mark.parametrize("who", ["owner", "steward"])
@pytest.mark.parametrize(("key", "bad"), [("email", "canary-nobody"), ("phone", "canary: after six")])
def test_what_has_not_the_form_is_told_and_not_repeated(who: str, key: str, bad: str) -> None:
    def change(document: dict[str, Any]) -> None:
        (document["owner"] if who == "owner" else document["stewards"][0])[key] = bad

    ((path, message),) = warnings(change)
    assert path == f"owner.{key}" if who == "owner" else f"stewards[0].{key}"
    assert "canary" not in message


def test_as_long_as_no_kit_names_a_published_copy() -> None:
    ((path, message),) = warnings(lambda document: document["metadata_stashes"][0].pop("kit_access"))
    assert path == "metadata_stashes" and "no kit names a published copy" in message


@pytest.mark.parametrize("good", ["fred@example.org", "f.m+x@mail.example.co.uk", "jörg@müller.example"])
def test_addresses(good: str) -> None:
    assert is_email(good)


@pytest.mark.parametrize(
    "bad", ["", "fred", "fred@nas", "a b@example.org", "<fred@example.org>", "a@b@example.org", "fred@example."]
)
def test_what_is_no_address(bad: str) -> None:
    assert not is_email(bad)


@pytest.mark.parametrize("good", ["+1 999 888 7777", "030/12345-6", "(030) 1234567", "+49.30.123456", "1234567 ext 12"])
def test_numbers(good: str) -> None:
    assert is_phone(good)


@pytest.mark.parametrize("bad", ["", "123", "call me", "+", "++1 234", "12345;67890", "\u0661\u0662\u0663\u0664\u0665"])
def test_what_is_no_number(bad: str) -> None:
    assert not is_phone(bad)
