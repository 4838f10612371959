"""What can go wrong with a restic repository: gone, locked, damaged, half made, half read."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.orders import Progress
from paraduxd.core.plan import Keep
from paraduxd.effects import process
from paraduxd.protocols.base import PushRequest, TransientError
from paraduxd.testing import samples
from tests.contract.restic_rig import (
    SECRET,
    Written,
    destination,
    destination_case,
    restic,
    written_copy,
)


@pytest.fixture
def written(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Written:
    return written_copy(tmp_path_factory, tmp_path)


def test_a_repository_that_is_gone_is_not_made_anew(written: Written) -> None:
    written.root.rename(written.root.with_name("away"))
    with pytest.raises(TransientError) as failed:
        written.push()
    assert failed.value.code == "not-mounted"
    assert not written.root.exists()


def test_a_repository_is_not_made_among_other_files(tmp_path: Path) -> None:
    samples.write_files(tmp_path / "staging", 1)
    samples.write_files(tmp_path / "mine", 1)
    with pytest.raises(ParaduxError) as failed:
        destination(tmp_path / "mine").push(tmp_path / "staging", PushRequest(Keep(), "2026-01-01T12:00:00Z"))
    assert failed.value.code == "not-empty"
    assert samples.files(tmp_path / "mine") == ["f00"]


def test_a_repository_that_lost_its_config_is_not_made_anew(written: Written) -> None:
    (written.root / "config").unlink()
    keys = written.files("keys")
    with pytest.raises(ParaduxError) as failed:
        written.push(known_versions=())
    assert failed.value.code == "not-empty"
    assert written.files("keys") == keys


def test_an_interrupted_making_of_a_repository_heals(written: Written) -> None:
    for part in ("data", "index", "snapshots"):
        for path in written.files(part):
            path.unlink()
    (written.root / "config").unlink()
    result = written.push(known_versions=())
    assert written.destination().versions() == (result.version,)


def test_a_file_in_place_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "r").touch()
    with pytest.raises(ParaduxError, match="is not a directory"):
        destination(tmp_path / "r").versions()


def test_no_staging_is_no_version(written: Written) -> None:
    shutil.rmtree(written.staging)
    with pytest.raises(ParaduxError) as failed:
        written.push()
    assert failed.value.code == "no-staging"


@pytest.mark.slow
def test_the_lock_of_a_killed_restic_is_removed(written: Written) -> None:
    with locked(written) as holder:
        holder.kill()
        holder.wait()
        result = written.push(keep=Keep(last=1))
        assert result.versions == (result.version,)


@pytest.mark.slow
def test_the_lock_of_a_living_restic_is_respected(written: Written) -> None:
    with locked(written):
        result = written.push(keep=Keep(last=1))
        assert result.versions == (written.version, result.version), "the old version stays until the next push"
        with pytest.raises(TransientError) as failed:
            written.destination().verify(deep=False)
        assert failed.value.code == "busy"


@contextlib.contextmanager
def locked(written: Written) -> Iterator[subprocess.Popen[bytes]]:
    """A restic that keeps a lock: it backs up what never ends."""
    with process.sealed_file(SECRET.encode()) as (descriptor, path):
        command = ["restic", "--no-cache", "--repo", str(written.root), "--password-file", path, "backup", "--stdin"]
        holder = process.start(command, pass_fds=(descriptor,), stdin=subprocess.PIPE)
        try:
            while holder.poll() is None and not written.files("locks"):
                time.sleep(0.05)
            yield holder
        finally:
            process.kill_group(holder)


def test_deep_verification_finds_a_flipped_byte(written: Written) -> None:
    pack = written.files("data")[0]
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[1000] ^= 1
    pack.write_bytes(content)
    assert written.destination().verify(deep=False).checked > 0
    with pytest.raises(ParaduxError) as failed:
        written.destination().verify(deep=True)
    assert failed.value.code == "damaged"


def test_verification_finds_a_missing_file(written: Written) -> None:
    written.files("data")[0].unlink()
    with pytest.raises(ParaduxError) as failed:
        written.destination().verify(deep=False)
    assert failed.value.code == "damaged"


@pytest.mark.slow
def test_restoring_what_is_damaged_fails_within_seconds(written: Written, tmp_path: Path) -> None:
    written.files("data")[0].unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(ParaduxError) as failed:
        written.destination().restore(written.version, tmp_path / "out", ())
    assert failed.value.code == "damaged"


@pytest.mark.slow
def test_an_incomplete_backup_is_no_version_and_pushes_out_none() -> None:
    with unprivileged() as folder:
        it = destination_case(folder / "repository", folder / "scratch")
        samples.write_files(it.staging, 2)
        good = it.push().version
        (it.staging / "f01").chmod(0)
        for _ in range(2):
            with pytest.raises(ParaduxError, match="f01") as failed:
                it.push(keep=Keep(last=1))
            assert failed.value.code == "incomplete"
            assert not isinstance(failed.value, TransientError)
        assert it.destination().versions() == (good,)
        listed = restic(folder / "repository", "snapshots", "--compact", "--tag", "paradux-incomplete").splitlines()
        named = [line for line in listed if "paradux-incomplete" in line]
        assert len(named) == 1
        assert named[0].split()[0] in failed.value.hint
        (it.staging / "f01").chmod(0o600)
        assert it.push().versions[0] == good


@contextlib.contextmanager
def unprivileged() -> Iterator[Path]:
    """A directory of a user who may not read everything; root becomes "nobody" until the end."""
    with TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


@pytest.mark.slow
def test_files_that_vanish_while_they_are_read_are_no_failure(written: Written) -> None:
    for number in range(4):
        with (written.staging / f"a{number}").open("wb") as file:
            file.truncate(1 << 30)
    (written.staging / "zz").write_text("here for a moment")

    def vanish(_: Progress) -> None:
        (written.staging / "zz").unlink(missing_ok=True)

    request = PushRequest(Keep(), "2026-01-02T12:00:00Z", (written.version,))
    result = destination(written.root, vanish).push(written.staging, request)
    assert written.destination().versions() == result.versions
