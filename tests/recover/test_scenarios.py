"""The disasters, on real servers: from kits to the config, and from whatever survived to the data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.canaries import in_files, in_memory
from tests.recover.recover_rig import (
    NEW_PASSPHRASE,
    Family,
    contents,
    recover,
    same_but_for_the_machine,
    unlocked_config,
)
from tests.rig import PASSPHRASE, Installation, running

pytestmark = pytest.mark.slow


def test_scenario_1_maximum(family: Family, blank: Installation, tmp_path: Path) -> None:
    """House, laptop, disk and account gone, passphrase forgotten: three sticks and the friend give everything back that was there."""
    family.burn()
    report = recover(blank, *family.kits("alice", "carol", "erin"))
    assert report["candidates"][0]["serial"] == family.config["serial"], "the friend's copy is newer than the kits"
    assert "friend" in report["candidates"][0]["label"]
    assert any(note.startswith("account holds no config") for note in report["notes"])
    assert {run["location"]: run["state"] for run in report["runs"]} == {"account": "failed", "friend": "done"}
    config = unlocked_config(blank)
    assert config is not None and same_but_for_the_machine(config, family.config)
    assert config["serial"] == family.config["serial"] + 1
    assert config["managed"]["generation"] == 2
    assert config["managed"]["instance"] != family.config["managed"]["instance"]
    assert unlocked_config(blank, PASSPHRASE) is None
    assert {dataset["id"] for dataset in blank.status()["datasets"]} == {"photos", "docs", "mail", "scans"}
    stewards = json.loads(blank.ctl("--json", "stewards").stdout)["stewards"]
    assert {steward["id"] for steward in stewards if steward["current"]} == {"alice", "carol", "erin"}
    blank.wait_for(lambda: "dataset-unknown" not in blank.problem_codes(), "a first look at every destination")
    lost = {each["subject"] for each in blank.status()["problems"] if each["code"].startswith("dataset-")}
    assert lost == {"scans"}, "what the friend holds is seen without anybody asking"

    done = blank.ctl("--json", "restore", "--all", "--to", str(tmp_path / "back"), check=False)
    assert done.returncode == 1, "scans were in the house only"
    table = {entry["dataset"]: entry for entry in json.loads(done.stdout)["datasets"]}
    for name in ("photos", "docs", "mail"):
        assert table[name]["location"] == "friend" and not table[name]["lost"]
        assert contents(tmp_path / "back" / name) == family.contents[name]
    assert table["scans"]["lost"]

    blank.wait_for(lambda: len(blank.processes()) == 1, "the keeper to end")
    assert not in_memory(blank.daemon.pid, family.secrets())  # type: ignore[union-attr]
    assert in_files([blank.state, blank.run, Path("/dev/shm")], family.secrets()) == {}
    assert not any(secret in blank.log.read_bytes() for secret in family.secrets())


def test_scenario_3_a_forgotten_passphrase_on_a_living_machine(family: Family, tmp_path: Path) -> None:
    root = tmp_path / "alive"
    shutil.copytree(family.folder / "old-state", root / "state")
    with running(root) as machine:
        before = {path.name: path.read_bytes() for path in machine.state.glob("outbox/*")}
        plan = (machine.state / "plan.json").read_bytes()
        report = recover(machine, *family.kits("bob", "carol", "dave"))
        assert report["alive"] and report["runs"] == []
        assert unlocked_config(machine) == family.config
        assert unlocked_config(machine, PASSPHRASE) is None
        assert not (machine.state / "vault.luks.previous").exists(), "no older copy stays that the old passphrase opens"
        assert before == {path.name: path.read_bytes() for path in machine.state.glob("outbox/*")}
        assert plan == (machine.state / "plan.json").read_bytes()


def test_a_vault_of_somebody_else_is_left_alone(family: Family, tmp_path: Path) -> None:
    with running(tmp_path / "other") as machine:
        (machine.root / "source").mkdir()
        machine.setup()
        before = (machine.state / "vault.luks").read_bytes()
        report = recover(machine, *family.kits("alice", "bob", "carol"), check=False)
        assert (report["code"], report["error"]["code"]) == (1, "other-owner")
        assert (machine.state / "vault.luks").read_bytes() == before
        assert unlocked_config(machine, PASSPHRASE) is not None


def test_scenario_4_a_wrong_word_is_named_and_another_stick_makes_up_for_it(
    family: Family, blank: Installation, tmp_path: Path
) -> None:
    kit = shutil.copytree(family.kit("bob"), tmp_path / "bob" / "PARADUX")
    words = family.words("bob").split()
    wrong = ["academic" if place in (6, 20) and word != "academic" else word for place, word in enumerate(words)]
    wrong[21] = "acid" if words[21] != "acid" else "acne"
    for path in (kit / "share.txt", kit / "copies" / "share-2.txt", kit / "copies" / "share-3.txt"):
        path.write_text(" ".join(wrong))
    report = recover(blank, "--kit", str(kit), *family.kits("alice", "carol"), check=False)
    assert (report["code"], report["error"]["code"]) == (1, "not-enough-shares")
    (bad,) = [finding for finding in report["error"]["details"] if finding["state"] not in ("good", "old-epoch")]
    assert "Bob" in bad["text"]
    assert not (blank.state / "vault.luks").exists()
    report = recover(blank, *family.kits("dave"))
    assert report["serial"] == family.config["serial"] + 1


def test_scenario_6_words_qr_text_files_and_sticks_mix_and_go_on_after_an_interruption(
    family: Family, blank: Installation, tmp_path: Path
) -> None:
    qr = tmp_path / "qr"
    qr.write_text(family.words("dave").upper())
    first = recover(blank, "--words", "-", text=family.words("alice"), check=False)
    assert first["error"]["code"] == "not-enough-shares"
    second = recover(blank, *family.kits("carol", "carol"), check=False)
    assert second["error"]["code"] == "not-enough-shares", "the same stick twice counts once"
    assert [finding["state"] for finding in second["error"]["details"]].count("duplicate") == 1
    report = recover(blank, "--words", str(qr))
    assert report["serial"] == family.config["serial"] + 1


def test_all_five_at_once_are_welcome(family: Family, blank: Installation) -> None:
    report = recover(blank, *family.kits("alice", "bob", "carol", "dave", "erin"))
    assert [finding["state"] for finding in report["findings"]] == ["good"] * 5


def test_scenario_7_one_share_too_few_opens_nothing(family: Family, blank: Installation) -> None:
    report = recover(blank, *family.kits("alice", "bob"), check=False)
    assert report["error"]["code"] == "not-enough-shares"
    assert "2 of 3" in report["error"]["message"]
    assert not (blank.state / "vault.luks").exists()
    blank.ctl("recover", "--cancel")
    again = recover(blank, *family.kits("erin"), check=False)
    assert "1 of 3" in again["error"]["message"], "what was cancelled is forgotten"


def test_scenario_12_without_any_network_the_kits_suffice(family: Family, blank: Installation) -> None:
    family.burn()
    shutil.rmtree(family.folder / "friend")
    (family.folder / "friend").write_text("gone")
    report = recover(blank, *family.kits("alice", "bob", "carol"))
    kit_serial = report["candidates"][0]["serial"]
    assert kit_serial < family.config["serial"]
    config = unlocked_config(blank)
    assert config is not None and config["datasets"] == family.config["datasets"]


def test_the_lost_machine_comes_back_and_stops_publishing(family: Family, blank: Installation, tmp_path: Path) -> None:
    recover(blank, *family.kits("alice", "bob", "carol"))
    published = contents(family.folder / "friend" / "config")
    root = tmp_path / "old"
    shutil.copytree(family.folder / "old-state", root / "state")
    with running(root) as old:
        done = old.ctl("--json", "publish", check=False)
        assert done.returncode == 1
        codes = {run["error"]["code"] for run in json.loads(done.stdout)["runs"]}
        assert codes == {"superseded"}
        assert "superseded" in old.problem_codes()
        assert old.status()["level"] == "critical"
        assert contents(family.folder / "friend" / "config") == published
    assert blank.ctl("publish", check=False).returncode == 0, "the one that has taken over goes on"


def test_an_empty_staging_directory_wipes_nothing(family: Family, blank: Installation) -> None:
    """The laptop is replaced by an empty one, and by one with hardly anything on it: nothing is pushed."""
    for name in ("scans", "mail", "photos"):
        shutil.rmtree(family.folder / "laptop" / name)
        shutil.rmtree(family.folder / "house" / name)
        (family.folder / "laptop" / name).mkdir()
    (family.folder / "laptop" / "mail" / "one.txt").write_text("all that is left")
    recover(blank, *family.kits("alice", "bob", "carol"))
    blank.ctl("backup", "scans", "mail", "photos", check=False)
    states = {dataset["id"]: dataset["state"] for dataset in blank.status()["datasets"]}
    assert (states["scans"], states["mail"], states["photos"]) == ("held", "held", "held")
    assert blank.ctl("backup", "photos", "--push-only", check=False).returncode != 0, "nor without a pull"
    repository = json.loads(blank.ctl("--json", "versions", "photos", "--destination", "friend").stdout)
    assert str(repository).count("'time'") == 1, "restic has got no version without files"
    for name, place in (("scans", "disk"), ("mail", "friend"), ("photos", "friend")):
        blank.ctl("restore", name, "--from", place, "--to", str(blank.root / "back" / name))
        assert contents(blank.root / "back" / name) == family.contents[name]
    disk = family.folder / "disk" / "scans" / "versions"
    assert len(list(disk.iterdir())) == 1, "nothing was added, nothing was removed"
    blank.passphrase_file.write_text(NEW_PASSPHRASE + "\n")
    blank.owner("approve", "mail")
    document = blank.status()
    (mail,) = [dataset for dataset in document["datasets"] if dataset["id"] == "mail"]
    assert (mail["state"], mail["destinations"][0]["versions"]) == ("ok", 2)


def test_restore_all_goes_to_the_next_place_when_one_fails(family: Family, blank: Installation, tmp_path: Path) -> None:
    recover(blank, *family.kits("alice", "bob", "carol"))
    for name in ("photos", "scans"):
        (version,) = (family.folder / "disk" / name / "versions").iterdir()
        shutil.rmtree(version)
    shutil.rmtree(family.folder / "account" / "photos")
    shutil.rmtree(family.folder / "account" / "docs")
    done = blank.ctl("--json", "restore", "--all", "--to", str(tmp_path / "back"), check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["lost"]) == (1, ["scans"])
    table = {entry["dataset"]: entry for entry in document["datasets"]}
    assert {table[name]["location"] for name in ("photos", "docs", "mail")} == {"friend"}
    assert [failure.partition(":")[0] for failure in table["scans"]["failures"]] == ["disk"]
    for name in ("photos", "docs", "mail"):
        assert contents(Path(table[name]["to"])) == family.contents[name]
