"""recover.py of a kit, driven by the vectors of schema/vectors like the other reader of kits."""

from __future__ import annotations

import contextlib
import runpy
from pathlib import Path
from typing import Any

import pytest

from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.keeper.kits.documents import build
from tests.kits.kit_rig import MEMORY, new_family
from tests.shares.test_vectors import cases, vectors, write

Json = dict[str, Any]

PROGRAM = runpy.run_path(str(Path(build.__file__).parent / "data" / "recover.py"))


def secrets_of(gathered: Any) -> list[str]:
    """What recover.py would try, each once."""
    sets = PROGRAM["share_sets"](gathered)
    found = [secret.hex() for each in sets if each.held >= each.needed for secret, _ in each.secrets()]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("case", cases("words", "good"))
def test_spellings(case: Json) -> None:
    share = PROGRAM["decode"](PROGRAM["read_words"](case["text"]))
    expected = vectors("words")["share"]
    assert (list(share.words), share.sha256) == (expected["words"], expected["sha256"])
    assert (share.identifier, share.threshold, share.member) == tuple(
        expected[name] for name in ("identifier", "threshold", "member")
    )


OURS = [
    case for case in cases("words", "bad") if case.values[0]["problem"] != "other-program" and case.id != "128 bits"
]
"""recover.py also takes the shares of other programs that know SLIP-0039."""


@pytest.mark.parametrize("case", OURS)
def test_what_is_no_share(case: Json) -> None:
    with pytest.raises(PROGRAM["Problem"]) as caught:
        PROGRAM["decode"](PROGRAM["read_words"](case["text"]))
    for position in case["positions"]:
        assert f"word {position} is not in the list" in str(caught.value)


@pytest.mark.parametrize("case", cases("sets", "sets"))
def test_sets(case: Json) -> None:
    for selection in case["selections"]:
        gathered = PROGRAM["Gathered"]()
        for member in selection["members"]:
            PROGRAM["take_words"](gathered, case["shares"][member], str(member))
        assert secrets_of(gathered) == ([selection["secret"]] if selection["secret"] else [])


@pytest.mark.parametrize("case", cases("kits"))
def test_folders_with_kits(case: Json, tmp_path: Path) -> None:
    write(tmp_path, case["files"])
    gathered = PROGRAM["Gathered"]()
    PROGRAM["take"](gathered, tmp_path)
    assert sorted(" ".join(share.words) for share in gathered.shares) == sorted(case["shares"])


@pytest.mark.parametrize("case", cases("recoveries"))
def test_recoveries(case: Json, tmp_path: Path) -> None:
    kits = vectors("recoveries")["kits"]
    gathered = PROGRAM["Gathered"]()
    for number, each in enumerate(case["materials"]):
        if each["kit"]:
            write(tmp_path / str(number), {"kit.json": kits[each["kit"]]})
            PROGRAM["take"](gathered, tmp_path / str(number))
        with contextlib.suppress(PROGRAM["Problem"]):
            PROGRAM["take_words"](gathered, each["share"] or "", each["label"])
    assert secrets_of(gathered) == case["secrets"]


@pytest.mark.parametrize("case", cases("choices"))
def test_the_newest_config(case: Json) -> None:
    opened = [
        PROGRAM["Opened"](each["label"], "F" * 40, b"", each["header"], {"managed": {"generation": each["generation"]}})
        for each in case["configs"]
    ]
    assert [each.label for each in PROGRAM["newest_first"](opened)] == case["order"]


def test_what_comes_out_of_a_message_is_bounded() -> None:
    """A small message, signed by the owner's key, that holds more than any config."""
    family = new_family()
    recovery = family.document["managed"]["recovery"]
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["private_key"], recovery["secret"])
        gpg._gpg.options = [*gpg._gpg.options, "--compress-algo", "zlib"]
        small = gpg.encrypt_signed(bytes(PROGRAM["LARGEST_OUTPUT"] - 1000), recovery["fingerprint"], recovery["secret"])
        large = gpg.encrypt_signed(bytes(PROGRAM["LARGEST_OUTPUT"] + 1000), recovery["fingerprint"], recovery["secret"])
    assert len(large) < 1024 * 1024
    with PROGRAM["Gpg"]() as gpg:
        key = gpg.import_key(recovery["private_key"].encode())
        assert len(gpg.open(small, key, recovery["secret"])) == PROGRAM["LARGEST_OUTPUT"] - 1000
        with pytest.raises(PROGRAM["Problem"], match="holds more than any config does"):
            gpg.open(large, key, recovery["secret"])


def test_files_are_bounded_one_by_one_and_all_together(tmp_path: Path) -> None:
    gathered = PROGRAM["Gathered"]()
    kit = tmp_path / "PARADUX"
    kit.mkdir()
    with (kit / "config.gpg").open("wb") as file:
        file.truncate(PROGRAM["LARGEST_FILE"] + 1)
    for number in range(40):
        with (kit / f"config-1-{number + 1}.gpg").open("wb") as file:
            file.truncate(PROGRAM["LARGEST_FILE"])
    PROGRAM["take"](gathered, tmp_path)
    assert sum(len(content) for _, content in gathered.configs) <= PROGRAM["LARGEST_ALL"]
    assert "config.gpg" not in {Path(label).name for label, _ in gathered.configs}
