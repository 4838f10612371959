"""Confirmation codes: the vectors that the page passes too, and which code is taken."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import confirmation, kit_records
from paraduxd.core.recovery.confirmation import AskedChallenge, CodeRecord, Found, Said, SeenKey, SeenKeys
from paraduxd.core.recovery.kit_records import Kit

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "schema" / "vectors" / "confirmations.json").read_text()
)
OWNER, KIT = "ab" * 16, "cd" * 32
TODAY = date(2026, 11, 28)
KEYS = SeenKeys(
    OWNER,
    tuple(SeenKey(name, 1, index, confirmation.key_of(name).hex()) for index, name in enumerate(("alice", "bob"))),
)
KITS = {("alice", 1): KIT}


def said_in(case: dict[str, Any]) -> tuple[str, Said]:
    manifest = json.loads(case["manifest"]) if case["manifest"] else None
    digest = hashlib.sha256(case["manifest"].encode()).hexdigest() if manifest else ""
    epoch = manifest["epoch"] if manifest else 0
    owner = manifest["owner"]["id"] if manifest else ""
    return owner, Said(case["date"], case["kind"], case["member"], epoch, digest, case["challenge"])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: str(case["name"]))
def test_the_vectors(case: dict[str, Any]) -> None:
    owner, said = said_in(case)
    assert confirmation.code_of(confirmation.key_of(case["share"]), owner, said) == case["code"]


@pytest.mark.parametrize("case", VECTORS["check_digits"], ids=lambda case: str(case["digits"]))
def test_the_check_digit(case: dict[str, str]) -> None:
    assert confirmation.check_digit(case["digits"]) == case["check"]


def code(name: str = "alice", **changes: Any) -> str:
    index = ("alice", "bob").index(name)
    said = Said(**{"date": "2026-11-28", "kind": "whole", "member": index, "epoch": 1, "kit_sha256": KIT, **changes})
    return confirmation.code_of(confirmation.key_of(name), OWNER, said)


def find(digits: str, asked: tuple[AskedChallenge, ...] = ()) -> Found | None:
    return confirmation.find(digits, KEYS, KITS, {"alice": asked}, TODAY)


def test_the_key_is_not_made_of_what_every_kit_tells() -> None:
    """HMAC hashes a long key; the hash of the words stands in kit.json. With the words as the key everybody could make the codes."""
    words = " ".join(["academic"] * 33)
    told = hashlib.sha256(words.encode()).digest()
    import hmac

    assert hmac.digest(words.encode(), b"x", "sha256") == hmac.digest(told, b"x", "sha256"), "the pitfall"
    assert confirmation.key_of(words) != told
    for forged in (
        hmac.digest(told, confirmation.PURPOSE.encode(), "sha256"),
        hmac.digest(confirmation.PURPOSE.encode(), told, "sha256"),
    ):
        assert forged != confirmation.key_of(words)


def test_a_code_names_steward_day_and_kind() -> None:
    for back in (0, 1, 60):
        day = (TODAY - timedelta(days=back)).isoformat()
        for kind in confirmation.KINDS:
            found = find(code(date=day, kind=kind))
            assert found and (found.steward, found.said.date, found.said.kind) == ("alice", day, kind)
    assert find(code(date=(TODAY - timedelta(days=61)).isoformat())) is None
    assert find(code(date=(TODAY + timedelta(days=1)).isoformat())) is None


def test_another_kit_than_the_one_that_was_written_is_none_of_yours() -> None:
    assert find(code(kit_sha256="ef" * 32)) is None
    assert find(code("bob")) is None, "no kit of Bob's was ever written"
    assert find(code("bob", kind="words")) is not None, "he may have the sheet"


def test_the_answer_to_a_challenge() -> None:
    asked = AskedChallenge("042195", "2026-11-27T10:00:00Z")
    answer = code(challenge="042195")
    found = find(answer, (AskedChallenge("111111", "2026-11-26T10:00:00Z"), asked))
    assert found and found.challenge == asked
    assert find(answer) is None, "nobody has asked that"
    assert find(code("bob", kind="words", challenge="042195"), (asked,)) is None, "Alice was asked"


@pytest.mark.parametrize("typed", ["089 761 180 071", "089-761-180-071", " 089761180071\n", "089.761.180.071"])
def test_it_may_be_typed_as_it_is_said(typed: str) -> None:
    assert confirmation.parse(typed) == "089761180071"


@pytest.mark.parametrize(
    "typed", ["", "089 761 180 07", "089 761 180 0711", "089 761 180 O71", "٠٨٩٧٦١١٨٠٠٧١", "x" * 10_000]
)
def test_what_is_no_code_is_mistyped(typed: str) -> None:
    with pytest.raises(ParaduxError, match="twelve digits") as caught:
        confirmation.parse(typed)
    assert caught.value.code == "mistyped-code"


def test_every_single_wrong_digit_and_every_exchange_of_neighbours_is_mistyped() -> None:
    right = code()
    for place, digit in enumerate(right):
        wrongs = [right[:place] + other + right[place + 1 :] for other in "0123456789" if other != digit]
        if place and right[place - 1] != digit:
            wrongs.append(right[: place - 1] + digit + right[place - 1] + right[place + 1 :])
        for wrong in wrongs:
            with pytest.raises(ParaduxError) as caught:
                confirmation.parse(wrong)
            assert caught.value.code == "mistyped-code"


def take(said: Said, last: CodeRecord | None, heard: str, asked: AskedChallenge | None = None) -> CodeRecord:
    return confirmation.taken(Found("alice", 1, said, asked), f"{said}", last, heard)


def test_a_code_is_taken_once_and_only_if_it_is_newer() -> None:
    first = take(Said("2026-11-20", "share", 0), None, "2026-11-28T10:00:00Z")
    for said in (Said("2026-11-20", "share", 0), Said("2026-11-20", "words", 0), Said("2026-11-19", "whole", 0)):
        with pytest.raises(ParaduxError) as caught:
            take(said, first, "2026-11-28T11:00:00Z")
        assert caught.value.code == "code-taken"
    assert take(Said("2026-11-20", "whole", 0), first, "2026-11-28T11:00:00Z").kind == "whole", "says more"
    later = take(Said("2026-11-21", "words", 0), first, "2026-11-28T11:00:00Z")
    assert (later.kind, later.latest, later.asked) == ("words", "2026-11-21", False)


def test_an_answer_to_what_was_asked_since_is_new_whatever_the_clock_there_says() -> None:
    first = take(Said("2026-11-20", "whole", 0), None, "2026-11-25T10:00:00Z")
    old, new = AskedChallenge("000001", "2026-11-24T10:00:00Z"), AskedChallenge("000002", "2026-11-26T10:00:00Z")
    answer = take(Said("2026-11-10", "whole", 0, challenge="000002"), first, "2026-11-28T10:00:00Z", new)
    assert (answer.date, answer.latest, answer.asked) == ("2026-11-10", "2026-11-20", True)
    with pytest.raises(ParaduxError):
        take(Said("2026-11-10", "whole", 0, challenge="000001"), first, "2026-11-28T10:00:00Z", old)


def test_challenges_and_tries_are_forgotten_in_time() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    many = tuple(AskedChallenge(f"{number:06}", "2026-11-20T10:00:00Z") for number in range(9))
    assert confirmation.still_open(many, now) == many[-confirmation.MOST_OPEN :]
    assert confirmation.still_open((AskedChallenge("1", "2026-09-28T12:00:00Z"),), now) == ()
    assert confirmation.still_open((AskedChallenge("1", "2026-09-29T12:00:00Z"),), now)
    assert confirmation.recent(("2026-11-27T11:59:59Z", "2026-11-27T12:00:00Z", "2030-01-01T00:00:00Z"), now) == (
        "2026-11-27T12:00:00Z",
        "2030-01-01T00:00:00Z",
    )


SEEN_LONG_AGO = Kit(1, "2024-01-01T10:00:00Z", "2024-01-02T10:00:00Z")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "kind", "epoch", "expected"),
    [(True, "whole", 1, False), (False, "whole", 1, True), (True, "words", 1, True), (True, "whole", 2, True)],
)
def test_only_an_answer_of_a_whole_kit_is_a_check_up(asked: bool, kind: str, epoch: int, expected: bool) -> None:
    seen = CodeRecord("2026-11-01", kind, "2026-11-01T10:00:00Z", epoch, asked)
    assert kit_records.is_overdue(SEEN_LONG_AGO, NOW, seen) is expected


def test_a_kit_of_which_only_the_share_is_good_is_broken_until_it_is_seen_again() -> None:
    seen = CodeRecord("2026-11-01", "share", "2026-11-01T10:00:00Z", 1)
    assert kit_records.broken_by_code(SEEN_LONG_AGO, seen)
    assert not kit_records.broken_by_code(Kit(1, "2026-11-02T10:00:00Z"), seen), "written anew"
    assert not kit_records.broken_by_code(SEEN_LONG_AGO, None)
