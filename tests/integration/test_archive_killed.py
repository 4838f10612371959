"""SIGKILL before the steps of a push, of pruning and of a restore: what was there can be restored, the next run heals, no scrap stays.

A step is the start of a program, a change of a file below the test's directory, or a quarter of a mebibyte of an object on its way.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.destination import ArchiveDestination
from paraduxd.protocols.archive.manifests import StoredRuns
from paraduxd.protocols.archive.push import README
from paraduxd.protocols.base import Blob, BlobStore, PushRequest
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from tests import width
from tests.protocols.archive.rig import archive, new_keys

STRIDE = int(os.environ.get("PARADUX_KILL_STRIDE", width.times(full=3, usual=12)))
"""Every so many steps are tried, from a random one on; 1 tries them all."""
A_RESTORES_STRIDE = min(STRIDE, 4)
"""A restore has about 22 steps only."""

PIECE = 1 << 18
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")

Snapshot = dict[str, Any]
Step = Callable[[], None]


@dataclass
class Machine:
    """A dataset and its archives. What a step may change is kept aside once, and put back before every kill."""

    root: Path

    @property
    def staging(self) -> Path:
        """It stays where it is: tar knows its directories by their inodes."""
        return self.root / "staging"

    def destination(self, step: Step = lambda: None, memory: str = "memory") -> ArchiveDestination:
        """As a worker makes it; another `memory` is another machine."""
        return archive(Stepping(DiskBlobs(self.root / "changing" / "store"), step), self.root / "changing" / memory)

    def request(self, day: int, keep: Keep | None = None) -> PushRequest:
        """A push on that day that may remove what nothing needs."""
        known = self.destination().versions()
        return replace(PushRequest(keep or Keep(), f"2026-01-{day:02}T12:00:00Z", known), prune=True)

    def push(self, day: int, keep: Keep | None = None) -> str:
        """The id of the new version."""
        return self.destination().push(self.staging, self.request(day, keep)).version.id

    def restored(self, run: str) -> Snapshot:
        """A version as somebody with another machine gets it."""
        to = self.root / "restored"
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        elsewhere = self.destination(memory="elsewhere")
        (version,) = [each for each in elsewhere.versions() if each.id == run]
        elsewhere.restore(version, to, ())
        return samples.snapshot(to)

    def keep_aside(self) -> None:
        """This is what every kill starts from."""
        shutil.copytree(self.root / "changing", self.root / "aside")

    def put_back(self) -> None:
        """As it was."""
        shutil.rmtree(self.root / "changing")
        shutil.copytree(self.root / "aside", self.root / "changing")


class Stepping(BlobStore):
    """A store that calls `step` before every piece that it moves."""

    def __init__(self, store: BlobStore, step: Step) -> None:
        self._store, self._step = store, step

    def put(self, name: str, data: BinaryIO) -> None:
        """Read in small pieces."""
        self._store.put(name, _Pieces(data, self._step))  # type: ignore[arg-type]  # the disk only reads

    def get(self, name: str) -> Iterator[bytes]:
        """A step for each piece."""
        for piece in self._store.get(name):
            self._step()
            yield piece

    def list(self) -> tuple[Blob, ...]:
        """No step."""
        return self._store.list()

    def delete(self, name: str) -> None:
        """The disk's own step."""
        self._store.delete(name)

    def sweep(self) -> None:
        """The disk's own steps."""
        self._store.sweep()


@dataclass
class _Pieces:
    data: BinaryIO
    step: Step

    def read(self, size: int) -> bytes:
        self.step()
        return self.data.read(min(size, PIECE))


@dataclass(frozen=True)
class Scene:
    """What was there before the kill, and what was to be done."""

    versions: Mapping[str, Snapshot]
    work: Callable[[ArchiveDestination], object]


def nothing_there(machine: Machine) -> Scene:
    """A first push of four volumes."""
    samples.write_files(machine.staging, 10, 400_000)
    request = machine.request(1)
    return Scene({}, lambda destination: destination.push(machine.staging, request))


def a_chain(machine: Machine) -> Scene:
    """An increment on top of a full run and an increment."""
    versions = {}
    for day in (1, 2):
        samples.write_files(machine.staging / f"{day}", 4, 400_000)
        versions[machine.push(day)] = samples.snapshot(machine.staging)
    (machine.staging / "1").rename(machine.staging / "3")
    (machine.staging / "2" / "f00").unlink()
    request = machine.request(3)
    return Scene(versions, lambda destination: destination.push(machine.staging, request))


def a_chain_that_goes(machine: Machine) -> Scene:
    """A full run in place of a chain: it is read back, then the chain goes."""
    versions = dict(a_chain(machine).versions)
    shutil.rmtree(machine.root / "changing" / "memory" / "index")
    request = machine.request(3, Keep(last=1))
    return Scene(versions, lambda destination: destination.push(machine.staging, request))


def a_restore(machine: Machine) -> Scene:
    """Of a chain, into a directory that stays as the kill has left it."""
    scene = a_chain(machine)
    last = machine.destination().versions()[-1]
    return Scene(scene.versions, lambda destination: destination.restore(last, target(machine), ()))


def target(machine: Machine) -> Path:
    """Where a restore that is killed goes."""
    to = machine.root / "changing" / "target"
    to.mkdir(exist_ok=True)
    return to


PUSHES = {"first": nothing_there, "increment": a_chain, "new full run, old chain goes": a_chain_that_goes}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "changing").mkdir()
    (tmp_path / "staging").mkdir()
    return Machine(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("operation", PUSHES)
def test_a_push_killed_before_its_steps(operation: str, machine: Machine) -> None:
    scene = PUSHES[operation](machine)
    points, complete = 0, 0
    for _ in killed_at_each(machine, scene):
        points += 1
        complete += all_versions_come_back(machine, scene)
        the_next_push_heals(machine, Keep(last=1) if "goes" in operation else Keep())
    print(f"{operation}: {points} kill points, {complete} after the version was there, 0 lost")
    assert points > 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_restore_killed_before_its_steps(machine: Machine) -> None:
    scene = a_restore(machine)
    last, wanted = list(scene.versions.items())[-1]
    before = samples.contents(machine.root / "changing" / "store")
    points = 0
    for _ in killed_at_each(machine, scene, A_RESTORES_STRIDE):
        points += 1
        assert samples.contents(machine.root / "changing" / "store") == before
        (version,) = [each for each in machine.destination().versions() if each.id == last]
        machine.destination().restore(version, target(machine), ())
        assert samples.snapshot(target(machine)) == wanted
    print(f"restore: {points} kill points, 0 lost")
    assert points > 1


def killed_at_each(machine: Machine, scene: Scene, stride: int = STRIDE) -> Iterator[int]:
    """Do it again and again, killed before a later step each time, until it comes to its end."""
    machine.keep_aside()
    for step in range(random.randint(1, stride), 10_000, stride):
        machine.put_back()
        if not killed_at(step, machine, scene):
            return
        yield step


def killed_at(last: int, machine: Machine, scene: Scene) -> bool:
    """In a process that kills itself before its n-th step; false when it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            step = Steps(last, f"{machine.root}/")
            sys.addaudithook(step.on_event)
            scene.work(machine.destination(step))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


class Steps:
    """Counts, and dies at the last one."""

    def __init__(self, last: int, root: str) -> None:
        self._left = last
        self._root = root

    def __call__(self) -> None:
        """One step."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        """A step, when it changes something."""
        writes = event == "open" and ("w" in str(arguments[1]) or "a" in str(arguments[1]))
        changes = (writes or event in CHANGES) and str(arguments[0]).startswith(self._root)
        if changes or event == "subprocess.Popen":
            self()


def all_versions_come_back(machine: Machine, scene: Scene) -> bool:
    """Whether the version that was being made is there; it is whole then, and those before it may be gone."""
    elsewhere = machine.destination(memory="elsewhere")
    listed = [version.id for version in elsewhere.versions()]
    made = [run for run in listed if run not in scene.versions]
    assert made or listed == list(scene.versions)
    for run in listed:
        assert machine.restored(run) == scene.versions.get(run, samples.snapshot(machine.staging))
    if listed:
        elsewhere.verify(deep=True)
    return bool(made)


def the_next_push_heals(machine: Machine, keep: Keep) -> None:
    """It makes a version that comes back, and what no version needs is gone."""
    run = machine.push(9, keep)
    assert machine.restored(run) == samples.snapshot(machine.staging)
    machine.destination().verify(deep=True)
    store = DiskBlobs(machine.root / "changing" / "store")
    newest = StoredRuns(store, new_keys(), None).newest()
    assert newest is not None
    needed = {run, *(each.id for each in newest.runs)}
    found = {path.name for path in (machine.root / "changing" / "store").iterdir()} - {README}
    lists = {name for name in found if name.endswith(".runs")}
    assert chain.list_name(run) in lists
    assert len(lists) <= 2
    found -= lists
    assert {chain.run_of(name) for name in found} == needed
    assert len(found) == sum(1 + len(StoredRuns(store, new_keys(), None).manifest(each).objects) for each in needed), (
        "an object that belongs to nothing"
    )
