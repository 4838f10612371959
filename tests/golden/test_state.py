"""A whole machine of an earlier version goes on under this one: its vault, journal, stashes, every engine's versions, its kits."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paraduxd.core.primitives.place_identity import legacy_uid
from tests.golden.make_state import ROOT
from tests.golden.unpacking import unpack
from tests.recover.recover_rig import NEW_PASSPHRASE, recover
from tests.rig import Installation, running

Json = dict[str, Any]

STATES = sorted(Path(__file__).parent.glob("*/state.tar.xz"))
ENGINES = ("disk", "cloud", "vault")


@pytest.fixture(params=STATES, ids=lambda path: path.parent.name)
def paradux(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """The machine at its place, with its daemon running; there is one such place, so that only one test at a time can use it."""
    with ROOT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(ROOT, ignore_errors=True)
        unpack(request.param, ROOT)
        try:
            with running(ROOT / "paradux") as installation:
                yield installation
        finally:
            shutil.rmtree(ROOT, ignore_errors=True)


def destinations(status: Json) -> dict[str, Json]:
    return {each["id"]: each for each in status["datasets"][0]["destinations"]}


def versions(paradux: Installation, location: str) -> list[Json]:
    """What one destination can restore, oldest first."""
    found: Json = json.loads(paradux.ctl("--json", "versions", "photos", "--destination", location).stdout)
    return [version for run in found["runs"] for version in run["result"]["versions"]]


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_machine_goes_on_as_it_was(paradux: Installation) -> None:
    before = paradux.status()
    assert before["config"]["serial"] == 3
    assert {each["versions"] for each in destinations(before).values()} == {2}
    assert {steward["epoch"] for steward in before["stewards"]} == {1}
    assert {stash["current"] for stash in before["metadata_stashes"]} == {True}
    paradux.owner("unlock")
    paradux.ctl("lock")
    (ROOT / "source" / "added.txt").write_text("made by this version\n")
    paradux.ctl("backup")
    after = paradux.status()
    assert {each["versions"] for each in destinations(after).values()} == {3}
    assert not {"state-damaged", "journal-lost"} & {problem["code"] for problem in after["problems"]}


def test_old_and_new_versions_are_restored(paradux: Installation, tmp_path: Path) -> None:
    paradux.ctl("backup")
    for location in ENGINES:
        first, second, third = versions(paradux, location)
        old, new = tmp_path / f"old-{location}", tmp_path / f"new-{location}"
        paradux.owner("restore", "photos", "--to", str(old), "--from", location, "--at", first["time"])
        assert "letters/old.txt" in names(old), location
        paradux.owner("restore", "photos", "--to", str(new), "--from", location)
        assert names(new) == names(ROOT / "source"), location
        assert third["number"] > max(second["number"] or 0, first["number"] or 0), location


def uid(managed: Json, name: str) -> str:
    """What a place is; version 0.1.0 knew it by its name."""
    found: str = managed.get("places", {}).get(name, {"uid": legacy_uid(*name.split("/"))})["uid"]
    return found


def test_a_renamed_dataset_keeps_its_keys_and_its_versions(paradux: Installation, tmp_path: Path) -> None:
    config = paradux.config()
    before = {name: uid(config["managed"], f"photos/{name}") for name in ("cloud", "vault")}
    config["datasets"][0]["id"] = "pictures"
    preview = paradux.edit(config).stdout
    assert "photos is renamed to pictures" in preview
    found = paradux.config()["managed"]
    assert {name: found["places"][f"pictures/{name}"]["uid"] for name in before} == before
    assert set(found["data_keys"]) == set(before.values())
    paradux.ctl("backup")
    assert {each["versions"] for each in destinations(paradux.status()).values()} == {3}
    for location in ENGINES:
        paradux.owner("restore", "pictures", "--to", str(tmp_path / location), "--from", location)
        assert names(tmp_path / location) == names(ROOT / "source")


def test_its_kits_bring_a_blank_machine_all_of_it(paradux: Installation, tmp_path: Path) -> None:
    paradux.stop()
    shutil.rmtree(paradux.state)
    shutil.rmtree(ROOT / "source")
    shutil.rmtree(ROOT / "staging")
    with running(tmp_path / "blank") as blank:
        recover(blank, "--kit", str(ROOT / "kits" / "alice"), "--kit", str(ROOT / "kits" / "bob"))
        blank.passphrase_file.write_text(NEW_PASSPHRASE + "\n")
        blank.owner("restore", "--all", "--to", str(tmp_path / "back"))
        assert "letters/new.txt" in names(tmp_path / "back" / "photos")
        assert blank.config()["owner"]["phone"] == "+1 999 888 7777", "the newest config lies at the stashes"
