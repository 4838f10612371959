"""Splitting the recovery secret into shares: SLIP-39, k of 16, without a SLIP-39 passphrase.

Source: SLIP-0039 (Shamir's Secret-Sharing for Mnemonic Codes). All 16 shares of a set are made at once; as many as there are stewards
are issued, the others wait in the config, so that adding a steward needs nobody else's share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.shares.words import COUNT, wordlist


class ShareError(ValueError):
    """Shares that do not give a secret, or a set that is used up; the text says which, without repeating a share."""


SET_SIZE = 16
"""Shares in a set: as many as SLIP-39 allows in one group."""

SECRET_BYTES = 32
"""256 bits; as a passphrase the secret is written in 64 lower-case hexadecimal digits."""


@dataclass(frozen=True)
class Share:
    """One share of a set: the words, and what SLIP-0039 says in their first four (`member` counts from 0)."""

    words: tuple[str, ...] = field(repr=False)
    identifier: int
    threshold: int
    member: int

    @property
    def text(self) -> str:
        """The words with one space between them."""
        return " ".join(self.words)

    @property
    def sha256(self) -> str:
        """How manifests name the share."""
        return share_sha256(self.text)


def share_sha256(text: str) -> str:
    """SHA-256 of the lower-case words with one space between them and no line end, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_share(words: Sequence[str]) -> Share:
    """The share that these words are; raises `ShareError` that says what is wrong with them and shows none of them."""
    import shamir_mnemonic

    if len(words) != COUNT:
        raise ShareError(f"a share has {COUNT} words, these are {len(words)}")
    known = set(wordlist())
    if unknown := [place for place, word in enumerate(words, 1) if word not in known]:
        which = ", ".join(map(str, unknown[:5]))
        raise ShareError(
            f"word {which} is no word of the list" if len(unknown) == 1 else f"words {which} are no words of the list"
        )
    try:
        share = shamir_mnemonic.Share.from_mnemonic(" ".join(words))
    except shamir_mnemonic.MnemonicError:
        raise ShareError("the checksum is not right: a word is wrong, or two have changed places") from None
    if (share.group_count, share.iteration_exponent) != (1, 0) or share.member_threshold < 2:
        raise ShareError("this is a share of some other program, not one that Paradux made")
    return Share(tuple(words), share.identifier, share.member_threshold, share.index)


def split(secret: bytes, threshold: int) -> tuple[str, ...]:
    """All 16 shares of `secret`, each 33 words; any `threshold` (2..16) of them give it back."""
    import shamir_mnemonic

    if len(secret) != SECRET_BYTES or not 2 <= threshold <= SET_SIZE:
        raise ValueError("a secret of 32 bytes and a threshold from 2 to 16 are needed")
    # The secret is 256 random bits, so stretching it (a higher exponent) would only cost time.
    groups = shamir_mnemonic.generate_mnemonics(1, [(threshold, SET_SIZE)], secret, iteration_exponent=0)
    return tuple(groups[0])


def combine(shares: Sequence[str]) -> bytes:
    """The secret of exactly `threshold` distinct shares; raises `ShareError`."""
    import shamir_mnemonic

    try:
        return bytes(shamir_mnemonic.combine_mnemonics(list(shares)))
    except shamir_mnemonic.MnemonicError:
        raise ShareError("these shares do not belong together, or one of them is wrong") from None


def issue(issued: Mapping[str, int], stewards: Sequence[str], retired: Sequence[int] = ()) -> dict[str, int]:
    """Which share (index in the set) each steward holds: those who have one keep it, new ones get an unused one.

    `retired` are shares that a removed steward still knows; they are never issued again.
    Raises `ShareError` when the set has no share left.
    """
    kept = {steward: issued[steward] for steward in stewards if steward in issued}
    used = {*issued.values(), *retired}
    free = (index for index in range(SET_SIZE) if index not in used)
    try:
        return {steward: kept[steward] if steward in kept else next(free) for steward in stewards}
    except (StopIteration, RuntimeError):
        raise ShareError("all 16 shares of this epoch have been issued") from None
