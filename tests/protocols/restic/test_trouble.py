"""What can go wrong with a restic repository: gone, locked, damaged, half made, half read."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.process import run
from paraduxd.protocols.base import PushRequest, TransientError
from paraduxd.protocols.restic.running.locks import Running
from paraduxd.testing import samples
from tests.protocols.restic.rig import (
    SECRET,
    Written,
    destination,
    destination_case,
    recorded,
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
def test_the_lock_of_a_killed_restic_of_ours_is_removed(written: Written, tmp_path: Path) -> None:
    with locked(written, Running(tmp_path / "index")) as holder:
        holder.kill()
        holder.wait()
        result = written.push(keep=Keep(last=1), index=tmp_path / "index")
        assert result.versions == (result.version,)
    assert not written.files("locks")
    remembered = [path.read_text() for path in (tmp_path / "index").glob("restic-running-*")]
    assert remembered and all(text.endswith(" ended") for text in remembered), "the killed one is forgotten"


@pytest.mark.slow
def test_a_lock_whose_number_another_process_has_is_removed_without_a_signal(written: Written, tmp_path: Path) -> None:
    """A dead process that nobody has waited for still has its number, and restic would take it for alive."""
    with locked(written, Running(tmp_path / "index")) as holder:
        holder.kill()
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        restic(written.root, "unlock")
        assert written.files("locks"), "restic by itself leaves it"
        assert written.destination(index=tmp_path / "index").verify(deep=False).checked
    assert not written.files("locks")


@pytest.mark.slow
@pytest.mark.parametrize("ours", [True, False])
def test_the_lock_of_a_living_restic_is_respected(written: Written, tmp_path: Path, ours: bool) -> None:
    with locked(written, Running(tmp_path / "index" if ours else None)):
        result = written.push(keep=Keep(last=1), index=tmp_path / "index")
        assert result.versions == (written.version, result.version), "the old version stays until the next push"
        with pytest.raises(TransientError) as failed:
            written.destination(index=tmp_path / "index").verify(deep=False)
        assert failed.value.code == "busy"
        assert "restic unlock" in failed.value.hint


VERIFY_AS_NOBODY = """
import os, sys
from pathlib import Path
from paraduxd.api.errors import ParaduxError
from tests.protocols.restic.rig import destination
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
try:
    destination(Path(sys.argv[1]), index=Path(sys.argv[2])).verify(deep=False)
except ParaduxError as problem:
    print(problem.code)
"""


@pytest.mark.slow
def test_a_living_restic_that_must_not_be_signalled_keeps_its_lock(written: Written, tmp_path: Path) -> None:
    """restic takes such a lock for a dead one's: it is what a confined transfer meets of another, and of its owner's own restic."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who must not signal this user")
    with TemporaryDirectory() as name:
        open_to_all = Written(
            Path(shutil.copytree(written.root, f"{name}/repository")), written.staging, written.version
        )
        shutil.chown(name, 65534)
        with locked(open_to_all, Running(tmp_path / "others")):
            subprocess.run(["chown", "-R", "nobody", name], check=True)
            locks = open_to_all.files("locks")
            command = [sys.executable, "-c", VERIFY_AS_NOBODY, str(open_to_all.root), f"{name}/index"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assert done.stdout.split() == ["busy"]
            assert open_to_all.files("locks") == locks


_NAME = 64
"""Letters of the name of a lock; until it is written whole it has a longer one, and is none."""


@contextlib.contextmanager
def locked(written: Written, started: Running) -> Iterator[subprocess.Popen[bytes]]:
    """A restic that keeps a lock: it backs up what never ends."""
    with run.sealed_file(SECRET.encode()) as (descriptor, path), started.one() as note:
        command = ["restic", "--no-cache", "--repo", str(written.root), "--password-file", path, "backup", "--stdin"]
        holder = run.start(command, pass_fds=(descriptor, *note.inherited), stdin=subprocess.PIPE)
        note.began(holder.pid)
        note.close()
        try:
            while holder.poll() is None and not any(len(path.name) == _NAME for path in written.files("locks")):
                time.sleep(0.05)
            assert holder.poll() is None
            yield holder
        finally:
            run.kill_group(holder)


def flip(pack: Path) -> None:
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[1000] ^= 1
    pack.write_bytes(content)


def test_deep_verification_names_a_rotten_pack_and_what_heals_it(written: Written, tmp_path: Path) -> None:
    pack = written.files("data")[0]
    flip(pack)
    assert written.destination().verify(deep=False).checked > 0
    with pytest.raises(ParaduxError) as failed:
        written.destination().verify(deep=True)
    assert failed.value.code == "damaged"
    assert f"data/{pack.name[:2]}/{pack.name}" in failed.value.message
    assert "rebuild-index" in failed.value.hint and "paraductl backup" in failed.value.hint
    pack.unlink()
    restic(written.root, "rebuild-index")
    written.push()
    assert written.destination().verify(deep=True).checked > 0
    (tmp_path / "out").mkdir()
    written.destination().restore(written.version, tmp_path / "out", ())
    assert samples.contents(tmp_path / "out") == samples.contents(written.staging)


def test_every_pack_is_read_by_one_of_the_parts(written: Written) -> None:
    flip(written.files("data")[0])
    found = []
    for part in range(3):
        try:
            assert written.destination().verify_part(part, 3).checked > 0
        except ParaduxError as problem:
            found.append(problem.code)
    assert found == ["damaged"]


def test_nothing_is_removed_when_the_newest_version_cannot_be_read_back(written: Written) -> None:
    flip(written.files("data")[0])
    with pytest.raises(ParaduxError, match="nothing was removed") as failed:
        written.push(keep=Keep(last=1))
    assert failed.value.code == "damaged"
    assert len(written.destination().versions()) == 2


def test_nothing_is_removed_while_nothing_may_be_read_back(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = recorded(monkeypatch)
    result = written.push(keep=Keep(last=1), read_back=False)
    assert (result.removed, result.versions[0]) == ((), written.version)
    assert [command[0] for command in commands] == ["snapshots", "backup"]


def test_what_was_read_back_is_not_read_again(
    written: Written, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more = {"index": tmp_path / "index", "cache": tmp_path / "cache"}
    versions = written.push(day=2, **more).versions
    versions = written.push(day=3, known_versions=versions, **more).versions
    commands = recorded(monkeypatch)
    for last, started in ((2, ["dump", "snapshots", "forget", "prune"]), (1, ["snapshots", "forget", "prune"])):
        request = PushRequest(Keep(last=last), "2026-01-04T12:00:00Z", versions)
        assert len(written.destination(**more).prune(request).removed) == 1
        assert [command[0] for command in commands] == started
        commands.clear()


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
def test_what_cannot_be_read_is_missing_and_the_rest_is_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    with unprivileged() as folder:
        it = destination_case(folder / "repository", folder / "scratch")
        samples.write_files(it.staging, 3)
        samples.write_files(it.staging / "closed", 2)
        whole = it.push().version
        for path in (it.staging / "f01", it.staging / "closed"):
            path.chmod(0)
        holed = it.push()
        assert (holed.version.missing, set(holed.unread)) == (2, {"f01", "closed"})
        assert it.destination().versions() == holed.versions == (whole, holed.version)
        assert it.destination().versions()[-1].missing == 2
        assert set(samples.files(it.restore(holed.version)[0])) == {"f00", "f02"}
        commands = recorded(monkeypatch)
        again = it.push()
        assert "tag" not in [command[0] for command in commands], "what was missing last time is tagged at once"
        assert again.version.missing == it.destination().versions()[-1].missing == 2
        restore_modes(it.staging)
        healed = it.push().version
        assert (healed.missing, it.destination().versions()[-1].missing) == (0, 0)
        assert [version.number for version in it.destination().versions()] == [1, 2, 3, 4]


def restore_modes(staging: Path) -> None:
    (staging / "f01").chmod(0o600)
    (staging / "closed").chmod(0o700)


@pytest.mark.slow
def test_more_complaints_than_are_kept_are_counted() -> None:
    with unprivileged() as folder:
        it = destination_case(folder / "repository", folder / "scratch")
        samples.write_files(it.staging, 1500)
        for path in sorted(it.staging.iterdir())[1:]:
            path.chmod(0)
        result = it.push()
        assert (result.version.missing, len(result.unread)) == (1499, 100)
        assert it.destination().versions()[-1].missing == 1499


@pytest.mark.slow
def test_the_newest_version_in_which_nothing_is_missing_stays(written: Written) -> None:
    for day in (2, 3):
        result = written.push(day, keep=Keep(last=1), unread=("diary",), unread_count=1)
    assert written.destination().versions() == (written.version, result.version)
    assert written.destination().versions()[-1].missing == 1
    whole = written.push(4, keep=Keep(last=1), known_versions=result.versions)
    assert written.destination().versions() == (whole.version,)


def test_many_that_cannot_be_read_are_counted_and_some_named(written: Written) -> None:
    names = tuple(f"f{number}" for number in range(100))
    result = written.push(unread=names, unread_count=12_345)
    assert (result.version.missing, result.unread) == (12_345, names)
    assert written.destination().versions()[-1].missing == 12_345


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
            file.truncate(512 << 20)
    (written.staging / "zz").write_text("here for a moment")

    def vanish(_: Progress) -> None:
        (written.staging / "zz").unlink(missing_ok=True)

    request = PushRequest(Keep(), "2026-01-02T12:00:00Z", (written.version,))
    result = destination(written.root, vanish).push(written.staging, request)
    assert written.destination().versions() == result.versions
    kept = restic(written.root, "ls", "latest").split()
    assert "/a0" in kept
    assert "/zz" not in kept
