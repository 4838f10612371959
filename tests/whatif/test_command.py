"""`paraductl whatif` with a real daemon: what it prints, what it returns, and that the plan holds nothing that the inventory says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tests.rig import Installation
from tests.whatif.conftest import CANARY

ROOT = Path(__file__).parents[2]


def test_everything_at_once(paradux: Installation) -> None:
    done = paradux.ctl("whatif")
    assert "IF THIS IS LOST" in done.stdout and "place:sister" in done.stdout
    assert done.stdout.startswith("Does not survive the loss of mind:owner, which would lose the key to the config.\n")
    assert "write new kits, and hand them over" in done.stdout


def test_the_headline_of_status_comes_from_the_same_engine(paradux: Installation) -> None:
    found = json.loads(paradux.ctl("--json", "whatif", check=False).stdout)
    claimed = paradux.status()["recoverable"]
    assert found["survives_any"] == claimed["survives_any"]
    assert [each["lose"] for each in found["minimal"]][:10] == claimed["weakest"]


def test_exit_code_20_says_that_something_is_lost(paradux: Installation) -> None:
    assert paradux.ctl("whatif", "--lose", "device:phone").returncode == 0
    lost = paradux.ctl("whatif", "--lose", "place:house", "--lose", "place:sister", check=False)
    assert lost.returncode == 20 and "LOST          photos" in lost.stdout
    both = ("--lose", "place:house", "--lose", "place:sister")
    assert paradux.ctl("--json", "whatif", *both, check=False).returncode == 20
    assert (
        paradux.ctl("whatif", *both, "--lose", "device:phon", check=False).returncode == 20
    )  # what is lost comes first
    stolen = paradux.ctl("whatif", "--compromise", "machine", "--lose", "place:sister", check=False)
    assert stolen.returncode == 20 and "LEFT TO YOU" in stolen.stdout
    unknown = paradux.ctl("whatif", "--lose", "device:phon", check=False)
    assert unknown.returncode == 2 and "did you mean device:phone?" in unknown.stdout


@pytest.mark.parametrize("away", ["usb", "sister"])
def test_what_is_left_can_be_had_without_saying_where_it_is(paradux: Installation, tmp_path: Path, away: str) -> None:
    """Whichever copy is the newest: where its place is gone, a restore goes on to the next."""
    folder = paradux.root / away
    folder.rename(paradux.root / "away")
    try:
        done = paradux.owner("restore", "photos", "--to", str(tmp_path / "back"))
    finally:
        (paradux.root / "away").rename(folder)
    assert f"from {({'usb', 'sister'} - {away}).pop()}" in done.stdout
    assert {path.name for path in tmp_path.rglob("*.txt")} == {path.name for path in paradux.root.glob("photos/*")}


def test_scenarios_and_their_names(paradux: Installation) -> None:
    fire = paradux.ctl("whatif", "fire", check=False)
    assert re.search(r"photos: sister \([0-9]+ s old\)", fire.stdout)
    wrong = paradux.ctl("whatif", "fir", check=False)
    assert wrong.returncode == 2 and "did you mean fire?" in wrong.stderr


@pytest.mark.parametrize("words", [[], ["fire"], ["--compromise", "machine"], ["--advice", "all"]])
def test_the_document_has_its_schema(paradux: Installation, words: list[str]) -> None:
    document = json.loads(paradux.ctl("--json", "whatif", *words, check=False).stdout)
    jsonschema.validate(document, json.loads((ROOT / "schema/whatif.schema.json").read_text()))


def test_the_plan_has_ids_and_edges_and_nothing_else_of_the_inventory(paradux: Installation) -> None:
    text = (paradux.root / "state" / "plan.json").read_text()
    assert json.loads(text)["inventory"] == [
        {"id": "phone", "fates": ["device:phone"], "in_config": False, "needs": [], "reset_by": []},
        {"id": "mail", "fates": [], "in_config": True, "needs": [["phone"]], "reset_by": []},
    ]
    everything = [
        text,
        *(paradux.ctl("--json", "whatif", *words, check=False).stdout for words in ([], ["--compromise", "mail"])),
    ]
    assert not [each for each in everything if CANARY in each]
