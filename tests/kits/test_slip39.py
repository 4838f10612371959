"""The SLIP-39 inside recover.py: the official vectors, and the library that Paradux splits with as the other side."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import shamir_mnemonic
from shamir_mnemonic.wordlist import WORDLIST

from paraduxd.shares import slip39

ROOT = Path(__file__).parent.parent.parent
RECOVER = ROOT / "paraduxd/keeper/kits/documents/data/recover.py"
VECTORS = ROOT / "tests/shares/slip39-vectors.json"
"""The official ones: lists of description, shares, secret in hex or "" where there is none, and more; passphrase TREZOR."""

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def recover() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recover_py", RECOVER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["recover_py"] = module
    spec.loader.exec_module(module)
    return module


def outcome(recover: ModuleType, words: list[str]) -> str:
    """The secret in hex; "" when recover.py refuses."""
    try:
        decoded = [recover.decode(recover.read_words(share)) for share in words]
        return str(recover.combine(decoded, b"TREZOR").hex())
    except recover.Problem:
        return ""


def test_the_official_vectors(recover: ModuleType) -> None:
    vectors: list[Any] = json.loads(VECTORS.read_text())
    assert len(vectors) == 45
    wrong = [vector[0] for vector in vectors if outcome(recover, vector[1]) != vector[2]]
    assert not wrong


def test_the_word_list(recover: ModuleType) -> None:
    assert list(WORDLIST) == recover.WORDS


@pytest.mark.parametrize("threshold", [2, 3, 16])
def test_what_paradux_splits_comes_back(recover: ModuleType, threshold: int) -> None:
    made = [recover.decode(words.split()) for words in slip39.split(SECRET, threshold)]
    assert [share.member for share in made] == list(range(16))
    for some in itertools.islice(itertools.combinations(reversed(made), threshold), 12):
        assert recover.combine(some) == SECRET
    with pytest.raises(recover.Problem):
        recover.combine(made[: threshold - 1])


@pytest.mark.parametrize("extendable", [False, True])
@pytest.mark.parametrize("exponent", [0, 1])
def test_both_kinds_of_share_with_and_without_stretching(recover: ModuleType, extendable: bool, exponent: int) -> None:
    made = shamir_mnemonic.generate_mnemonics(
        1, [(2, 3)], SECRET, iteration_exponent=exponent, extendable=extendable
    )  # fmt: skip
    assert recover.combine([recover.decode(words.split()) for words in made[0][1:]]) == SECRET


def test_every_single_wrong_word_is_found_and_corrected(recover: ModuleType) -> None:
    values = [recover.NUMBER[word] for word in slip39.split(SECRET, 3)[4].split()]
    for place, right in enumerate(values):
        for change in (1, 16, 512, 1023):
            wrong = [*values]
            wrong[place] = right ^ change
            expected = f"word {place + 1} is wrong: it should probably be {recover.WORDS[right]}"
            with pytest.raises(recover.Problem, match=expected):
                recover.decode([recover.WORDS[value] for value in wrong])


@pytest.mark.parametrize("words", [[], ["academic"] * 19, ["academic"] * 33, ["Straße"] * 33])
def test_what_is_no_share_is_refused(recover: ModuleType, words: list[str]) -> None:
    with pytest.raises(recover.Problem):
        recover.decode(words)


def test_no_share_shows_its_words(recover: ModuleType) -> None:
    words = slip39.split(SECRET, 2)[0]
    assert words.split()[6] not in repr(recover.decode(words.split()))


def test_it_runs_on_old_pythons() -> None:
    """The syntax of Python 3.8, which the oldest supported Debian and macOS have."""
    import ast

    ast.parse(RECOVER.read_text(), feature_version=(3, 8))
