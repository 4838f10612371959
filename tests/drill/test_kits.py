"""`drill --kit`: the kits themselves are proven, without the passphrase."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.drill.drill_rig import Json, left_in_scratch, opened, production, restored
from tests.rig import Installation

pytestmark = pytest.mark.slow


def drill(paradux: Installation, *brought: Path) -> tuple[int, Json]:
    done = paradux.ctl("--json", "drill", *(word for kit in brought for word in ("--kit", str(kit))), check=False)
    return done.returncode, json.loads(done.stdout)


def test_enough_kits_prove_everything(paradux: Installation, kits: tuple[Path, Path]) -> None:
    before = production(paradux)
    code, report = drill(paradux, *kits)
    assert (code, report["proven"], report["flawless"], report["source"]) == (0, True, True, "kits"), report
    assert {place for place, good in opened(report).items() if good} >= {"nas", "office", "friend"}
    assert any(each["kit"] and each["good"] for each in report["openings"])
    assert all(restored(report).values())
    assert production(paradux) == before
    assert left_in_scratch(paradux) == []
    assert "no-drill" not in paradux.problem_codes()


def test_one_kit_is_not_enough(paradux: Installation, kits: tuple[Path, Path]) -> None:
    before = production(paradux)
    code, report = drill(paradux, kits[0])
    assert (code, report["error"]["code"]) == (1, "not-enough-shares")
    assert production(paradux) == before


@pytest.mark.parametrize(
    ("wrong", "code"), [(r"\bacademic\b", 0), (r"\b[a-z]{3,8}\b", 1)], ids=["one word", "every word"]
)
def test_wrong_words_are_put_right_by_the_hash_or_prove_nothing(
    paradux: Installation, kits: tuple[Path, Path], tmp_path: Path, wrong: str, code: int
) -> None:
    alice, bob = kits
    bad = shutil.copytree(bob, tmp_path / "bob")
    for file in ("share.txt", "copies/share-2.txt", "copies/share-3.txt"):
        path = bad / "PARADUX" / file
        path.write_text(re.sub(wrong, "acid", path.read_text()))
    before = production(paradux)
    found, report = drill(paradux, alice, bad)
    assert found == code, report
    assert report["proven"] if code == 0 else report["error"]["code"] == "not-enough-shares"
    assert production(paradux) == before
    assert left_in_scratch(paradux) == []


def test_a_kit_whose_config_is_damaged_is_named(paradux: Installation, kits: tuple[Path, Path], tmp_path: Path) -> None:
    alice, bob = kits
    bad = shutil.copytree(bob, tmp_path / "bobs-kit")
    config = bad / "PARADUX" / "config.gpg"
    content = config.read_bytes()
    config.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
    code, report = drill(paradux, alice, bad)
    assert (code, report["proven"], report["flawless"]) == (1, True, False)
    assert any("bobs-kit" in each["text"] for each in report["openings"] if not each["good"])


def test_kits_with_an_older_config_need_a_stash(paradux: Installation, kits: tuple[Path, Path]) -> None:
    config = paradux.config()
    config["owner"]["phone"] = "+1 555"
    paradux.edit(config)
    code, report = drill(paradux, *kits)
    assert (code, report["proven"]) == (0, True), report
    present = {each["place"] for each in report["openings"] if each["present"]}
    assert present == {"nas", "office", "friend"}, "and no kit"
    assert all("serial" in each["text"] for each in report["openings"] if each["kit"])
