"""A destination with encryption gpg from setup to restore, with a real daemon: what the machine has, and who may restore."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.testing import samples
from tests.rig import Installation, fill, minimal_answers, running


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "paradux") as made:
        answers = minimal_answers(made.root)
        destination = {"id": "vault", "protocol": "disk", "url": f"file://{made.root}/vault", "encryption": "gpg"}
        answers["datasets"][0]["destinations"] = [{**destination, "every": "1d", "fate": ["place:office"]}]
        fill(made.root / "source")
        made.setup(answers)
        made.ctl("backup")
        yield made


def test_versions_are_restored_with_the_passphrase_and_not_without(installation: Installation, tmp_path: Path) -> None:
    source = installation.root / "source"
    before = samples.contents(source)
    time.sleep(1.1)  # versions are dated to the second
    (source / "file-0.txt").unlink()
    (source / "new").write_text("new")
    installation.ctl("backup")
    installation.ctl("verify", "--deep")
    listed = json.loads(installation.ctl("--json", "versions", "home", "--destination", "vault").stdout)
    versions = listed["runs"][0]["result"]["versions"]
    assert len(versions) == 2
    installation.owner("restore", "home", "--to", str(tmp_path / "new"), "--from", "vault")
    assert samples.contents(tmp_path / "new") == samples.contents(source)
    first = sorted(version["time"] for version in versions)[0]
    installation.owner("restore", "home", "--to", str(tmp_path / "old"), "--from", "vault", "--at", first)
    assert samples.contents(tmp_path / "old") == before
    installation.ctl("lock", check=False)
    wrong = installation.root / "wrong"
    wrong.write_text("wrong\n")
    refused = installation.ctl(
        "--passphrase-file", str(wrong), "restore", "home", "--to", str(tmp_path / "no"), "--from", "vault", check=False
    )
    assert refused.returncode == 3
    assert not (tmp_path / "no").exists()


def test_nothing_on_the_machine_opens_an_archive(installation: Installation) -> None:
    config = installation.config()
    (entry,) = [each for each in config["managed"]["data_keys"].values() if each["name"] == "home/vault"]
    keys = entry["archive"]
    transport = json.loads((installation.state / "transport" / "dataset.home.vault.json").read_text())
    assert transport["archive"] == {
        name: keys[name] for name in ("fingerprint", "public_key", "verify_key", "signing_key")
    }
    body = keys["private_key"].splitlines()[3]
    for path in installation.state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert keys["passphrase"].encode() not in content, path
            assert body.encode() not in content, path
