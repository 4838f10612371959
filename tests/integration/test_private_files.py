"""What Paradux makes is its own, however it was started; and a staging directory that an earlier version has filled goes on."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from tests.rig import Installation, fill, minimal_answers, running

FILES = 12


def open_to_others(folder: Path) -> list[str]:
    """What others could read or write, if they came there: links have no modes."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if not path.is_symlink() and path.lstat().st_mode & 0o077]


@pytest.fixture
def paradux(tmp_path: Path) -> Installation:
    fill(tmp_path / "source", FILES)
    (tmp_path / "source").chmod(0o755)
    return Installation(tmp_path)


def answers(root: Path) -> dict[str, object]:
    found = minimal_answers(root)
    gpg = {"id": "vault", "protocol": "disk", "url": f"file://{root}/vault", "encryption": "gpg", "every": "1d"}
    cloud = {"id": "cloud", "protocol": "restic", "repository": f"{root}/cloud", "every": "1d"}
    found["datasets"][0]["destinations"] += [gpg, cloud]
    return found


def test_nothing_that_it_makes_is_open_to_others_whatever_the_umask(tmp_path: Path, paradux: Installation) -> None:
    before = os.umask(0)
    try:
        with running(tmp_path, own_workers=True) as paradux:
            os.umask(before)
            paradux.setup(answers(tmp_path))
            paradux.ctl("backup")
            masks = {Path(f"/proc/{pid}/status").read_text().split("Umask:\t")[1][:4] for pid in paradux.processes()}
            assert masks == {"0077"}
    finally:
        os.umask(before)
    assert open_to_others(tmp_path / "state") == []
    assert [each.name for each in sorted((tmp_path / "staging").iterdir())] == ["data", "paradux-staging.json"]
    for name in ("staging", "mirror", "mirror/versions", "mirror/hashes", "vault", "cloud", "nas", "office"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700, name
    assert stat.S_IMODE((tmp_path / "staging" / "data").stat().st_mode) == 0o755, "as at the source"


def as_before(staging: Path) -> None:
    """The layout of an earlier version, with the attributes of the source at the top."""
    (staging / "paradux-staging.json").unlink()
    (staging / "data").rename(staging.with_name("moved"))
    staging.rmdir()
    staging.with_name("moved").rename(staging)
    staging.chmod(0o775)


def test_what_an_earlier_version_pulled_is_neither_pulled_again_nor_pushed_in_full(tmp_path: Path) -> None:
    fill(tmp_path / "source", FILES)
    (tmp_path / "source" / "data").mkdir()
    (tmp_path / "source" / "data" / "large").write_bytes(os.urandom(2_000_000))
    with running(tmp_path) as paradux:
        paradux.setup(answers(tmp_path))
        paradux.ctl("backup")
        as_before(tmp_path / "staging")
        for folder in (tmp_path / "mirror", tmp_path / "mirror" / "versions"):
            folder.chmod(0o755)
        forget_that_it_was_closed(tmp_path / "mirror")
        time.sleep(1.1)  # versions are dated to the second
        (tmp_path / "source" / "new.txt").write_text("new")
        paradux.ctl("backup", "--push-only")
        paradux.ctl("backup")
        runs = json.loads(paradux.ctl("--json", "history").stdout)["runs"]
        pull = next(run for run in runs if run["step"] == "pull")
        assert (pull["result"]["transferred_files"], pull["result"]["files"]) == (1, FILES + 2)
        pushed = [run for run in runs if run["step"] == "push" and run["location"] in ("vault", "cloud")]
        assert [run["result"]["added_bytes"] < 1_000_000 for run in pushed[:4]] == [True] * 4
        assert all(each["versions"] == 3 for each in paradux.status()["datasets"][0]["destinations"])
        for location in ("staging", "mirror", "vault", "cloud"):
            back = tmp_path / "back" / location
            paradux.owner("restore", "home", "--to", str(back), "--from", location)
            assert sorted(names(back)) == sorted(names(tmp_path / "source")), location
    assert stat.S_IMODE((tmp_path / "mirror" / "versions").stat().st_mode) == 0o700, "closed once"


def forget_that_it_was_closed(store: Path) -> None:
    """As manifests of earlier versions are."""
    for path in (store / "manifests").glob("*.json"):
        plain = json.loads(path.read_text())
        assert plain.pop("closed")
        path.write_text(json.dumps(plain))


def names(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*")]
