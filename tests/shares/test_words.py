"""Words as people bring them, and what the checksum of a share notices."""

from __future__ import annotations

import pytest

from paraduxd.shares import words
from paraduxd.shares.slip39 import ShareError, combine, read_share, split

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def share() -> tuple[str, ...]:
    return tuple(split(SECRET, 3)[4].split())


def test_however_they_are_written(share: tuple[str, ...]) -> None:
    plain = " ".join(share)
    numbered = "\n".join(f"{number:2}.  {word}" for number, word in enumerate(share, 1))
    three = "\r\n".join(" ".join(share[start : start + 3]) for start in range(0, 33, 3))
    for text in (
        plain,
        plain.upper(),
        numbered,
        three,
        f"\ufeff# of Alice\n  # secret words\n{plain}\n",
        plain.replace(" ", ",\t"),
    ):
        assert words.parse_words(text) == share


def test_a_share_says_what_it_belongs_to(share: tuple[str, ...]) -> None:
    read = read_share(share)
    assert (read.threshold, read.member, read.text) == (3, 4, " ".join(share))
    assert "words" not in repr(read)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w[:-1], "a share has 33 words, these are 32"),
        (lambda w: (*w, w[0]), "a share has 33 words, these are 34"),
        (lambda w: (*w[:6], "paradux", *w[7:]), "word 7 is no word of the list"),
        (lambda w: ("x", "y", *w[2:]), "words 1, 2 are no words of the list"),
        (
            lambda w: (*w[:9], w[10], w[9], *w[11:]),
            "the checksum is not right: a word is wrong, or two have changed places",
        ),
    ],
)
def test_what_is_wrong_is_said(share: tuple[str, ...], change: object, sentence: str) -> None:
    with pytest.raises(ShareError) as refused:
        read_share(change(share))  # type: ignore[operator]
    assert str(refused.value) == sentence


def test_a_share_of_another_program_is_not_taken_for_ours() -> None:
    import shamir_mnemonic

    groups = shamir_mnemonic.generate_mnemonics(2, [(2, 3), (2, 3)], SECRET, iteration_exponent=0)
    with pytest.raises(ShareError, match="some other program"):
        read_share(groups[0][0].split())


def test_completing_and_suggesting() -> None:
    assert words.complete("acad") == ("academic",)
    assert words.suggest("acadmic")[0] == "academic"
    assert "duckling" in words.suggest("ducklin")
    assert words.suggest("") == ()
    assert len(words.wordlist()) == 1024 == len({word[:4] for word in words.wordlist()})


@pytest.mark.parametrize("typed", ["acid", "paradux"])
def test_one_wrong_word_is_pointed_at(share: tuple[str, ...], typed: str) -> None:
    wrong = (*share[:12], typed if share[12] != typed else "acne", *share[13:])
    assert (13, share[12]) in words.pinpoint(wrong)


def test_two_wrong_words_are_not_guessed_at(share: tuple[str, ...]) -> None:
    assert words.pinpoint(("x", "y", *share[2:])) == ()


@pytest.mark.slow
def test_every_substitution_of_one_word_is_noticed(share: tuple[str, ...]) -> None:
    listed = words.wordlist()
    tried = noticed = 0
    for place in range(len(share)):
        for word in listed:
            if word != share[place]:
                tried += 1
                noticed += _is_refused((*share[:place], word, *share[place + 1 :]))
    print(f"{tried} substitutions of one word, {noticed} noticed")
    assert (tried, noticed) == (33 * 1023, 33 * 1023)


def test_every_swap_drop_and_doubling_is_noticed(share: tuple[str, ...]) -> None:
    places = range(len(share))
    swaps = [
        _swapped(share, one, other) for one in places for other in places if one < other and share[one] != share[other]
    ]
    drops = [(*share[:place], *share[place + 1 :]) for place in places]
    doubles = [(*share[:place], share[place], *share[place:]) for place in places]
    assert all(map(_is_refused, (*swaps, *drops, *doubles)))


def _swapped(share: tuple[str, ...], one: int, other: int) -> tuple[str, ...]:
    changed = list(share)
    changed[one], changed[other] = changed[other], changed[one]
    return tuple(changed)


def _is_refused(candidate: tuple[str, ...]) -> bool:
    try:
        read_share(candidate)
    except ShareError:
        return True
    return False


def test_one_share_less_is_consistent_with_any_secret() -> None:
    """k-1 shares and a secret of somebody's choice always fit together: what is missing decides, so they tell nothing."""
    import shamir_mnemonic
    from shamir_mnemonic import shamir

    known = [shamir_mnemonic.Share.from_mnemonic(each) for each in split(SECRET, 3)[:2]]
    for guess in (bytes(32), b"\xff" * 32, bytes(range(100, 132))):
        digest_point = shamir._interpolate(
            [*(shamir.RawShare(each.index, each.value) for each in known), shamir.RawShare(shamir.SECRET_INDEX, guess)],
            7,
        )
        assert len(digest_point) == 32
    assert combine(split(SECRET, 3)[:3]) == SECRET
