"""What a real Paradux claims before and after its owner changes something: scenarios 33, 34 and 36."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig import Installation, Json, fill, minimal_answers
from tests.rigs.prepared import Prepared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("claims") / "paradux", prepare)


@pytest.fixture
def paradux(prepared: Prepared) -> Iterator[Installation]:
    """Set up, backed up, with kits of all stewards and a drill that went well."""
    with prepared.again() as found:
        yield found


def prepare(found: Installation) -> None:
    fill(found.root / "source")
    answers = minimal_answers(found.root)
    answers["datasets"][0]["destinations"].append(destination(found, "cloud", "account:aws"))
    answers["metadata_stashes"][0]["fate"] = answers["metadata_stashes"][1]["fate"] = ["place:house"]
    found.setup(answers)
    found.ctl("backup")
    write_kits(found)
    found.owner("drill")


def destination(paradux: Installation, name: str, fate: str) -> Json:
    url = f"file://{paradux.root}/{name}"
    return {"id": name, "protocol": "disk", "url": url, "every": "1d", "encryption": "gpg", "fate": [fate]}


def write_kits(paradux: Installation) -> None:
    folder = paradux.root / "kits"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    paradux.owner("create-steward-device", "--all", "--directory", str(folder))


def recoverable(paradux: Installation) -> dict[str, Any]:
    found: dict[str, Any] = paradux.status()["recoverable"]
    return found


def test_new_addresses_are_believed_nothing(paradux: Installation) -> None:
    """33. Before: "yes, proven today. Survives any two losses", both destinations ok, the next push in a day."""
    assert paradux.status()["headline"].startswith("Recoverable: yes, proven today.")
    config = paradux.config()
    for each in config["datasets"][0]["destinations"]:
        each["url"] += "-new"
    paradux.edit(config)
    for name in ("mirror", "cloud"):
        shutil.rmtree(paradux.root / name)
    document = paradux.status()
    assert document["headline"] == "Recoverable: no: no destination holds a version of `home`."
    assert [each["last_success"] for each in document["datasets"][0]["destinations"]] == [None, None]
    assert document["recoverable"]["proven"] is None
    paradux.ctl("backup")
    document = paradux.status()
    assert document["headline"].startswith("Recoverable: not proven: nothing is left as the drill of today saw it.")
    paradux.owner("drill")
    assert paradux.status()["headline"].startswith("Recoverable: yes, proven today.")


def test_a_stash_that_no_kit_knows_saves_nobody(paradux: Installation) -> None:
    """34. Before: "Survives any two losses"; after the fire two kits gave the config without the new dataset."""
    config = paradux.config()
    config["metadata_stashes"].append(
        {"id": "friend", "protocol": "disk", "url": f"file://{paradux.root}/friend", "fate": ["place:friend"]}
    )
    config["datasets"].append(
        {
            "id": "docs",
            "source": {
                "protocol": "disk",
                "url": f"file://{paradux.root}/source",
                "every": "1h",
                "fate": ["place:house"],
            },
            "staging": f"{paradux.root}/staging-docs",
            "destinations": [destination(paradux, "docs-cloud", "account:aws")],
        }
    )
    paradux.edit(config)
    paradux.ctl("backup")
    document = paradux.status()
    assert document["headline"].startswith("Recoverable: proven today for 1 of 2 datasets, not for `docs`.")
    assert "Does not survive the loss of house, which would lose `docs`" in document["headline"]
    (asked,) = [each for each in document["problems"] if each["code"] == "kits-outdated"]
    assert "no kit knows the metadata stash friend" in asked["text"]
    write_kits(paradux)
    assert "kits-outdated" not in paradux.problem_codes()
    assert recoverable(paradux)["survives_any"] == 1


def test_a_drill_that_fails_ends_what_was_proven(paradux: Installation) -> None:
    """36. Before: "proven today" by the drill that went well an hour earlier."""
    shutil.rmtree(paradux.root / "nas")
    shutil.rmtree(paradux.root / "office")
    assert paradux.owner("drill", check=False).returncode != 0
    document = paradux.status()
    assert document["headline"].startswith("Recoverable: not proven: the drill of today failed.")
    assert document["recoverable"]["proven"] is None
    assert document["datasets"][0]["proven"] is None
