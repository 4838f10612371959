"""What passes the door for JSON from outside, and what does not."""

from __future__ import annotations

import pytest

from paraduxd.api import bounded_json
from paraduxd.api.bounded_json import Bound, UnfitError

SMALLEST = Bound(size=100, depth=3, entries=5)


def test_what_is_written_by_us_passes() -> None:
    text = '{"a": [1, -2, 9223372036854775807, 0.5, true, null], "\\udcff": "\\ud83d\\ude00 \\\\ud800 ,,[[[{{{"}'
    found = bounded_json.parse(text.encode(), "it")
    assert found == {"a": [1, -2, 2**63 - 1, 0.5, True, None], "\udcff": "😀 \\ud800 ,,[[[{{{"}


@pytest.mark.parametrize(("text", "why"), [
    ("[" * 4 + "]" * 4, "it is nested deeper than 3 levels"),
    ("[" * 90, "it is nested deeper than 3 levels"),
    ('{"a":{"a":{"a":{}}}}', "it is nested deeper than 3 levels"),
    ("[0,0,0,0,0,0]", "it has more than 5 entries"),
    ("0" * 101, "it is longer than 100 bytes"),
    ('{"a":1,"a":2}', "it holds the same key twice"),
    ("NaN", "it holds a number that is not finite"),
    ("[-Infinity]", "it holds a number that is not finite"),
    ("1e999", "it holds a number that is not finite"),
    ("9" * 41, "it holds a number beyond 64 bits"),
    (str(2**63), "it holds a number beyond 64 bits"),
    (str(-(2**63)), "it holds a number beyond 64 bits"),
    ('"\\ud800"', "it holds half a character"),
    ('{"\\udfff":1}', "it holds half a character"),
    ('"\ud83d"', "it holds half a character"),
    ('"a', "it is not JSON"),
    ("", "it is not JSON"),
    ("{}x", "it is not JSON"),
    (b'"\xff"', "it is not UTF-8"),
    (b"\xff\xfe{\x00}\x00", "it is not UTF-8"),
])  # fmt: skip
def test_what_may_not_pass(text: bytes | str, why: str) -> None:
    with pytest.raises(UnfitError) as refused:
        bounded_json.parse(text, "it", SMALLEST)
    assert str(refused.value) == why


def test_an_object_is_no_list() -> None:
    with pytest.raises(UnfitError, match=r"^it is not a JSON object$"):
        bounded_json.parse_object("[]", "it")


@pytest.mark.parametrize("text", ["[" * 5_000_000, '{"a":' * 1_000_000, "[" + "0," * 5_000_000 + "0]", "[],"])
def test_large_ones_are_refused_at_once(text: str) -> None:
    with pytest.raises(UnfitError):
        bounded_json.parse(text, "it", bounded_json.LARGE)
