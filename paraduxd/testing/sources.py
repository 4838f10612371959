"""The suite that every `Source` passes. Subclass it, override the fixture `case`, run it with pytest."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard
from paraduxd.protocols.base import HeldError, PullRequest, PullResult, Source
from paraduxd.testing import samples


@dataclass
class SourceCase:
    """A source under test: the directory that it reads (wherever its server runs), and staging."""

    source: Source
    root: Path
    staging: Path

    def pull(self, known: int | None = None, allowed: int = 0, guard: Guard | None = None) -> PullResult:
        """One pull; `allowed` removals and changes are approved."""
        request = PullRequest(guard or Guard(), known, allowed_removed=allowed, allowed_changed=allowed)
        return self.source.pull(self.staging, request)

    def first(self, count: int = 20) -> PullResult:
        """A source of `count` files, pulled once."""
        samples.write_files(self.root, count)
        return self.pull()


class SourceSuite:
    """What `Source.pull` promises."""

    @pytest.fixture
    def case(self) -> SourceCase:
        """A source whose `root` exists and is empty; `staging` exists and is empty."""
        raise NotImplementedError("a subclass of this suite gives the fixture `case`: what is tested")

    def test_staging_becomes_equal_to_a_source_of_hostile_names(self, case: SourceCase) -> None:
        count = samples.write_sample(case.root)
        result = case.pull()
        assert samples.snapshot(case.staging) == samples.snapshot(case.root)
        assert result.files == count
        assert result.changed == result.removed == 0

    def test_a_second_pull_transfers_nothing(self, case: SourceCase) -> None:
        count = samples.write_sample(case.root)
        case.pull()
        result = case.pull(known=count)
        assert (result.transferred_files, result.transferred_bytes, result.removed, result.changed) == (0, 0, 0, 0)
        assert result.files == count

    def test_what_a_pull_that_was_cut_off_has_changed_counts_in_the_next_one(self, case: SourceCase) -> None:
        case.first()
        time.sleep(0.05)
        ended = time.time()
        time.sleep(0.05)
        for number in range(15):
            (case.root / f"f{number:02}").write_text(f"encrypted {number}")
        case.pull(known=None)  # as if killed after its transfers: it told nobody what it had changed
        with pytest.raises(HeldError) as held:
            case.source.pull(case.staging, PullRequest(Guard(), 20, since=ended))
        assert (held.value.reason, held.value.changed) == ("many-changed", 15)

    def test_new_files_of_a_pull_that_was_cut_off_are_no_changes(self, case: SourceCase) -> None:
        case.first()
        time.sleep(0.05)
        ended = time.time()
        for number in range(40):
            (case.root / f"new{number:02}").write_text("new")
        case.pull(known=None)
        assert case.source.pull(case.staging, PullRequest(Guard(), 20, since=ended)).changed == 0

    def test_changes_and_removals_within_the_guard_are_made_and_counted(self, case: SourceCase) -> None:
        case.first()
        (case.root / "f00").unlink()
        (case.root / "f01").unlink()
        (case.root / "f02").write_text("changed, and longer than before")
        (case.root / "new").write_text("new")
        result = case.pull(known=20)
        assert samples.contents(case.staging) == samples.contents(case.root)
        assert (result.files, result.removed, result.changed, result.transferred_files) == (19, 2, 1, 2)

    def test_too_many_removals_are_held_and_none_is_made(self, case: SourceCase) -> None:
        case.first()
        before = samples.contents(case.staging)
        for number in range(6):
            (case.root / f"f{number:02}").unlink()
        with pytest.raises(HeldError) as held:
            case.pull(known=20)
        assert (held.value.reason, held.value.removed) == ("many-removed", 6)
        assert samples.contents(case.staging) == before

    def test_a_renamed_directory_counts_its_files(self, case: SourceCase) -> None:
        samples.write_files(case.root / "deep" / "er", 20)
        case.pull()
        (case.root / "deep").rename(case.root / "elsewhere")
        with pytest.raises(HeldError) as held:
            case.pull(known=20)
        assert held.value.removed == 20
        assert len(samples.files(case.staging / "deep")) == 20

    def test_a_file_in_the_place_of_a_full_directory_is_a_removal(self, case: SourceCase) -> None:
        samples.write_files(case.root / "folder", 20)
        case.pull()
        shutil.rmtree(case.root / "folder")
        (case.root / "folder").write_text("a file now")
        with pytest.raises(HeldError):
            case.pull(known=20)
        assert len(samples.files(case.staging / "folder")) == 20
        case.pull(known=20, allowed=20)
        assert samples.contents(case.staging) == samples.contents(case.root)

    def test_too_many_changes_are_held(self, case: SourceCase) -> None:
        case.first()
        for number in range(13):
            (case.root / f"f{number:02}").write_text("encrypted by malware")
        with pytest.raises(HeldError) as held:
            case.pull(known=20)
        assert (held.value.reason, held.value.changed) == ("many-changed", 13)

    def test_what_the_owner_approved_goes_through(self, case: SourceCase) -> None:
        case.first()
        for number in range(15):
            (case.root / f"f{number:02}").unlink()
        result = case.pull(known=20, allowed=15)
        assert result.removed == 15
        assert samples.contents(case.staging) == samples.contents(case.root)

    def test_many_directories_are_removed_in_full(self, case: SourceCase) -> None:
        for number in range(150):
            (case.root / f"d{number}" / "empty").mkdir(parents=True)
        samples.write_files(case.root, 20)
        case.pull()
        for number in range(150):
            shutil.rmtree(case.root / f"d{number}")
        assert case.pull(known=20).removed == 0
        assert samples.snapshot(case.staging).keys() == samples.snapshot(case.root).keys()

    def test_an_empty_source_is_held_and_nothing_removed(self, case: SourceCase) -> None:
        case.first(3)
        for path in case.root.iterdir():
            path.unlink()
        with pytest.raises(HeldError) as held:
            case.pull(known=3)
        assert held.value.reason == "source-empty"
        assert len(samples.files(case.staging)) == 3

    def test_a_missing_source_is_held_and_nothing_removed(self, case: SourceCase) -> None:
        case.first(3)
        shutil.rmtree(case.root)
        with pytest.raises(HeldError) as held:
            case.pull(known=3)
        assert held.value.reason == "source-missing"
        assert len(samples.files(case.staging)) == 3

    def test_a_source_that_never_was_is_a_failure_with_a_sentence(self, case: SourceCase) -> None:
        case.root.rmdir()
        with pytest.raises(ParaduxError) as failed:
            case.pull()
        assert failed.value.code == "source-missing"

    def test_an_empty_first_pull_is_an_empty_dataset(self, case: SourceCase) -> None:
        assert case.pull().files == 0

    def test_staging_that_was_left_half_done_is_completed(self, case: SourceCase) -> None:
        case.first()
        (case.staging / "f03").unlink()
        (case.staging / "f04").write_text("half")
        (case.staging / ".f05.Xy12Zz").write_text("left by a killed transfer")
        case.pull(known=20)
        assert samples.contents(case.staging) == samples.contents(case.root)
