"""A repository whose `keys/` was lost opens again with the copy that the config keeps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import KEY_COPY
from paraduxd.protocols.restic.keys import stored_keys as keys
from paraduxd.testing import samples
from tests.protocols.restic.rig import SECRET, Written, restic, written_copy


@pytest.fixture
def written(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Written:
    return written_copy(tmp_path_factory, tmp_path)


_copied: list[str] = []


@pytest.fixture
def key_file(written: Written, tmp_path: Path) -> str:
    """As a push leaves it."""
    if not _copied:
        written.push(index=tmp_path / "index")
        _copied.append((tmp_path / "index" / KEY_COPY).read_text())
    return _copied[0]


def test_a_push_leaves_the_very_key_file(written: Written, key_file: str) -> None:
    (there,) = (written.root / "keys").iterdir()
    assert key_file.encode() == there.read_bytes() and keys.name_of(key_file.encode()) == there.name


def test_the_master_key_is_the_one_that_restic_shows(written: Written, key_file: str) -> None:
    shown = json.loads(restic(written.root, "cat", "masterkey"))
    assert json.loads(keys.master_key(key_file.encode(), SECRET)) == shown


@pytest.mark.parametrize(
    "change",
    [
        {"data": ""},
        {"data": "AAAA"},
        {"salt": "="},
        {"N": 1 << 40},
        {"N": 1 << 20, "r": 1 << 10},
        {"r": 0},
        {"p": "1"},
        {"kdf": "none"},
        {"N": 3},
        {"salt": None},
    ],
)
def test_a_file_that_is_no_key_file_opens_nothing(key_file: str, change: dict[str, object]) -> None:
    changed = json.dumps({**json.loads(key_file), **change}).encode()
    with pytest.raises(ValueError):
        keys.master_key(changed, SECRET)


def test_a_wrong_password_opens_nothing(key_file: str) -> None:
    with pytest.raises(ValueError, match="does not open"):
        keys.master_key(key_file.encode(), "canary-wrong")


def test_a_lost_key_is_put_back_by_the_next_push(written: Written, key_file: str) -> None:
    shutil.rmtree(written.root / "keys")
    versions = written.push(key_file=key_file, index=None).versions
    assert versions[0] == written.version
    (there,) = (written.root / "keys").iterdir()
    assert there.read_bytes() == key_file.encode()
    assert "no errors were found" in restic(written.root, "check")


def test_a_lost_key_is_put_back_by_a_restore(written: Written, key_file: str, tmp_path: Path) -> None:
    for each in (written.root / "keys").iterdir():
        each.unlink()
    (tmp_path / "out").mkdir()
    written.destination(key_file=key_file).restore(written.version, tmp_path / "out", [])
    assert samples.contents(tmp_path / "out") == samples.contents(written.staging)


def test_a_rehearsal_changes_nothing_and_says_what_will(written: Written, key_file: str) -> None:
    shutil.rmtree(written.root / "keys")
    with pytest.raises(ParaduxError, match="its key file is lost") as caught:
        written.destination(key_file=key_file, read_only=True).versions()
    assert caught.value.code == "keys-lost" and "paraductl backup photos" in caught.value.hint
    assert not (written.root / "keys").exists()


def test_a_password_that_is_wrong_is_still_told(written: Written, key_file: str) -> None:
    with pytest.raises(ParaduxError) as caught:
        written.destination(key_file=key_file, secret="canary-wrong").versions()
    assert caught.value.code == "wrong-repository-password"
    with pytest.raises(ParaduxError) as caught:
        written.destination(secret="canary-wrong").versions()
    assert caught.value.code == "wrong-repository-password"


def test_a_key_that_was_replaced_is_not_put_back(written: Written, key_file: str, tmp_path: Path) -> None:
    """Whoever changed the password meant the old one to open nothing any more."""
    password = tmp_path / "new-password"
    password.write_text("canary-new\n")
    restic(written.root, "key", "passwd", "--new-password-file", str(password))
    (there,) = (written.root / "keys").iterdir()
    with pytest.raises(ParaduxError) as caught:
        written.push(key_file=key_file, index=None)
    assert caught.value.code == "wrong-repository-password"
    assert list((written.root / "keys").iterdir()) == [there]
