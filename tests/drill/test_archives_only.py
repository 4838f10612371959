"""A family whose only destination holds encrypted archives: a drill proves them, with the key that the published config has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drill.drill_rig import drill, left_in_scratch, restored
from tests.rig import Installation, fill, minimal_answers, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("archives") / "paradux") as installation:
        answers = minimal_answers(installation.root)
        (home,) = answers["datasets"]
        vault = {**home["destinations"][0], "id": "vault", "url": f"file://{installation.root}/vault"}
        home["destinations"] = [{**vault, "encryption": "gpg"}]
        fill(installation.root / "source", 12)
        installation.setup(answers)
        installation.ctl("backup")
        yield installation


def volumes(family: Installation) -> list[Path]:
    return sorted((family.root / "vault").glob("*.0*.gpg"))


def test_a_drill_proves_them(family: Installation) -> None:
    """ "what is encrypted with gpg opens with the private key only": so that such a family was never proven."""
    code, report = drill(family)
    assert (code, report["proven"], report["lacking"]) == (0, True, []), report
    assert restored(report) == {"home/vault": True}
    (found,) = report["restored"]
    assert (found["result"]["files"], found["result"]["compared"]) == (12, 12)
    assert left_in_scratch(family) == []
    assert family.status()["recoverable"]["proven"]


def test_the_key_is_nowhere_afterwards(family: Installation) -> None:
    drill(family)
    for path in (*family.state.rglob("*"), *family.run.rglob("*")):
        if path.is_file() and path.name != "vault.luks":
            content = path.read_bytes()
            assert b"PGP PRIVATE KEY" not in content or path.name.startswith("recovery-key"), path


def test_a_drill_that_finds_damage_ends_the_proof(family: Installation) -> None:
    drill(family)
    (volume,) = volumes(family)
    content = volume.read_bytes()
    try:
        volume.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        code, report = drill(family)
    finally:
        volume.write_bytes(content)
    assert (code, report["proven"], restored(report)) == (1, False, {"home/vault": False})
    assert not family.status()["recoverable"]["proven"]
    code, report = drill(family)
    assert (code, report["proven"]) == (0, True)
