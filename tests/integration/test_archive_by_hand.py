"""What docs/reference/formats.md says about restoring without Paradux works, word by word, with stock tools."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from tests.protocols.archive import first_format
from tests.protocols.archive.rig import disk_case, new_keys

FORMATS = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"


def commands() -> str:
    found = re.search(r"<!-- test: restore-archive -->\n```sh\n(.*?)```", FORMATS.read_text(), re.DOTALL)
    assert found
    return found[1]


def by_hand(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run it as somebody would who has a directory with the archives and the config, and nothing of Paradux."""
    home = folder / "gnupg"
    home.mkdir(mode=0o700, exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GNUPGHOME": str(home), "LC_ALL": "C.UTF-8"}
    argv = ["bash", "-e", "-u", "-o", "pipefail", "-c", script]
    try:
        return subprocess.run(
            argv, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=100
        )
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


@pytest.fixture(params=["0.1.0", "0.2.0"])
def wrote(request: pytest.FixtureRequest) -> str:
    """The version that wrote config and archives."""
    version: str = request.param
    return version


@pytest.fixture
def case(wrote: str, tmp_path: Path) -> DestinationCase:
    """Keys go by the uid of the place; version 0.1.0 had them by its name."""
    made = disk_case(tmp_path)
    keys = new_keys()
    assert keys.private
    names = ("public_key", "verify_key", "signing_key", "fingerprint")
    key = {**{name: getattr(keys, name) for name in names}, "private_key": keys.private.private_key}
    entry = {"archive": {**key, "passphrase": keys.private.passphrase}}
    by_uid = {"c" * 32: {"name": "photos/other", **entry, "archive": {}}, "b" * 32: {"name": "photos/friend", **entry}}
    data_keys = {"photos/friend": entry} if wrote == "0.1.0" else by_uid
    config = {"managed": {"data_keys": data_keys}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "archives").symlink_to("store")
    return made


def test_the_newest_version_is_restored_by_hand(case: DestinationCase, wrote: str, tmp_path: Path) -> None:
    samples.write_sample(case.staging)
    samples.write_files(case.staging / "old", 3, 700_000)
    case.push()
    (case.staging / "directories").rename(case.staging / "renamed")
    (case.staging / "zero").unlink()
    case.push()
    (case.staging / "old" / "f00").unlink()
    case.push()
    if wrote == "0.1.0":
        first_format.rewrite(tmp_path / "store")
    done = by_hand(tmp_path, commands())
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert samples.snapshot(tmp_path / "restored") == samples.snapshot(case.staging)


def test_a_manifest_in_place_of_another_stops_it(case: DestinationCase, tmp_path: Path) -> None:
    case.staging.mkdir(exist_ok=True)
    for number in range(3):
        (case.staging / f"{number}").write_text("more")
        case.push()
    first, second, _ = sorted((tmp_path / "store").glob("*.manifest"))
    second.write_bytes(first.read_bytes())
    done = by_hand(tmp_path, commands())
    assert done.returncode != 0
    assert f"{second.name} is another one" in done.stderr
    assert not (tmp_path / "restored").exists()


def test_damage_stops_it(case: DestinationCase, tmp_path: Path) -> None:
    samples.write_files(case.staging, 3, 700_000)
    case.push()
    volume = next((tmp_path / "store").glob("*.00002.gpg"))
    content = volume.read_bytes()
    volume.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = by_hand(tmp_path, commands())
    assert done.returncode != 0
    assert volume.name in done.stdout + done.stderr
    assert not (tmp_path / "restored").exists()
