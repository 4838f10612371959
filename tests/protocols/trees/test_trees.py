"""Trees on a disk: checksums and healing, stores of version 0.1.0, and folders that hold somebody else's files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.effects.files import read_back
from paraduxd.effects.process import run
from paraduxd.protocols.base import Context, Destination, Identity, PushRequest, Version
from paraduxd.protocols.disk import PROTOCOL, DiskSettings
from paraduxd.protocols.trees import checksums
from paraduxd.testing import samples
from paraduxd.testing.places import OURS, WEEK, PlaceCase
from tests.protocols.pulling.test_incomplete_pulls import NO_RIGHTS, wrap_rsync


class Trees(PlaceCase):
    """A store on a disk, and what a person with a shell can do to it."""

    dataset = "photos"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def tree(self, version: Version) -> Path:
        return self.store / "versions" / version.id

    def manifest(self, version: Version) -> dict[str, object]:
        loaded: dict[str, object] = json.loads((self.store / "manifests" / f"{version.id}.json").read_text())
        return loaded

    def rot(self, version: Version, path: str) -> None:
        """One bit of the file turns; no time of the file tells."""
        file = self.tree(version) / path
        status = file.stat()
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        with file.open("r+b") as there:
            there.write(data)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    def as_0_1_0_wrote(self, version: Version) -> None:
        """Take out of the store what version 0.1.0 did not write."""
        plain = self.manifest(version)
        kept = {key: plain[key] for key in ("format", "id", "time", "dataset", "files", "bytes")}
        (self.store / "manifests" / f"{version.id}.json").write_text(json.dumps(kept, indent=1) + "\n")
        shutil.rmtree(self.store / "hashes", ignore_errors=True)
        (self.store / "paradux-place.json").unlink(missing_ok=True)
        (self.store / "paradux-README.txt").unlink(missing_ok=True)
        (self.store / "README.txt").write_text("This directory is one destination of Paradux")


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    def make(who: Identity | None) -> Destination:
        assert PROTOCOL.destination
        settings = DiskSettings.model_validate({"url": made.store.as_uri()})
        return PROTOCOL.destination(settings, Context(made.dataset, "disk", identity=who))

    made = Trees(make, tmp_path)
    return made


def verify_fails(trees: Trees) -> str:
    with pytest.raises(ParaduxError) as failed:
        trees.make(OURS).verify(deep=True)
    assert failed.value.code == "damaged"
    return failed.value.message


# Checksums and healing


def test_a_person_can_check_the_checksums(trees: Trees) -> None:
    count = samples.write_sample(trees.staging)
    (trees.staging / "new").mkdir()
    for version in (trees.push("2026-01-01").version, trees.push("2026-01-02").version):
        sums = trees.store / "hashes" / f"{version.id}.sha256"
        assert len(checksums.parse(sums.read_bytes(), "sha256")) == count
        checked = subprocess.run(
            ["sha256sum", "--strict", "-c", sums], check=False, cwd=trees.tree(version), capture_output=True
        )
        assert checked.returncode == 0, checked.stderr
    assert sums.stat().st_mode & 0o077 == 0


def test_a_rotten_byte_is_named_not_linked_and_healed(trees: Trees) -> None:
    """Scenario 44, finding 17."""
    samples.write_files(trees.staging, 5, 5000)
    first, second = trees.push("2026-01-01").version, trees.push("2026-01-02").version
    trees.rot(first, "f02")
    assert trees.make(OURS).verify(deep=False).checked, "nobody looks at the contents"
    message = verify_fails(trees)
    assert "'f02'" in message and second.id in message
    with pytest.raises(ParaduxError, match="f02"):
        trees.make(OURS).verify(deep=False)
    third = trees.push("2026-01-03").version
    assert trees.restored(third) == samples.contents(trees.staging)
    inodes = [(trees.tree(version) / "f02").stat().st_ino for version in (first, second, third)]
    assert inodes[0] == inodes[1] != inodes[2]
    assert (trees.tree(second) / "f01").stat().st_ino == (trees.tree(third) / "f01").stat().st_ino
    for deep in (True, False):
        result = trees.make(OURS).verify(deep)
        assert result.damaged == (f"{first.id}: f02", f"{second.id}: f02")
        assert "older versions" in result.note
    fourth = trees.push("2026-01-04", keep=Keep(last=2)).version
    assert (trees.tree(fourth) / "f02").stat().st_ino == inodes[2], "what is whole is linked again"
    result = trees.make(OURS).verify(deep=True)
    assert (result.damaged, result.note) == ((), "")


def test_every_name_of_a_rotten_file_is_healed(trees: Trees) -> None:
    samples.write_files(trees.staging, 3, 5000)
    names = ("f01", "other", "n\new \\ line\r")
    for name in names[1:]:
        (trees.staging / name).hardlink_to(trees.staging / "f01")
    first = trees.push("2026-01-01").version
    trees.rot(first, "f01")
    for part in range(40):
        try:
            trees.make(OURS).verify_part(part, 40)
        except ParaduxError:
            break
    else:
        raise AssertionError("no part has found it")
    second = trees.push("2026-01-02").version
    assert trees.restored(second) == samples.contents(trees.staging)
    assert len({(trees.tree(second) / name).stat().st_ino for name in names}) == 1
    assert trees.make(OURS).verify(deep=True).damaged


def test_every_part_together_is_everything(trees: Trees) -> None:
    samples.write_files(trees.staging, 12, 100)
    version = trees.push("2026-01-01").version
    for number in range(12):
        trees.rot(version, f"f{number:02}")
        found = 0
        for part in range(3):
            with_damage = trees.make(OURS)
            try:
                with_damage.verify_part(part, 3)
            except ParaduxError:
                found += 1
        assert found >= 1
        trees.rot(version, f"f{number:02}")
        assert trees.make(OURS).verify(deep=True).damaged == ()


def test_more_rotten_files_than_can_be_named_are_all_written_anew(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paraduxd.protocols.trees.layout.MOST_NAMES", 2)
    samples.write_files(trees.staging, 6, 100)
    first = trees.push("2026-01-01").version
    for number in range(4):
        trees.rot(first, f"f{number:02}")
    assert "more than 2" in verify_fails(trees)
    second = trees.push("2026-01-02").version
    assert trees.restored(second) == samples.contents(trees.staging)
    assert trees.make(OURS).verify(deep=True).note


def test_a_file_that_is_gone_or_cannot_be_checked_against_anything_is_damage(trees: Trees) -> None:
    samples.write_files(trees.staging, 3, 100)
    first = trees.push("2026-01-01").version
    sums = trees.store / "hashes" / f"{first.id}.sha256"
    sums.write_bytes(sums.read_bytes().replace(b"a", b"b"))
    assert "list of its checksums" in verify_fails(trees)
    second = trees.push("2026-01-02").version
    assert first.id in trees.make(OURS).verify(deep=True).note
    assert (trees.tree(first) / "f01").stat().st_ino == (trees.tree(second) / "f01").stat().st_ino, "it was compared"


def test_an_endless_list_of_checksums_is_not_fetched(trees: Trees) -> None:
    samples.write_files(trees.staging, 3, 100)
    first = trees.push("2026-01-01").version
    with (trees.store / "hashes" / f"{first.id}.sha256").open("r+b") as file:
        file.truncate(1 << 40)
    assert "list of its checksums" in verify_fails(trees)
    trees.push("2026-01-02")


def test_an_empty_dataset_has_no_checksums_and_is_whole(trees: Trees) -> None:
    trees.staging.mkdir()
    trees.push("2026-01-01")
    assert trees.make(OURS).verify(deep=True).note == ""
    samples.write_files(trees.staging, 3, 100)
    trees.push("2026-01-02")
    assert trees.make(OURS).verify(deep=True).note == ""


def test_damage_that_cannot_be_read_as_a_record_stops_nothing(trees: Trees) -> None:
    samples.write_files(trees.staging, 3, 100)
    trees.push("2026-01-01")
    for junk in (b"", b"[" * 100_000, b'{"format": "paradux-rotten/1", "versions": {"x": [1]}}', b"\xff"):
        (trees.store / "manifests" / "rotten.json").write_bytes(junk)
        assert trees.make(OURS).verify(deep=True).damaged == ()
        assert trees.push("2026-01-02").version.number


@pytest.fixture
def bad_disk(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that turns a bit of what is written to `versions/*/f01`: an rsync that does so after its work."""
    folder = tmp_path_factory.mktemp("bin")
    real = run.find("rsync")
    script = folder / "rsync"
    script.write_text(
        f'#!/bin/sh\n{real} "$@"; code=$?\nfor last; do :; done\n'
        'case "$last" in */versions/*) [ -f "$last/f01" ] && printf X | dd of="$last/f01" conv=notrunc 2>/dev/null '
        '&& touch -r "$last/f00" "$last/f01";; esac\nexit $code\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(run, "PATH", f"{folder}:{run.PATH}")
    yield


def test_what_a_disk_did_not_keep_as_written_is_no_version(trees: Trees, bad_disk: None) -> None:
    samples.write_files(trees.staging, 2, 100)
    for path in trees.staging.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    wait_until_settled(trees.staging)
    with pytest.raises(ParaduxError, match="'f01'") as failed:
        trees.push("2026-01-01")
    assert failed.value.code == "unreliable-disk"
    assert trees.versions() == ()
    assert list((trees.store / "versions").iterdir()) == []


def wait_until_settled(folder: Path) -> None:
    """Until the file system's clock is a second past all changes in the folder."""
    changed = max(path.stat().st_ctime_ns for path in folder.iterdir())
    probe = folder.parent / "probe"
    while True:
        probe.write_text("")
        if probe.stat().st_ctime_ns > changed + 1_100_000_000:
            return


@pytest.mark.skipif(os.getuid() != 0, reason="rights are taken away from root here")
def test_what_cannot_be_read_is_missing_and_said(trees: Trees, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenario 52, of a source that is pushed in place."""
    samples.write_files(trees.staging, 3)
    first = trees.push("2026-01-01").version
    samples.write_files(trees.staging / "closed", 2)
    for name in ("f01", "closed"):
        (trees.staging / name).chmod(0)
    wrap_rsync(trees.folder / "bin", monkeypatch, NO_RIGHTS)
    result = trees.push("2026-01-02", unread=("f01",), unread_count=1)
    monkeypatch.undo()
    assert (result.version.missing, set(result.unread)) == (2, {"f01", "closed"})
    assert set(trees.restored(result.version)) == {"f00", "f01", "f02"}, "what did not change needs not be read"
    assert trees.versions() == (first, result.version)
    assert trees.versions()[-1].missing == 2
    for deep in (False, True):
        assert trees.make(OURS).verify(deep).note == ""
    trees.staging.chmod(0)
    wrap_rsync(trees.folder / "again", monkeypatch, NO_RIGHTS)
    with pytest.raises(ParaduxError) as failed:
        trees.push("2026-01-03")
    assert failed.value.code == "transfer-failed", "nothing at all is no version"
    trees.staging.chmod(0o700)


# Stores of version 0.1.0


def test_a_store_of_0_1_0_goes_on(trees: Trees) -> None:
    samples.write_files(trees.staging, 4, 5000)
    old = [trees.push(f"2026-01-0{day}").version for day in (1, 2)]
    for version in old:
        trees.as_0_1_0_wrote(version)
    assert [version.number for version in trees.versions()] == [None, None]
    new = trees.push("2026-01-03").version
    assert new.number == 1
    assert [version.id for version in trees.versions()] == [*(version.id for version in old), new.id]
    assert (trees.store / "README.txt").read_text() == "This directory is one destination of Paradux"
    assert (trees.tree(old[1]) / "f01").stat().st_ino == (trees.tree(new) / "f01").stat().st_ino
    assert trees.make(OURS).verify(deep=True).damaged == ()
    assert all(trees.manifest(version)["sums"] for version in (*old, new)), "now all of them have checksums"


def test_what_has_rotted_before_the_first_checksums_is_not_taken_over(trees: Trees) -> None:
    """Finding 17: the first deep look was the baseline."""
    samples.write_files(trees.staging, 4, 5000)
    old = trees.push("2026-01-01").version
    trees.as_0_1_0_wrote(old)
    trees.rot(old, "f02")
    new = trees.push("2026-01-02").version
    assert trees.restored(new) == samples.contents(trees.staging)


def test_an_old_version_is_judged_by_the_newer_one_that_shares_its_files(trees: Trees) -> None:
    samples.write_files(trees.staging, 4, 5000)
    old = trees.push("2026-01-01").version
    trees.as_0_1_0_wrote(old)
    new = trees.push("2026-01-02").version
    trees.rot(old, "f02")
    assert new.id in verify_fails(trees)
    trees.push("2026-01-03")
    assert trees.make(OURS).verify(deep=True).damaged == (f"{old.id}: f02", f"{new.id}: f02")


def test_what_0_1_0_remembered_of_a_version_still_counts(trees: Trees) -> None:
    samples.write_files(trees.staging, 4, 5000)
    old = trees.push("2026-01-01").version
    trees.as_0_1_0_wrote(old)
    (trees.store / "manifests" / f"{old.id}.contents").write_text("0" * 64 + "\n")
    assert "first deep verification" in verify_fails(trees)


@pytest.mark.parametrize("known", [True, False])
def test_a_renamed_dataset_goes_on_with_a_store_of_0_1_0(trees: Trees, known: bool) -> None:
    samples.write_files(trees.staging, 2)
    who = replace(OURS, place=legacy_uid("photos", "disk"))
    old = trees.push("2026-01-01", who).version
    trees.as_0_1_0_wrote(old)
    trees.dataset = "pictures"
    with pytest.raises(ParaduxError) as refused:
        trees.push("2026-01-02", OURS, known_versions=())
    assert refused.value.code == "other-dataset"
    new = trees.push("2026-01-02", OURS if known else who, known_versions=(old,) if known else ())
    assert [version.id for version in new.versions] == [old.id, new.version.id]
    trees.dataset = "photos again"
    next_one = trees.push("2026-01-03", OURS if known else who).version
    assert next_one.number == (new.version.number or 0) + 1, "the marker says whose it is"


def test_two_owners_and_one_folder_of_0_1_0(trees: Trees) -> None:
    """Scenario 40, finding 13: the first one takes it, the other one is refused and changes nothing."""
    samples.write_files(trees.staging, 2)
    old = trees.push("2026-01-01").version
    trees.as_0_1_0_wrote(old)
    other = replace(OURS, owner="e" * 32, instance="f" * 32)
    trees.push("2026-02-01", keep=Keep(last=5))
    with pytest.raises(ParaduxError) as refused:
        trees.push("2026-02-02", other, keep=Keep(last=1), known_versions=())
    assert refused.value.code == "other-owner"
    assert len(trees.versions()) == 2
    (trees.store / "paradux-place.json").unlink()
    with pytest.raises(ParaduxError) as refused:
        trees.push("2026-02-02", other, keep=Keep(last=1), known_versions=())
    assert refused.value.code == "other-owner", "the manifests say so as well"


# Places


def test_a_marker_that_is_gone_is_not_made_anew(trees: Trees) -> None:
    """Scenario 42: another disk is mounted there, or none."""
    samples.write_files(trees.staging, 2)
    marked = replace(OURS, marked=True)
    version = trees.push("2026-01-01").version
    trees.store.rename(trees.folder / "away")
    destination = trees.make(marked)
    attempts: tuple[Callable[[], object], ...] = (
        destination.versions,
        lambda: destination.push(trees.staging, PushRequest(Keep(), "2026-01-02T12:00:00Z")),
        lambda: destination.verify(deep=False),
        lambda: destination.restore(version, trees.folder, ()),
    )
    for prepare in (lambda: None, trees.store.mkdir):
        prepare()
        for attempt in attempts:
            with pytest.raises(TransientError) as refused:
                attempt()
            assert refused.value.code == "not-mounted"
    assert list(trees.store.iterdir()) == []


def test_a_replaced_machine_learns_it_before_the_new_one_has_pushed_all(trees: Trees) -> None:
    """Scenario 41: the marker is renewed before anything is sent."""
    samples.write_files(trees.staging, 2)
    trees.push("2026-01-01")
    shutil.rmtree(trees.staging)
    newer = replace(OURS, instance="9" * 32, generation=2)
    with pytest.raises(ParaduxError, match="staging"):
        trees.push("2026-01-02", newer)
    marker = json.loads((trees.store / "paradux-place.json").read_text())
    assert (marker["instance"], marker["generation"], marker["newest"]) == ("9" * 32, 2, 1)


def test_nothing_of_the_owners_is_overwritten(trees: Trees) -> None:
    """Finding 22."""
    trees.store.mkdir()
    theirs = {name: f"the owner's {name}" for name in ("README.txt", "current", "paradux-README.txt", ".current.new")}
    for name, text in theirs.items():
        (trees.store / name).write_text(text)
    samples.write_files(trees.staging, 2)
    for day in (1, 2):
        trees.push(f"2026-01-0{day}")
    assert {name: (trees.store / name).read_text() for name in theirs} == theirs


def test_a_link_of_the_owners_called_current_stays(trees: Trees) -> None:
    trees.store.mkdir()
    (trees.store / "current").symlink_to("/somewhere/else")
    samples.write_files(trees.staging, 2)
    trees.push("2026-01-01")
    assert (trees.store / "current").readlink() == Path("/somewhere/else")


def test_current_shows_what_was_made_last(trees: Trees) -> None:
    """Scenario 43, finding 16."""
    samples.write_files(trees.staging, 2)
    trees.push("2028-01-01")
    made = trees.push("2026-01-02").version
    assert (trees.store / "current").readlink() == Path(f"versions/{made.id}")


def test_something_in_place_of_the_marker_stops_it(trees: Trees) -> None:
    (trees.store / "paradux-place.json").mkdir(parents=True)
    samples.write_files(trees.staging, 2)
    with pytest.raises(ParaduxError):
        trees.push("2026-01-01")
    assert list(trees.store.glob("versions/*")) == []


def test_a_tree_whose_manifest_cannot_be_read_is_kept(trees: Trees) -> None:
    samples.write_files(trees.staging, 2)
    first = trees.push("2026-01-01").version
    (trees.store / "manifests" / f"{first.id}.json").write_bytes(b"\0" * 100)
    second = trees.push("2026-01-02", known_versions=()).version
    assert trees.tree(first).is_dir()
    assert trees.versions() == (second,)
    assert first.id in trees.make(OURS).verify(deep=False).note


@pytest.mark.parametrize("number", [-1, 1e999, 10**30, "3", True, [3]])
def test_a_number_that_is_none_makes_no_version(trees: Trees, number: object) -> None:
    samples.write_files(trees.staging, 2)
    first, second = trees.push("2026-01-01").version, trees.push("2026-01-02").version
    plain = {**trees.manifest(second), "number": number}
    (trees.store / "manifests" / f"{second.id}.json").write_text(json.dumps(plain))
    assert trees.versions() == (first,)


@pytest.mark.parametrize("field", ["files", "bytes"])
@pytest.mark.parametrize("number", [-1, 1e999, float("nan"), 1e300, 10**30, "3", True])
def test_a_count_that_is_none_makes_no_version(trees: Trees, field: str, number: object) -> None:
    _check_stops_nothing(trees, **{field: number})


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"]
)
def test_a_year_that_cannot_be_makes_no_version(trees: Trees, time: str) -> None:
    _check_stops_nothing(trees, time=time)


def _check_stops_nothing(trees: Trees, **changes: object) -> None:
    """With a manifest that was changed, the version is named as one that cannot be read, and the others stay usable."""
    samples.write_files(trees.staging, 2)
    first, second = trees.push("2026-01-01").version, trees.push("2026-01-02").version
    plain = {**trees.manifest(second), **changes}
    (trees.store / "manifests" / f"{second.id}.json").write_text(json.dumps(plain))
    assert trees.versions() == (first,)
    third = trees.push("2026-01-03", known_versions=()).version
    assert trees.versions() == (first, third) and trees.tree(second).is_dir()
    assert second.id in trees.make(OURS).verify(deep=False).note


def test_a_full_disk_says_until_when_its_versions_are_protected(tiny_disk: Path, tmp_path: Path) -> None:
    assert PROTOCOL.destination
    settings = DiskSettings.model_validate({"url": (tiny_disk / "store").as_uri()})
    place = PlaceCase(lambda who: PROTOCOL.destination(settings, Context("photos", "disk", identity=who)), tmp_path)  # type: ignore[misc]
    place.fill()
    first = place.push("2026-01-01").version
    samples.write_files(place.staging, 4, 1_000_000)
    with pytest.raises(TransientError, match="protected until 2026-01-08T12:00:00Z") as failed:
        place.push("2026-01-02", keep=Keep(last=1), grace=WEEK)
    assert failed.value.code == "disk-full" and "prune" in failed.value.hint
    assert place.versions() == (first,)
    with pytest.raises(TransientError) as failed:
        place.push("2026-01-02", keep=Keep(last=5), grace=WEEK)
    assert "protected" not in failed.value.message


def test_nothing_is_removed_when_the_newest_is_found_damaged(trees: Trees) -> None:
    samples.write_files(trees.staging, 2, 100)
    pushed = [trees.push(f"2026-01-0{day}").version for day in (1, 2)]
    trees.rot(pushed[1], "f01")
    with pytest.raises(ParaduxError, match="f01"):
        trees.make(OURS).prune(PushRequest(Keep(last=1), "2026-02-01T12:00:00Z", trees.versions()))
    assert trees.versions() == tuple(pushed)


def test_the_checksum_of_a_file_is_not_that_of_what_a_link_names(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic"):
        read_back.sha256_of(os.fsencode(tmp_path / "link"))
