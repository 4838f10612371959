"""What happens on ordinary and on bad days, to a whole Paradux on real folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Installation, fill, minimal_answers, running
from tests.rigs.prepared import Prepared, backed_up

FILES = 40


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return backed_up(tmp_path_factory.mktemp("everyday") / "paradux", FILES)


@pytest.fixture
def paradux(prepared: Prepared) -> Iterator[Installation]:
    """Set up, with one dataset of forty files that has been backed up once."""
    with prepared.again() as installation:
        yield installation


def dataset(installation: Installation) -> dict:  # type: ignore[type-arg]
    return installation.status()["datasets"][0]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_after_the_first_backup_everything_is_where_it_belongs(paradux: Installation) -> None:
    root = paradux.root
    assert contents(root / "staging" / "data") == contents(root / "source")
    paradux.ctl("restore", "home", "--to", str(root / "back"), "--from", "mirror")
    assert contents(root / "back") == contents(root / "source")
    assert dataset(paradux)["state"] == "ok"
    assert dataset(paradux)["staging"]["files"] == FILES
    assert all(stash["current"] for stash in paradux.status()["metadata_stashes"])
    for stash in ("nas", "office"):
        assert {path.name for path in (root / stash).iterdir()} == {
            "paradux-README.txt",
            "paradux-place.json",
            "recovery-key-1.asc",
            "machine.asc",
            "config-1-1.gpg",
        }


def test_what_to_do_next_has_the_name_in_it(paradux: Installation) -> None:
    refused = paradux.ctl("restore", "home#9", "--to", str(paradux.root / "back"), check=False)
    assert refused.returncode == 1
    assert "see: paraductl versions home" in refused.stderr and "DATASET" not in refused.stderr
    refused = paradux.ctl("restore", "home", "a b/c d.txt", "--to", str(paradux.root / "back"), check=False)
    assert "paraductl find home 'c d.txt'" in refused.stderr
    for words in (("history", "musik"), ("cancel", "musik"), ("status", "musik")):
        refused = paradux.ctl(*words, check=False)
        assert refused.returncode == 1 and "there is no dataset of this name" in refused.stderr
    refused = paradux.ctl("diff", "home#1", "musik#1", check=False)
    assert refused.returncode == 2 and "two versions of one dataset" in refused.stderr


def test_a_ransomed_source_is_held_and_earlier_versions_stay(paradux: Installation) -> None:
    source = paradux.root / "source"
    good = contents(source)
    time.sleep(1.1)  # rsync compares times in seconds; malware does not finish within one either
    for path in source.iterdir():
        path.write_bytes(os.urandom(len(path.read_bytes())))
    held = paradux.ctl("backup", check=False)
    assert held.returncode == 1
    assert "approve" in held.stdout + held.stderr
    assert dataset(paradux)["state"] == "held"
    again = paradux.ctl("backup", check=False)
    assert again.returncode == 1, "a later pull sees no change any more, but the hold stays"
    paradux.ctl("restore", "home", "--to", str(paradux.root / "back"), "--from", "mirror")
    assert contents(paradux.root / "back") == good
    paradux.owner("approve", "home")
    assert dataset(paradux)["state"] == "ok"
    assert dataset(paradux)["destinations"][0]["versions"] == 2


@pytest.mark.parametrize("disaster", ["emptied", "not mounted"])
def test_a_source_that_is_gone_removes_nothing_anywhere(paradux: Installation, disaster: str) -> None:
    source, aside = paradux.root / "source", paradux.root / "aside"
    good = contents(source)
    shutil.move(source, aside)
    if disaster == "emptied":
        source.mkdir()
    assert paradux.ctl("backup", check=False).returncode == 1
    assert dataset(paradux)["state"] == "held"
    assert contents(paradux.root / "staging" / "data") == good
    if source.exists():
        source.rmdir()
    shutil.move(aside, source)
    paradux.ctl("backup")
    assert dataset(paradux)["state"] == "ok", "the hold lifts by itself when the files are back"


def test_many_files_that_vanish_are_held_until_approved(paradux: Installation) -> None:
    for path in sorted((paradux.root / "source").iterdir())[: FILES // 2]:
        path.unlink()
    assert paradux.ctl("backup", check=False).returncode == 1
    assert len(contents(paradux.root / "staging" / "data")) == FILES
    paradux.owner("approve", "home")
    assert len(contents(paradux.root / "staging" / "data")) == FILES // 2
    paradux.ctl("restore", "home", "--to", str(paradux.root / "back"), "--from", "mirror")
    assert len(contents(paradux.root / "back")) == FILES // 2


def test_a_few_changes_and_removals_go_through(paradux: Installation) -> None:
    source = paradux.root / "source"
    (source / "file-1.txt").unlink()
    (source / "file-2.txt").write_text("changed")
    fill(source, 3, "new")
    paradux.ctl("backup")
    paradux.ctl("restore", "home", "--to", str(paradux.root / "back"), "--from", "mirror")
    assert contents(paradux.root / "back") == contents(source)


def _slow_push(paradux: Installation) -> None:
    """One file more in staging, whose push takes seconds on any machine."""
    config = paradux.config()
    config["datasets"][0]["destinations"][0]["bandwidth"] = "20M"
    paradux.edit(config)
    (paradux.root / "source" / "big").write_bytes(os.urandom(60_000_000))
    paradux.ctl("backup", "--pull-only")


def test_a_daemon_killed_in_mid_push_heals(paradux: Installation) -> None:
    _slow_push(paradux)
    paradux.ctl("backup", "--push-only", "--no-wait")
    paradux.wait_for(lambda: paradux.status()["running"], "the push to run")
    paradux.stop(signal.SIGKILL)
    paradux.start()
    paradux.wait_for(lambda: dataset(paradux)["destinations"][0]["versions"] == 2, "the push to be made good")
    history = json.loads(paradux.ctl("--json", "history").stdout)["runs"]
    assert "interrupted" in {run["state"] for run in history}
    paradux.ctl("restore", "home", "--to", str(paradux.root / "back"), "--from", "mirror")
    assert contents(paradux.root / "back") == contents(paradux.root / "source")


def test_an_orderly_end_marks_what_was_running(paradux: Installation) -> None:
    _slow_push(paradux)
    paradux.ctl("backup", "--push-only", "--no-wait")
    paradux.wait_for(lambda: paradux.status()["running"], "the push to run")
    assert paradux.stop(signal.SIGTERM) == 0
    leftovers = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(paradux.root).encode() in _read(path)]
    assert not leftovers, "transfers end with the daemon"
    paradux.start()
    paradux.wait_for(lambda: dataset(paradux)["destinations"][0]["versions"] == 2, "the push to be made good")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_destination_that_cannot_be_written_fails_with_a_sentence(paradux: Installation) -> None:
    mirror = paradux.root / "mirror"
    shutil.move(mirror, paradux.root / "aside")
    mirror.write_text("not a directory")
    failed = paradux.ctl("backup", check=False)
    assert failed.returncode == 1
    assert "Traceback" not in failed.stdout + failed.stderr
    mirror.unlink()
    shutil.move(paradux.root / "aside", mirror)
    paradux.ctl("backup")


def test_nothing_runs_attended_until_somebody_unlocks(paradux: Installation) -> None:
    config = paradux.config()
    config["policy"]["unattended"] = False
    paradux.edit(config)
    assert not list((paradux.state / "transport").glob("*")), "no credentials on the disk"
    paradux.ctl("backup")
    paradux.stop()
    paradux.start()
    failed = paradux.ctl("backup", check=False)
    assert failed.returncode == 3, "not authorized"
    assert "unlock" in failed.stdout + failed.stderr
    document = paradux.status()
    assert any("locked" in problem["text"] for problem in document["problems"])
    paradux.owner("unlock", "--for", "1m")
    paradux.ctl("backup")


def test_every_upload_fails_and_comes_back(paradux: Installation) -> None:
    for stash in ("nas", "office"):
        (paradux.root / stash).rename(paradux.root / f"{stash}-away")
        (paradux.root / stash).write_text("in the way")
    config = paradux.config()
    config["owner"]["name"] = "Fred Changed"
    failed = paradux.edit(config, check=False)
    assert failed.returncode not in (0, 5)
    assert any("0 of 2" in problem["text"] for problem in paradux.status()["problems"])
    (paradux.root / "nas").unlink()
    (paradux.root / "nas-away").rename(paradux.root / "nas")
    assert paradux.ctl("publish", check=False).returncode != 0
    assert any("1 of 2" in problem["text"] for problem in paradux.status()["problems"])
    assert (paradux.root / "nas" / "config-1-2.gpg").exists()
    (paradux.root / "office").unlink()
    (paradux.root / "office-away").rename(paradux.root / "office")
    paradux.ctl("publish")
    assert all(stash["serial"] == 2 for stash in paradux.status()["metadata_stashes"])


def test_only_the_newest_ten_configs_stay_published(paradux: Installation) -> None:
    for number in range(11):
        config = paradux.config()
        config["owner"]["phone"] = f"+1 555 {number:04}"
        paradux.edit(config)
    names = sorted(path.name for path in (paradux.root / "nas").glob("config-*"))
    assert names == sorted(f"config-1-{serial}.gpg" for serial in range(3, 13))


def test_two_daemons_do_not_share_a_state_directory(paradux: Installation) -> None:
    second = Installation(paradux.root)
    second.run = paradux.root / "run2"
    with pytest.raises(AssertionError, match="another paraduxd"):
        second.start()


def test_one_metadata_stash_read_by_hand(paradux: Installation) -> None:
    """What lies at a stash opens with stock gpg and the recovery secret, as its README says."""
    secret = paradux.config()["managed"]["recovery"]["secret"]
    home = paradux.root / "gnupg"
    home.mkdir(mode=0o700)
    base = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]
    for step in (["--import", "recovery-key-1.asc"], ["--output", "config.json", "--decrypt", "config-1-1.gpg"]):
        subprocess.run([*base, *step], input=secret, text=True, check=True, cwd=paradux.root / "nas", timeout=60)
    document = json.loads((paradux.root / "nas" / "config.json").read_text())
    assert document["config"] == paradux.config()
    assert document["header"]["serial"] == 1
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@pytest.mark.long
def test_answers_can_be_changed_and_the_schedule_follows(paradux: Installation) -> None:
    answers = minimal_answers(paradux.root)
    config = paradux.config()
    config["datasets"].append(
        {**answers["datasets"][0], "id": "more", "staging": str(paradux.root / "staging-more"), "destinations": []}
    )
    paradux.edit(config)
    assert [entry["id"] for entry in paradux.status()["datasets"]] == ["home", "more"]
    paradux.wait_for(
        lambda: paradux.status()["datasets"][1]["source"]["last_success"], "the new dataset to be pulled by itself", 90
    )


def test_a_source_that_is_pushed_in_place_needs_no_second_copy(tmp_path: Path) -> None:
    with running(tmp_path) as paradux:
        source = tmp_path / "source"
        fill(source, FILES)
        answers = minimal_answers(tmp_path)
        del answers["datasets"][0]["staging"]
        answers["datasets"][0]["destinations"].append(
            {"id": "cloud", "protocol": "restic", "repository": f"{tmp_path}/restic", "every": "1d"}
        )
        paradux.setup(answers)
        paradux.ctl("backup")
        assert not (tmp_path / "staging").exists()
        good = contents(source)
        for path in source.iterdir():
            path.write_bytes(os.urandom(50))
        assert paradux.ctl("backup", check=False).returncode == 1
        assert dataset(paradux)["state"] == "held"
        for destination in ("mirror", "cloud"):
            back = tmp_path / "back" / destination
            paradux.ctl("restore", "home", "--to", str(back), "--from", destination)
            assert contents(back) == good
        paradux.owner("approve", "home")
        assert dataset(paradux)["state"] == "ok"
