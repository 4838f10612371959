"""Vectors of shares as people bring them: every spelling, every mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import shamir_mnemonic
from shamir_mnemonic import shamir

from tests.shares.vector_parts import FORMAT, Family, Json, Stream, numbered, other_word, sha256


def spellings(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    line, table = " ".join(words), numbered(words)
    head = "# Paradux: Alice's share for Fred Myself\n# Set 1, written on 2026-11-23\n"
    yield "one line", line
    yield "share.txt", head + table
    yield "QR code", line.upper()
    yield "line end at the end", line + "\n"
    yield "CRLF", (head + table).replace("\n", "\r\n")
    yield "CR", (head + table).replace("\n", "\r")
    yield "byte order mark", "\ufeff" + head + table
    yield "mixed case", line.title()
    yield "a word per line", "\n".join(words)
    yield "numbers with brackets", numbered(words, 1, ")")
    yield "numbers without dots", numbered(words, 2, "")
    yield "numbers without blanks", "".join(f"{number}.{word}" for number, word in enumerate(words, 1))
    yield "commas and full stop", ", ".join(words) + "."
    yield "tabs and blanks", "\t" + " \t ".join(words) + "  \n\n"
    yield "no-break spaces", "\u00a0".join(words)
    yield "comments between", "# academic acid\n" + table.replace("\n", "\n  # zero (not part of it)\n")
    yield "a comment is all of the last line", line + "\n#"
    yield "four letters of each word", " ".join(word[:4] for word in words)
    yield "four letters of each word, numbered", numbered([word[:4] for word in words])
    yield "five letters of each word, upper case", " ".join(word[:5] for word in words).upper()


def wrong_texts(words: Sequence[str]) -> Iterator[tuple[str, str, str, list[int]]]:
    """(name, text, problem, positions from 1)."""
    some = list(words)
    yield "no word of the list", " ".join([*some[:11], "paradux", *some[12:]]), "unknown-word", [12]
    yield "one letter of a word missing", " ".join([*some[:6], some[6][1:], *some[7:]]), "unknown-word", [7]
    yield "three letters of a word only", " ".join([*some[:9], some[9][:3], *some[10:]]), "unknown-word", [10]
    yield "five letters, and a sixth that is wrong", " ".join([*some[:2], "acadexic", *some[3:]]), "unknown-word", [3]
    yield "three no words", " ".join(["xx", *some[1:20], "yy", *some[21:32], "zz"]), "unknown-word", [1, 21, 33]
    yield "other word of the list", " ".join([*some[:8], other_word(some[8]), *some[9:]]), "checksum", []
    yield "first word wrong", " ".join([other_word(some[0], 32), *some[1:]]), "checksum", []
    yield "last word wrong", " ".join([*some[:32], other_word(some[32], 512)]), "checksum", []
    yield (
        "three wrong words",
        " ".join([other_word(each) if place in (4, 14, 24) else each for place, each in enumerate(some)]),
        "checksum",
        [],
    )
    yield "neighbours swapped", " ".join([*some[:15], some[16], some[15], *some[17:]]), "checksum", []
    yield "far words swapped", " ".join([*some[:5], some[30], *some[6:30], some[5], *some[31:]]), "checksum", []
    yield "reversed", " ".join(reversed(some)), "checksum", []
    yield "a word missing", " ".join([*some[:20], *some[21:]]), "count", []
    yield "a word twice", " ".join([*some[:20], *some[19:]]), "count", []
    yield "a row of the table missing", numbered(some).split("\n", 1)[1], "count", []
    yield "comment behind words", " ".join(some) + " # mine", "count", []
    yield "one word", some[0], "count", []
    yield "two shares in one", " ".join([*some, *some]), "count", []
    yield (
        "columns read across",
        " ".join(some[column + row * 3] for column in range(3) for row in range(11)),
        "checksum",
        [],
    )


def other_programs() -> Iterator[tuple[str, str, str, list[int]]]:
    stream = Stream("others")
    shamir.RANDOM_BYTES = stream

    def first(groups: int, spec: tuple[int, int], length: int, **options: int) -> str:
        return str(shamir_mnemonic.generate_mnemonics(groups, [spec] * groups, stream(length), **options)[0][0])

    yield "128 bits", first(1, (2, 3), 16, iteration_exponent=0), "count", []
    yield "two groups", first(2, (2, 3), 32, iteration_exponent=0), "other-program", []
    yield "stretched", first(1, (2, 3), 32, iteration_exponent=1), "other-program", []
    yield "one of one", first(1, (1, 1), 32, iteration_exponent=0), "other-program", []


def words() -> Json:
    family = Family("words", 3)
    member = 4
    right = family.words(member)
    corrections = [
        (place, " ".join([*right[:place], wrong or other_word(right[place], 7), *right[place + 1 :]]))
        for place, wrong in ((0, "paradux"), (1, ""), (17, "paradux"), (31, ""), (32, "paradux"))
    ]
    return {
        "format": FORMAT,
        "about": "What is a share however it is written, and what is wrong with what is none",
        "share": {
            "words": right,
            "sha256": sha256(" ".join(right)),
            "identifier": family.identifier,
            "threshold": 3,
            "member": member,
        },
        "good": [{"name": name, "text": spelled} for name, spelled in spellings(right)],
        "bad": [
            {"name": name, "text": spelled, "problem": problem, "positions": positions}
            for name, spelled, problem, positions in (*wrong_texts(right), *other_programs())
        ],
        "corrections": [{"text": wrong, "position": place + 1, "word": right[place]} for place, wrong in corrections],
    }
