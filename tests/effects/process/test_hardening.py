"""What a process that holds secrets does about its memory, its dumps, its parent and its files, seen from outside."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from paraduxd.effects.process import hardening

NOBODY = 65534
NOT_LOCKED = "False|the keeper's memory can be swapped to disk"

HARDEN = """
import ctypes, os, resource, subprocess, sys
from paraduxd.effects.process import hardening
if sys.argv[1] == "limited":
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    if os.geteuid() == 0:
        os.setresuid(65534, 65534, 65534)
told = hardening.harden()
room = bytearray(64 << 20)
libc = ctypes.CDLL(None)
print(libc.prctl(3, 0, 0, 0, 0), libc.prctl(39, 0, 0, 0, 0), end=" ")
print(resource.getrlimit(resource.RLIMIT_CORE)[1], oct(os.umask(0)), end=" ", flush=True)
subprocess.run(["cat", "/proc/self/coredump_filter"])
libc.prctl(4, 1, 0, 0, 0)
locked = [line for line in open("/proc/self/status") if line.startswith("VmLck")][0].split()[1]
print(int(locked) >= 64 << 10, *told, sep="|")
"""

READ_CHILD = """
import ctypes, os, signal, sys
from paraduxd.effects.process import hardening
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
ready, tell = os.pipe()
child = os.fork()
if child == 0:
    if sys.argv[1] == "hardened":
        hardening.harden()
    os.write(tell, b"1")
    signal.pause()
os.read(ready, 1)
try:
    open(f"/proc/{child}/mem", "rb").close()
    print("readable")
except OSError as problem:
    print(type(problem).__name__)
os.kill(child, signal.SIGKILL)
"""

PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=sys.stdout)
child.wait()
"""

CHILD = """
import os, sys, time
from paraduxd import linux
linux.die_with_parent(int(sys.argv[1]))
print(os.getpid(), flush=True)
time.sleep(600)
"""

PRIVATE = """
import os, sys, time
from paraduxd.effects.process import hardening
if sys.argv[1] == "limited" and os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
folder = hardening.private_memory()
(folder / "secret").write_text("canary")
print(folder, hardening.is_memory(folder), oct(folder.stat().st_mode & 0o777), folder.stat().st_uid, flush=True)
sys.stdin.read()
print((folder / "secret").exists())
"""

SHARED = """
import sys
from paraduxd.effects.process import hardening
with hardening.shared_memory_folder() as folder:
    (folder / "secret").write_text("canary")
    print(folder, flush=True)
    sys.stdin.read()
    print((folder / "secret").exists())
"""


def python(text: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", text, *arguments]


def output(text: str, *arguments: str) -> list[str]:
    done = subprocess.run(python(text, *arguments), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def wait_until(condition: Callable[[], bool]) -> None:
    """The time limit of the test ends a wait that is in vain."""
    while not condition():
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Ended; a zombie that nobody has reaped is ended, too."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("rights", ["full", "limited"])
def test_nothing_of_the_process_can_be_dumped_and_nothing_gains_rights(rights: str) -> None:
    state, _ = output(HARDEN, rights)
    filtered = (
        "00000000" if rights == "full" or os.geteuid() else Path("/proc/self/coredump_filter").read_text().strip()
    )
    assert state == f"0 1 1 0o77 {filtered}", (
        "dumpable, no_new_privs, core limit, umask, what a dump of a child may hold"
    )


def test_a_process_of_the_same_user_cannot_read_its_memory() -> None:
    """Without rights, that is; root reads everything. The control shows that it would be readable otherwise."""
    assert output(READ_CHILD, "plain") == ["readable"]
    assert output(READ_CHILD, "hardened") == ["PermissionError"]


def test_who_may_lock_all_pages_does_so_and_has_nothing_to_report() -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    expected = "True" if os.geteuid() == 0 or unlimited else NOT_LOCKED
    assert output(HARDEN, "full")[1] == expected


def test_who_may_not_lock_says_so_and_can_still_allocate() -> None:
    assert output(HARDEN, "limited")[1] == NOT_LOCKED


def test_a_killed_parent_takes_the_child_along() -> None:
    with subprocess.Popen(python(PARENT, CHILD), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    wait_until(lambda: gone(child))


def test_a_parent_that_is_gone_already_ends_the_child() -> None:
    done = subprocess.run(python(CHILD, str(os.getpid() + 1)), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize("rights", ["full", "limited"])
def test_private_files_are_in_memory_and_vanish_with_a_killed_process(rights: str) -> None:
    uid = NOBODY if rights == "limited" and os.geteuid() == 0 else os.geteuid()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(python(PRIVATE, rights), **pipes) as holder:  # type: ignore[call-overload]
        folder, in_memory, mode, owner = holder.stdout.readline().split()
        assert (in_memory, mode, owner) == ("True", "0o700", str(uid))
        if uid == 0:
            assert list(Path(folder).iterdir()) == [], "no other process sees the mount"
        holder.send_signal(signal.SIGKILL)
    assert Path(folder).exists(), "nobody had the time to remove it"
    with subprocess.Popen(python(PRIVATE, rights), **pipes) as successor:  # type: ignore[call-overload]
        assert successor.stdout.readline().split()[0] != folder
        assert not Path(folder).exists(), "the next process sweeps"
        successor.stdin.close()
    hardening.sweep_stale()


def test_sweeping_spares_the_living_and_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardening, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(hardening, "is_memory", lambda path: True)
    for name in (f"paradux-keeper-{os.getpid()}-dead", "other-1-x"):
        (tmp_path / name / "inside").mkdir(parents=True)
    (tmp_path / "paradux-keeper-link").symlink_to(tmp_path / "other-1-x")
    with hardening.shared_memory_folder() as living:
        (living / "inside").mkdir()
        hardening.sweep_stale()
        left = {path.name for path in tmp_path.iterdir() if not path.is_symlink()}
        assert left == {living.name, "other-1-x"}
        assert (living / "inside").exists()
    assert (tmp_path / "other-1-x" / "inside").exists()
    assert not living.exists()


SWEEP = "from paraduxd.effects.process import hardening; hardening.sweep_stale()"


@pytest.mark.parametrize("mounted", [True, False])
def test_who_does_not_see_a_process_sweeps_nothing_of_it(mounted: bool) -> None:
    """In a container, say, that has the /dev/shm of its host. Even a mount would go with the directory below it."""
    if os.geteuid() != 0:
        pytest.skip("only root can have other numbers of processes")
    with subprocess.Popen(
        python(PRIVATE if mounted else SHARED, "full"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        folder = Path(holder.stdout.readline().split()[0])
        subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", *python(SWEEP)], check=True)
        assert folder.exists()
        holder.stdin.close()
        assert holder.stdout.read().split() == ["True"]


def test_only_file_systems_in_memory_count() -> None:
    assert hardening.is_memory(Path("/dev/shm"))
    assert not hardening.is_memory(Path("/proc"))


def test_secrets_are_not_written_to_a_directory_on_a_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hardening, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(hardening, "is_memory", lambda path: False)
    monkeypatch.setattr(hardening, "_mount_over", lambda folder: False)
    with pytest.raises(hardening.ParaduxError, match="no place for files"):
        hardening.private_memory()
