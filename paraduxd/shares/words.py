"""The words of a share: reading them from whatever people bring, completing them, and pointing at a wrong one.

Source: SLIP-0039, section "Format of the share mnemonic": 1024 words of 10 bits each, the last three of a share are a checksum (RS1024)
that notices every mistake in up to three words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import cache

COUNT = 33
"""Words of a share of 256 bits."""

UNIQUE = 4
"""Letters by which each word of the list differs from all others."""

_NOT_IN_WORDS = re.compile(r"[^a-z]+")


@cache
def wordlist() -> tuple[str, ...]:
    """The 1024 words in the order of SLIP-0039."""
    from shamir_mnemonic.wordlist import WORDLIST

    return tuple(WORDLIST)


def parse_words(text: str) -> tuple[str, ...]:
    """The words of a share file, a typed sheet or a QR code: "#" begins a comment line; numbers, dots, case and spacing do not count.

    Four letters of a word, or more, stand for the word.
    """
    lines = (line for line in text.removeprefix("\ufeff").splitlines() if not line.lstrip().startswith("#"))
    return tuple(map(full_word, _NOT_IN_WORDS.sub(" ", " ".join(lines).lower()).split()))


def full_word(word: str) -> str:
    """The word of the list that begins like this, if four letters or more are given; else what was given."""
    fitting = complete(word) if len(word) >= UNIQUE else ()
    return fitting[0] if len(fitting) == 1 else word


def complete(prefix: str) -> tuple[str, ...]:
    """The words that begin so; four letters leave one."""
    return tuple(word for word in wordlist() if word.startswith(prefix))


def suggest(word: str) -> tuple[str, ...]:
    """At most three words of the list that somebody may have meant, the most similar first."""
    same_beginning = complete(word[:4]) if len(word) >= 4 else ()
    similar = difflib.get_close_matches(word, wordlist(), n=3, cutoff=0.5)
    return tuple(dict.fromkeys((*same_beginning, *similar)))[:3]


def pinpoint(words: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Each change of one word that would make the checksum right: (position from 1, word); none when more than one is wrong."""
    return tuple(_corrections(words))


def _corrections(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    listed = wordlist()
    numbers = {word: number for number, word in enumerate(listed)}
    unknown = [place for place, word in enumerate(words) if word not in numbers]
    if len(unknown) > 1:
        return
    indices = [numbers.get(word, -1) for word in words]
    for place in unknown or range(len(words)):
        for number, word in enumerate(listed):
            if number != indices[place] and _fits([*indices[:place], number, *indices[place + 1 :]]):
                yield place + 1, word


def has_checksum(words: Sequence[str]) -> bool:
    """Whether these words, all of the list, have the checksum of a share."""
    listed = wordlist()
    return _fits([listed.index(word) for word in words])


def _fits(indices: Sequence[int]) -> bool:
    """Whether the checksum is right; bit 4 of the second word says which customization string goes before the words."""
    from shamir_mnemonic import constants, rs1024

    extendable = len(indices) > 1 and indices[1] >> 4 & 1
    custom = constants.CUSTOMIZATION_STRING_EXTENDABLE if extendable else constants.CUSTOMIZATION_STRING_ORIG
    return bool(rs1024.verify_checksum(indices, custom))
