"""Splitting the recovery secret: any k shares give it back, issuing never gives one share to two people."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraduxd.shares.slip39 import SET_SIZE, ShareError, combine, issue, split

SECRET = bytes(range(32))


@pytest.mark.parametrize("threshold", [2, 3, 16])
def test_any_threshold_of_the_shares_gives_the_secret_back(threshold: int) -> None:
    shares = split(SECRET, threshold)
    assert len(set(shares)) == SET_SIZE
    assert {len(share.split()) for share in shares} == {33}
    assert combine(shares[-threshold:]) == SECRET
    assert combine(shares[:threshold]) == SECRET


def test_fewer_shares_are_refused() -> None:
    with pytest.raises(ShareError, match="do not belong together"):
        combine(split(SECRET, 3)[:2])


def test_shares_of_two_sets_are_refused() -> None:
    with pytest.raises(ShareError):
        combine([split(SECRET, 2)[0], split(SECRET, 2)[1]])


def test_a_changed_word_is_refused() -> None:
    shares = split(SECRET, 2)
    words = shares[0].split()
    words[7] = "academic" if words[7] != "academic" else "zero"
    with pytest.raises(ShareError):
        combine([" ".join(words), shares[1]])


@pytest.mark.parametrize("threshold", [0, 1, 17])
def test_impossible_thresholds_are_refused(threshold: int) -> None:
    with pytest.raises(ValueError, match="threshold"):
        split(SECRET, threshold)


@given(
    st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=6),
    st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=6),
)
def test_issuing_keeps_what_is_held_and_never_issues_a_share_twice(before: list[str], after: list[str]) -> None:
    held = issue({}, before)
    retired = [index for steward, index in held.items() if steward not in after]
    issued = issue(held, after, retired)
    assert list(issued) == after
    assert all(issued[steward] == held[steward] for steward in after if steward in held)
    assert len(set(issued.values())) == len(after)
    assert not set(retired) & {issued[steward] for steward in after if steward not in held}


def test_a_set_that_is_used_up_says_so() -> None:
    stewards = [f"s{number}" for number in range(SET_SIZE)]
    held = issue({}, stewards)
    with pytest.raises(ShareError, match="all 16 shares"):
        issue(held, [*stewards[:-1], "new"], [held[stewards[-1]]])


def test_every_pair_of_a_set_opens_it() -> None:
    shares = split(SECRET, 2)
    assert all(combine(pair) == SECRET for pair in itertools.combinations(shares[:6], 2))
