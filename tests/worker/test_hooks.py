"""What runs before and after a pull: real programs, under the drop-in rule, shut in and bounded, and told how the pull ended."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.transport import Hooks
from paraduxd.protocols.base import HeldError
from paraduxd.worker.transfer import hooks
from tests.worker.hook_rig import Folder, pull


def staged(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "staging").rglob("letter*"))


def test_what_a_hook_makes_is_pulled(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.noting("make", f"cp {source}/letter {source}/letter-2")
    folder.noting("clear", f"rm {source}/letter-2")
    result = pull(tmp_path, before="make", after="clear")
    assert (staged(tmp_path), result.after) == (["letter", "letter-2"], "")
    assert folder.noted() == ["before mail", "after mail done"]
    assert not (source / "letter-2").exists()


def test_a_hook_that_fails_stops_the_pull_and_is_quoted(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.add("fine", "true")
    pull(tmp_path, before="fine")
    (source / "letter-2").write_text("half a dump")
    folder.add("dump", "seq 100000; echo cannot reach the database >&2; exit 7")
    folder.noting("clear")
    with pytest.raises(ParaduxError) as failed:
        pull(tmp_path, before="dump", after="clear")
    assert failed.value.code == "hook-failed"
    assert "dump ended with exit code 7, it says: 99999; 100000; cannot reach the database" in failed.value.message
    assert staged(tmp_path) == ["letter"], "the last pull stays as it was"
    assert folder.noted() == ["after mail failed"]


def test_the_second_hook_runs_when_the_pull_failed(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.noting("clear")
    with pytest.raises(ParaduxError):
        pull(tmp_path, tmp_path / "nowhere", after="clear")
    with pytest.raises(HeldError), hooks.around("mail", Hooks(after="clear")):
        raise HeldError("empty", "the source is empty")
    with pytest.raises(SystemExit), hooks.around("mail", Hooks(after="clear")):
        raise SystemExit(143)
    assert folder.noted() == ["after mail failed", "after mail held", "after mail cancelled"]


def test_a_second_hook_that_fails_is_told_and_loses_nothing(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.add("clear", "echo the snapshot is busy; exit 1")
    result = pull(tmp_path, after="clear")
    assert result.after == "the hook clear ended with exit code 1, it says: the snapshot is busy"
    assert staged(tmp_path) == ["letter"]


def test_a_hook_that_does_not_end_is_killed_with_all_it_started(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.add("wait", f"echo waiting for a lock; sleep 600 & echo $! > {tmp_path}/pid; wait")
    began = time.monotonic()
    with pytest.raises(ParaduxError) as failed:
        pull(tmp_path, before="wait", within=1)
    assert time.monotonic() - began < 60
    assert failed.value.code == "hook-failed"
    assert "did not end within 1" in failed.value.message and "waiting for a lock" in failed.value.message
    assert _is_gone(int((tmp_path / "pid").read_text()))


def test_what_a_hook_leaves_running_is_not_waited_for(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.add("serve", f"yes & echo $! > {tmp_path}/pid; echo started; exit 0")
    pull(tmp_path, before="serve", within=60)
    assert _is_gone(int((tmp_path / "pid").read_text()))
    folder.add("quiet", "exec >&- 2>&-; exit 3")
    with pytest.raises(ParaduxError, match="exit code 3"):
        pull(tmp_path, before="quiet", within=60)


def _is_gone(pid: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_output_without_an_end_is_not_kept(folder: Folder, tmp_path: Path, source: Path) -> None:
    folder.add("talk", "yes 'so much to say'")
    with pytest.raises(ParaduxError) as failed:
        pull(tmp_path, before="talk", within=2)
    assert len(failed.value.message) < 600


def unsafe(folder: Folder, kind: str) -> None:
    hook = folder.add("dump", "true")
    match kind:
        case "writable":
            hook.chmod(0o757)
        case "group":
            hook.chmod(0o775)
        case "not executable":
            hook.chmod(0o644)
        case "link":
            hook.rename(folder.path.parent / "dump")
            hook.symlink_to(folder.path.parent / "dump")
        case "folder":
            hook.unlink()
            hook.mkdir()
        case "missing":
            hook.unlink()
        case "open folder":
            folder.path.chmod(0o777)


@pytest.mark.parametrize("kind", ["writable", "group", "not executable", "link", "folder", "missing", "open folder"])
def test_what_others_could_have_written_is_not_run(folder: Folder, tmp_path: Path, source: Path, kind: str) -> None:
    unsafe(folder, kind)
    with pytest.raises(ParaduxError) as refused:
        pull(tmp_path, before="dump")
    assert refused.value.code == "untrusted-hook"
    assert "dump" in refused.value.message
    assert not (tmp_path / "staging" / "data").exists() or staged(tmp_path) == []


def test_a_path_is_no_hook(folder: Folder, tmp_path: Path, source: Path) -> None:
    """Nothing else of root's is started, whatever a transport file says."""
    (folder.path / "more").mkdir()
    for name in ("more/../../../bin/true", "/bin/true", "../hooks.d/dump"):
        with pytest.raises(ParaduxError) as refused:
            pull(tmp_path, before=name)
        assert refused.value.code == "untrusted-hook"


def test_a_hook_of_somebody_else_is_not_run(folder: Folder, tmp_path: Path, source: Path) -> None:
    hook = folder.add("dump", "true")
    if os.geteuid() != 0:  # only root can give a file away
        return
    os.chown(hook, 12345, 12345)
    with pytest.raises(ParaduxError) as refused:
        pull(tmp_path, before="dump")
    assert refused.value.code == "untrusted-hook"


def test_a_hook_sees_nothing_of_the_transfer(folder: Folder, tmp_path: Path, source: Path) -> None:
    """Neither its environment, nor its arguments, nor an open file of it."""
    seen = tmp_path / "seen"
    folder.add("look", f"env > {seen}; echo args: $# >> {seen}; ls -l /proc/self/fd >> {seen}; id >> {seen}")
    canary = "canary-7f3a9c"
    os.environ["PARADUX_CANARY"] = canary
    try:
        pull(tmp_path, before="look")
    finally:
        del os.environ["PARADUX_CANARY"]
    told = seen.read_text()
    assert canary not in told
    assert "args: 0" in told and "transport" not in told and "memfd" not in told
    names = {line.partition("=")[0] for line in told.splitlines() if "=" in line and not line.startswith("uid=")}
    assert names <= {"PATH", "LC_ALL", "HOME", "TZ", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"} | {
        "PARADUX_HOOK", "PARADUX_DATASET"
    }  # fmt: skip
