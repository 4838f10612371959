"""The suite that every `Destination` passes. Subclass it, override the fixture `case`, run it with pytest."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.base import Destination, PushRequest, PushResult, RestoreResult, Version
from paraduxd.testing import samples


@dataclass
class DestinationCase:
    """A destination under test, made anew for every step, as a worker does; `folder` is a scratch directory of the test."""

    make: Callable[[Callable[[Progress], None]], Destination]
    folder: Path
    pushes: int = field(default=0)

    @property
    def staging(self) -> Path:
        """What is pushed."""
        return self.folder / "staging"

    def destination(self) -> Destination:
        """A fresh object on the same place."""
        return self.make(lambda _: None)

    def request(self, *, keep: Keep | None = None, held: bool = False) -> PushRequest:
        """The next push is one day after the one before."""
        self.pushes += 1
        known = self.destination().versions()
        return PushRequest(keep or Keep(), f"2026-01-{self.pushes:02}T12:00:00Z", known, held)

    def push(self, *, keep: Keep | None = None, held: bool = False) -> PushResult:
        """One push of staging."""
        return self.destination().push(self.staging, self.request(keep=keep, held=held))

    def restore(self, version: Version, *paths: str) -> tuple[Path, RestoreResult]:
        """A version (or paths of it) in a new directory."""
        to = self.folder / "restored"
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        return to, self.destination().restore(version, to, paths)


class DestinationSuite:
    """What `Destination` promises."""

    @pytest.fixture
    def case(self) -> DestinationCase:
        """A destination that was never written; `folder` is empty and stays with the test."""
        raise NotImplementedError("a subclass of this suite gives the fixture `case`: what is tested")

    def test_never_written_has_no_versions(self, case: DestinationCase) -> None:
        assert case.destination().versions() == ()

    def test_everything_comes_back_as_it_was(self, case: DestinationCase) -> None:
        count = samples.write_sample(case.staging)
        result = case.push()
        to, restored = case.restore(result.version)
        assert samples.snapshot(to) == samples.snapshot(case.staging)
        assert result.versions == case.destination().versions() == (result.version,)
        assert result.version.files in {count, None}
        assert (restored.version, restored.files) == (result.version, count)

    def test_earlier_versions_stay_as_they_were(self, case: DestinationCase) -> None:
        samples.write_sample(case.staging)
        before = samples.snapshot(case.staging)
        first = case.push().version
        (case.staging / "zero").write_text("no longer")
        (case.staging / "mode-640").chmod(0o600)
        (case.staging / "hard-1").unlink()
        second = case.push().version
        assert [version.id for version in case.destination().versions()] == [first.id, second.id]
        assert samples.snapshot(case.restore(first)[0]) == before
        assert samples.snapshot(case.restore(second)[0]) == samples.snapshot(case.staging)

    def test_an_unchanged_push_is_a_version_that_adds_nothing(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 3, 100_000)
        case.push()
        result = case.push()
        assert len(result.versions) == 2
        assert result.added_bytes < 100_000

    def test_two_pushes_within_one_second_are_two_versions(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 1)
        request = case.request()
        case.destination().push(case.staging, request)
        result = case.destination().push(case.staging, request)
        assert len({version.id for version in result.versions}) == 2

    def test_an_empty_dataset_is_a_version(self, case: DestinationCase) -> None:
        case.staging.mkdir()
        to, restored = case.restore(case.push().version)
        assert restored.files == 0
        assert list(to.iterdir()) == []

    def test_one_path_of_any_name_can_be_restored(self, case: DestinationCase) -> None:
        for name in samples.HOSTILE_NAMES:
            samples.write_files(case.staging / "directory" / name, 1)
            (case.staging / name).write_text("wanted")
        version = case.push().version
        for name in samples.HOSTILE_NAMES:
            to, restored = case.restore(version, name)
            assert samples.files(to) == [name]
            assert (to / name).read_text() == "wanted"
            assert restored.files == 1

    def test_paths_of_any_name_can_be_restored_together(self, case: DestinationCase) -> None:
        paths = [f"directory/{name}" for name in samples.HOSTILE_NAMES]
        samples.write_files(case.staging / "other", 2)
        for path in paths:
            samples.write_files(case.staging / path, 1)
        to, restored = case.restore(case.push().version, *paths)
        assert samples.contents(to / "directory") == samples.contents(case.staging / "directory")
        assert not (to / "other").exists()
        assert restored.files == len(paths)

    def test_a_directory_can_be_restored_by_its_name(self, case: DestinationCase) -> None:
        samples.write_files(case.staging / "wanted" / "inner", 3)
        samples.write_files(case.staging / "other", 3)
        to, _ = case.restore(case.push().version, "wanted")
        assert samples.contents(to / "wanted") == samples.contents(case.staging / "wanted")
        assert not (to / "other").exists()

    def test_a_path_that_is_not_there_is_named(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 2)
        version = case.push().version
        with pytest.raises(ParaduxError, match="no such thing") as failed:
            case.restore(version, "f00", "no such thing")
        assert failed.value.code == "not-found"

    def test_keep_removes_the_old_and_never_the_newest(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 2)
        ids = [case.push(keep=Keep(last=2)).version.id for _ in range(4)]
        assert [version.id for version in case.destination().versions()] == ids[-2:]
        result = case.push(keep=Keep(last=0))
        assert result.versions == case.destination().versions() == (result.version,)
        assert result.pruned

    def test_held_removes_no_version(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 2)
        case.push()
        result = case.push(keep=Keep(last=1), held=True)
        assert len(result.versions) == len(case.destination().versions()) == 2

    def test_a_push_killed_half_way_harms_nothing_and_the_next_one_heals(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 5)
        before = samples.contents(case.staging)
        first = case.push().version
        samples.write_files(case.staging / "more", 40, 300_000)
        _push_and_die(case)
        assert samples.contents(case.restore(first)[0]) == before
        result = case.push()
        assert result.versions[0] == first
        assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
        case.destination().verify(deep=True)

    def test_a_first_push_killed_half_way_is_no_version(self, case: DestinationCase) -> None:
        samples.write_files(case.staging, 40, 300_000)
        _push_and_die(case)
        for version in case.destination().versions():
            assert samples.contents(case.restore(version)[0]) == samples.contents(case.staging)
        result = case.push()
        assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)

    @pytest.mark.parametrize("deep", [False, True])
    def test_whole_versions_verify(self, case: DestinationCase, deep: bool) -> None:
        samples.write_sample(case.staging)
        case.push()
        case.push()
        result = case.destination().verify(deep)
        assert result.checked > 0

    def test_nothing_written_verifies(self, case: DestinationCase) -> None:
        assert case.destination().verify(deep=False).checked == 0


def _push_and_die(case: DestinationCase) -> None:
    """Push in a process that kills itself and its programs at the first sign of progress."""
    request = case.request()

    def push() -> None:
        case.make(_die).push(case.staging, request)

    child = multiprocessing.get_context("fork").Process(target=push)
    child.start()
    child.join()


def _die(_: Progress) -> None:
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text().split():
            os.killpg(int(child), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
