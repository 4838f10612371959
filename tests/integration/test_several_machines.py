"""One owner's machines one after the other, and two owners at one place: nobody loses a version by another's doing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.golden.make_state import answers
from tests.recover.recover_rig import NEW_PASSPHRASE, recover
from tests.rig import Installation, fill, running

Json = dict[str, Any]

ENGINES = ("disk", "cloud", "vault")
FILES = 22


def family(root: Path, **policy: Any) -> Json:
    """Every engine keeps two versions, and nothing but the rules of removing keeps more."""
    found = answers(root)
    found["policy"] |= policy
    for destination in found["datasets"][0]["destinations"]:
        destination["keep"] = {"last": 2}
    return found


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Installation]:
    """The owner's machine, with two versions of 22 files everywhere and kits."""
    with running(tmp_path / "first") as paradux:
        fill(tmp_path / "source", FILES)
        paradux.setup(family(tmp_path, grace="0s"))
        paradux.ctl("backup")
        paradux.ctl("backup")
        paradux.owner("create-steward-device", "--all", "--directory", str(tmp_path / "kits"))
        yield paradux


def versions(paradux: Installation, location: str, dataset: str = "photos") -> list[Json]:
    done = paradux.ctl("--json", "versions", dataset, "--destination", location)
    return [version for run in json.loads(done.stdout)["runs"] for version in run["result"]["versions"]]


def recovered(root: Path, name: str) -> Installation:
    """Another machine that was recovered from two kits; its daemon runs."""
    machine = Installation(root / name)
    machine.start()
    recover(machine, "--kit", str(root / "kits" / "alice"), "--kit", str(root / "kits" / "bob"))
    machine.passphrase_file.write_text(NEW_PASSPHRASE + "\n")
    return machine


def test_backups_of_a_half_filled_source_after_a_recovery_cost_no_version(first: Installation, tmp_path: Path) -> None:
    first.stop()
    shutil.rmtree(first.state)
    shutil.rmtree(tmp_path / "source")
    shutil.rmtree(tmp_path / "staging")
    blank = recovered(tmp_path, "blank")
    try:
        blank.owner("restore", "--all", "--to", str(tmp_path / "back"))
        fill(tmp_path / "source", 8)
        for _ in range(3):
            blank.ctl("backup", check=False)
        for location in ENGINES:
            found = versions(blank, location)
            whole = [version for version in found if version["files"] in (FILES, None)]
            assert len(whole) >= 2, (location, found)
            blank.owner(
                "restore",
                "photos",
                "--to",
                str(tmp_path / "out" / location),
                "--from",
                location,
                "--at",
                whole[-1]["time"],
            )
            assert len(list((tmp_path / "out" / location).rglob("*.txt"))) == FILES
    finally:
        blank.stop()


def test_a_machine_that_was_replaced_sends_and_removes_nothing_any_more(first: Installation, tmp_path: Path) -> None:
    fill(tmp_path / "source", 3, prefix="new")
    before = {name: versions(first, name) for name in ENGINES}
    second = recovered(tmp_path, "second")
    try:
        second.ctl("backup")
        first.ctl("backup", check=False)
        status = first.status()
        assert status["level"] == "critical"
        assert "superseded" in {problem["code"] for problem in status["problems"]}
        for location in ENGINES:
            now = versions(second, location)
            assert [version["id"] for version in now][-1] not in [version["id"] for version in before[location]]
            assert {version["id"] for version in before[location]} <= {version["id"] for version in now}, location
        done = first.ctl("--json", "backup", "--push-only", check=False)
        assert done.returncode == 1
        after = {name: versions(second, name) for name in ENGINES}
        first.ctl("publish", check=False)
        first.ctl("backup", check=False)
        assert after == {name: versions(second, name) for name in ENGINES}
    finally:
        second.stop()


def test_two_owners_with_one_folder_and_one_dataset_name_do_not_meet(first: Installation, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    with running(theirs / "machine") as other:
        fill(theirs / "source", 3, prefix="theirs")
        config = family(theirs, grace="0s")
        shared = family(tmp_path)["datasets"][0]["destinations"]
        config["datasets"][0]["destinations"] = [shared[0], shared[2]]
        other.setup(config)
        before = {name: versions(first, name) for name in ("disk", "vault")}
        done = other.ctl("backup", check=False)
        assert done.returncode == 1
        assert "another owner" in done.stderr
        other.owner("prune", "photos", check=False)
        assert before == {name: versions(first, name) for name in ("disk", "vault")}
        for name in ("disk", "vault"):
            refused = other.owner("restore", "photos", "--to", str(theirs / name), "--from", name, check=False)
            assert refused.returncode == 1
            assert not list((theirs / name).rglob("*.txt"))
    for location in ENGINES:
        first.owner("restore", "photos", "--to", str(tmp_path / "back" / location), "--from", location)
        assert len(list((tmp_path / "back" / location).rglob("*.txt"))) == FILES
