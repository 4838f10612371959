"""A kit holds its share three times: which copy is right, and what can be put together of copies that have all rotted.

The hash of the share in `kit.json` decides. Without it a share counts whose checksum is right: of several, the one that most copies hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, product

from paraduxd.shares.slip39 import ShareError, read_share, share_sha256
from paraduxd.shares.words import COUNT, full_word, has_checksum, parse_words, pinpoint, wordlist

MOST_TRIALS = 8192
"""Combinations of the words of several copies that are tried: two copies that differ in thirteen places have so many."""

_NUMBERED = re.compile(r"(?<!\S)([0-9]{1,2})[.):]\s*(\S+)")
_LEAST_NUMBERED = 25
"""So many numbers show that the words are numbered, even if some numbers have rotted."""

_UNKNOWN = "?"


def shares_in(copies: Sequence[str], sha256: str = "") -> tuple[str, ...]:
    """The texts of the shares in these copies: the kit's own first, then those of others that lie in its place.

    `sha256` is that of the kit's own share, as its manifest says; empty when nobody knows. Where nothing is a share, the first copy is
    given, so that somebody is told what is wrong with it.
    """
    whole = [text for text in map(_whole, copies) if text]
    own = [text for text in whole if share_sha256(text) == sha256]
    if not own and (sha256 or not whole):
        own = [text for text in [_put_together(copies, sha256)] if text]
    common = [text for text, _ in Counter(whole).most_common()]
    return tuple(dict.fromkeys((*own, *common))) or tuple(copies[:1])


def _whole(copy: str) -> str:
    """The words of a copy that is a share; empty when it is none."""
    try:
        return read_share(parse_words(copy)).text
    except ShareError:
        return ""


def _put_together(copies: Sequence[str], sha256: str) -> str:
    """A share made of the words of several copies; empty when none comes out. With `sha256` one more word may be wrong in all of them."""
    rows = [row for row in map(_places, copies) if row]
    options = [_options([row[place] for row in rows]) for place in range(COUNT)]
    for words in islice(product(*options), MOST_TRIALS):
        if _UNKNOWN not in words and has_checksum(words) and _is_share(" ".join(words), sha256):
            return " ".join(words)
    rotten = dict.fromkeys([tuple(known[0] for known in options), *rows])
    # Without a hash to compare with, which of 33 words is wrong is not certain enough.
    tried = [words for words in rotten if sha256 or _UNKNOWN in words]
    return next((text for words in tried for text in _corrected(words) if _is_share(text, sha256)), "")


def _is_share(text: str, sha256: str) -> bool:
    return not sha256 or share_sha256(text) == sha256


def _corrected(words: Sequence[str]) -> Iterator[str]:
    """The shares that these words are when one of them, the unknown one if there is one, is another word of the list."""
    for place, word in pinpoint(words):
        yield " ".join((*words[: place - 1], word, *words[place:]))


def _places(copy: str) -> tuple[str, ...]:
    """The word at each of the 33 places, by the numbers before them, else by order; empty when that cannot be told."""
    lines = " ".join(line for line in copy.splitlines() if not line.lstrip().startswith("#"))
    numbered: dict[int, str] = {}
    for number, token in _NUMBERED.findall(lines):
        numbered.setdefault(int(number), token)
    if len([number for number in numbered if 1 <= number <= COUNT]) >= _LEAST_NUMBERED:
        return tuple(_known(numbered.get(number, "")) for number in range(1, COUNT + 1))
    words = parse_words(copy)
    return tuple(map(_known, words)) if len(words) == COUNT else ()


def _known(token: str) -> str:
    """The word of the list that this is, or the mark of an unknown one."""
    letters = re.sub(r"[^a-z]", "", token.lower())
    word = full_word(letters)
    return word if word in wordlist() else _UNKNOWN


def _options(found: Sequence[str]) -> tuple[str, ...]:
    """The words of the list that copies have at one place, the most common first."""
    known = Counter(word for word in found if word != _UNKNOWN)
    return tuple(word for word, _ in known.most_common()) or (_UNKNOWN,)
