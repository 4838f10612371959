"""With a real daemon and its commands: a stolen stick, an owner who dies half-way, a passphrase that is forgotten half-way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from paraduxd.core.config.managed import managed_of, with_managed
from paraduxd.core.recovery import kits_written
from tests.recover.recover_rig import recover, unlocked_config
from tests.rig import Installation, Json, fill, minimal_answers, running
from tests.rotate.rotate_rig import opened_at, secret_of

pytestmark = pytest.mark.slow

NAMES = ("alice", "bob", "carol", "dave", "erin")


def kit(folder: Path, name: str) -> tuple[str, str]:
    """As an option of `recover`."""
    return "--kit", str(folder / name / "PARADUX")


def write_kits(paradux: Installation, folder: Path, *names: str) -> None:
    for name in names:
        paradux.owner("create-steward-device", name, "--directory", str(folder / name))


def set_up(paradux: Installation) -> None:
    fill(paradux.root / "source", 3)
    stewards = [{"id": name, "name": name.title(), "fate": [f"person:{name}"]} for name in NAMES]
    paradux.setup(minimal_answers(paradux.root, stewards=stewards, policy={"shares_required": 3}))
    paradux.owner("create-steward-device", "--all", "--directory", str(paradux.root / "old"))


def add_entry(paradux: Installation, name: str) -> Json:
    config = paradux.config()
    config["inventory"] = [*config.get("inventory", []), {"name": name}]
    paradux.edit(config)
    return paradux.config()


def test_a_stolen_stick_from_beginning_to_end(tmp_path: Path, memory: Path) -> None:
    with running(tmp_path) as paradux:
        set_up(paradux)
        old = secret_of(paradux.config()["managed"], ("alice", "bob", "carol"))
        begun = paradux.owner("rotate")
        assert "Missing: alice, bob, carol, dave, erin." in begun.stdout
        assert "  epoch 1: alice, bob, carol, dave, erin; any 3 of them" in begun.stdout
        assert "managed.data_keys" not in begun.stdout, "there is no generated password in this config"
        assert "rotation-under-way" in paradux.problem_codes()

        config = paradux.config()
        config["stewards"] = [steward for steward in config["stewards"] if steward["id"] != "erin"]
        paradux.edit(config)
        write_kits(paradux, tmp_path / "new", "alice", "bob", "carol")
        told = json.loads(paradux.owner("--json", "rotate").stdout)
        assert (told["state"], told["missing"]) == ("under-way", ["dave"])
        assert opened_at(tmp_path / "nas", old, memory) is not None, "the old epoch still opens what is published"
        write_kits(paradux, tmp_path / "new", "dave")
        assert paradux.status()["config"]["epoch"] == 2
        newest = add_entry(paradux, "after the theft")
        for stash in ("nas", "office"):
            assert opened_at(tmp_path / stash, old, memory) is None, "the stolen stick and two old ones open nothing"
            opened = opened_at(tmp_path / stash, secret_of(newest["managed"], ("alice", "bob", "dave")), memory)
            assert opened == with_managed(newest, kits_written.without(managed_of(newest)))
        assert {"rotation-under-way", "kits-missing", "kits-incomplete"}.isdisjoint(paradux.problem_codes())
        exposure = json.loads(paradux.owner("--json", "rotate").stdout)["exposure"]
        assert exposure["epochs"][0]["former"] == list(NAMES)
        paradux.owner("rotate", "--cancel")
        assert paradux.owner("rotate", "--cancel", check=False).returncode == 1


def test_the_owner_dies_half_way_and_a_passphrase_is_forgotten_half_way(tmp_path: Path) -> None:
    with running(tmp_path / "house") as paradux:
        set_up(paradux)
        paradux.owner("rotate")
        write_kits(paradux, tmp_path / "new", "alice", "bob", "carol")
        newest = add_entry(paradux, "the newest entry")
        old = paradux.root / "old"

        alive = recover(
            paradux, *kit(tmp_path / "new", "alice"), *kit(tmp_path / "new", "bob"), *kit(tmp_path / "new", "carol")
        )
        assert alive["alive"], "the old shares on the new sticks open the vault that is there"
        assert unlocked_config(paradux) == newest
        paradux.stop()
    shutil.rmtree(paradux.state)

    with running(tmp_path / "by-old") as blank:
        report = recover(blank, *kit(tmp_path / "new", "alice"), *kit(old, "dave"), *kit(old, "erin"))
        assert report["candidates"][0]["serial"] == newest["serial"], "the old epoch opens the newest config"
        found = unlocked_config(blank)
        assert found is not None
        assert found["inventory"] == newest["inventory"]
        assert (found["managed"]["rotation"], found["managed"]["recovery"]["epoch"]) == (None, 1)
        assert json.loads(blank.owner("--json", "rotate").stdout)["next_epoch"] == 3
        blank.stop()
