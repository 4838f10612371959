"""The arguments of calls are checked against the table."""

from __future__ import annotations

from typing import Any

import pytest

from paraduxd.api.contract import KEEPER, SUPERVISOR, Call, check_arguments
from paraduxd.api.errors import ParaduxError


def test_defaults_are_filled_in() -> None:
    assert check_arguments(SUPERVISOR["verify"], {}) == {"dataset": None, "deep": False}


class Sly(str):
    """A subclass that could read as something else after the check."""


@pytest.mark.parametrize(
    "untrusted",
    [None, [], "x", {"dataset": 1}, {"dataset": None}, {}, {"dataset": "a", "extra": 1}, {"dataset": Sly("a")}],
)
def test_anything_else_is_refused(untrusted: Any) -> None:
    with pytest.raises(ParaduxError) as caught:
        check_arguments(KEEPER["approve"], untrusted)
    assert caught.value.code == "bad-request"


def test_a_flag_is_no_number() -> None:
    with pytest.raises(ParaduxError):
        check_arguments(KEEPER["unlock"], {"seconds": True})


def test_every_call_has_a_known_access_level() -> None:
    assert {call.access for call in [*SUPERVISOR.values(), *KEEPER.values()]} == {
        "member",
        "asker",
        "owner",
        "authorized",
    }


@pytest.mark.parametrize("text", ["/dev/sd\x00b", "/dev/\ud800", "\x00"])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (KEEPER["kits_arm"], "device"),
        (KEEPER["recover_device"], "device"),
        (KEEPER["drill"], "scratch"),
        (KEEPER["restore"], "to"),
        (SUPERVISOR["restore"], "to"),
    ],
)
def test_what_no_path_has_is_refused_at_the_door(call: Call, name: str, text: str) -> None:
    others = {"dataset": "home"} if "dataset" in call.fields else {}
    with pytest.raises(ParaduxError) as refused:
        check_arguments(call, {**others, name: text})
    assert refused.value.code == "bad-request"
    assert refused.value.message == f"the argument {name} has characters that no path has"
    strange = "/mnt/not-utf-8-\udcff"
    assert check_arguments(call, {**others, name: strange})[name] == strange
