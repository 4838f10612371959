"""Whatever happens to the objects at the place: a restore fails before anything is in its place, and verify names what is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.crypto import archive_crypto
from paraduxd.protocols.archive import chain
from paraduxd.protocols.base import TransientError, Version
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from tests.protocols.archive.rig import archive, disk_case, new_keys


@pytest.fixture
def case(tmp_path: Path) -> DestinationCase:
    """A full run of three volumes, and an increment."""
    made = disk_case(tmp_path)
    samples.write_files(made.staging, 9, 300_000)
    made.push()
    (made.staging / "more").write_bytes(b"more")
    made.push()
    return made


def store(case: DestinationCase) -> Path:
    return case.folder.parent / "store"


def objects(case: DestinationCase, pattern: str) -> list[Path]:
    return sorted(store(case).glob(pattern))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def exchange(path: Path) -> None:
    """Another volume of the same run, of the same size, in its place."""
    other = path.with_name(path.name.replace(".00001.", ".00002."))
    shutil.copy(other, path)


def forget_all(case: DestinationCase) -> None:
    """A new machine."""
    for name in ("index", "cache"):
        shutil.rmtree(case.folder / name, ignore_errors=True)


DAMAGES: list[tuple[str, Callable[[Path], None]]] = [
    ("000001-*.00001.gpg", flip),
    ("000001-*.00001.gpg", truncate),
    ("000001-*.00001.gpg", exchange),
    ("000001-*.00002.gpg", lengthen),
    ("000001-*.00003.gpg", Path.unlink),
    ("000002-*.00001.gpg", flip),
    ("000002-*.00001.gpg", Path.unlink),
    ("000001-*.manifest", flip),
    ("000001-*.manifest", Path.unlink),
]


@pytest.mark.parametrize(("pattern", "damage"), DAMAGES, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("new_machine", [False, True])
def test_damage_is_found_before_anything_is_in_its_place(
    case: DestinationCase, pattern: str, damage: Callable[[Path], None], new_machine: bool
) -> None:
    version = case.destination().versions()[-1]
    (path,) = objects(case, pattern)
    damage(path)
    if new_machine:
        forget_all(case)
    with pytest.raises(ParaduxError) as found:
        case.destination().verify(deep=True)
    assert found.value.code == "damaged"
    assert path.name in found.value.message
    if damage is flip and path.suffix == ".manifest" and not new_machine:
        return  # this machine remembers what it has sent
    with pytest.raises(ParaduxError) as failed:
        case.restore(version)
    assert failed.value.code == "damaged"
    assert list((case.folder / "restored").iterdir()) == []


def test_the_next_push_after_damage_is_a_full_run(case: DestinationCase) -> None:
    (path,) = objects(case, "000001-*.00002.gpg")
    path.unlink()
    result = case.push()
    assert result.added_bytes > 2_000_000
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_a_newest_manifest_that_is_damaged_leaves_the_versions_before_it(case: DestinationCase) -> None:
    first, second = case.destination().versions()
    (path,) = objects(case, "000002-*.manifest")
    truncate(path)
    forget_all(case)
    assert case.destination().versions() == (first,)
    with pytest.raises(ParaduxError, match=second.id):
        case.destination().verify(deep=False)
    (store(case) / path.name).unlink()
    assert case.destination().verify(deep=True).checked


def test_a_manifest_that_the_place_made_itself_is_refused(case: DestinationCase) -> None:
    (path,) = objects(case, "000002-*.manifest")
    line, _, _ = path.read_bytes().partition(b"\n")
    forged = line.replace(b'"listed":true', b'"listed":null', 1) + b"\n"
    path.write_bytes(forged + archive_crypto.sign(forged, new_keys("mallory").signing_key) + b"\n")
    forget_all(case)
    assert [version.id[:6] for version in case.destination().versions()] == ["000001"]


def test_an_older_state_than_the_one_that_was_sent_is_noticed(
    case: DestinationCase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(store(case), tmp_path / "older")
    held_back = case.push().version
    assert "older state" not in caplog.text
    shutil.rmtree(store(case))
    (tmp_path / "older").rename(store(case))
    with pytest.raises(ParaduxError, match="older state"):
        case.destination().verify(deep=False)
    request = replace(case.request(), known_versions=(*case.destination().versions(), held_back))
    result = case.destination().push(case.staging, request)
    assert f"older state is there than the one that was sent: {held_back.id} missing" in caplog.text
    assert chain.serial_of(result.version.id) == 4, "no number is used twice"
    assert case.destination().verify(deep=True).checked
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_an_emptied_place_is_not_begun_anew(case: DestinationCase) -> None:
    known = case.destination().versions()
    shutil.rmtree(store(case))
    request = replace(case.request(), known_versions=known)
    with pytest.raises(TransientError) as failed:
        case.destination().push(case.staging, request)
    assert failed.value.code == "not-mounted"
    assert not store(case).exists()


def test_archives_of_another_destination_are_not_mixed_up(case: DestinationCase, tmp_path: Path) -> None:
    other = archive(DiskBlobs(store(case)), tmp_path / "other", keys=new_keys("other"))
    with pytest.raises(ParaduxError) as failed:
        other.push(case.staging, case.request())
    assert failed.value.code == "other-dataset"
    assert len(case.destination().versions()) == 2


def test_another_private_key_opens_nothing(case: DestinationCase, tmp_path: Path) -> None:
    keys = replace(new_keys(), private=new_keys("other").private)
    stranger = archive(DiskBlobs(store(case)), tmp_path / "other", keys=keys)
    (tmp_path / "out").mkdir()
    with pytest.raises(ParaduxError) as failed:
        stranger.restore(stranger.versions()[0], tmp_path / "out", ())
    assert failed.value.code == "cannot-decrypt"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_version_that_is_not_there(case: DestinationCase) -> None:
    with pytest.raises(ParaduxError) as failed:
        case.restore(Version("000009-2026-01-01T12-00-00Z", "2026-01-01T12:00:00Z"))
    assert failed.value.code == "not-found"


def rot(path: Path) -> bytes:
    """One bit, so that the size stays; gives what was there."""
    content = path.read_bytes()
    flip(path)
    return content


@pytest.mark.parametrize("part", [None, 4])
def test_a_byte_that_rots_is_healed_by_the_push_that_is_advised(case: DestinationCase, part: int | None) -> None:
    """The next push was one more increment on the damaged run, so that no version made afterwards could be restored."""
    (path,) = objects(case, "000001-*.00002.gpg")
    rot(path)
    with pytest.raises(ParaduxError, match=path.name) as found:
        if part is None:
            case.destination().verify(deep=True)
        else:
            case.destination().verify_part(chain.part_of(path.name, part), part)
    assert "push again" in found.value.hint
    result = case.push()
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
    again = case.destination().verify(deep=True)
    assert [path.name in told for told in again.damaged] == [True]
    assert "the newest version is whole, but 2 older ones" in again.note


def test_a_push_after_a_rehearsal_that_found_damage_builds_on_nothing(case: DestinationCase) -> None:
    """A rehearsal changes nothing on this machine: that something is wrong comes with the next order."""
    (path,) = objects(case, "000001-*.00002.gpg")
    rot(path)
    result = case.destination().push(case.staging, replace(case.request(), suspect=True))
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_a_version_that_is_damaged_and_not_the_newest_is_told(case: DestinationCase) -> None:
    forget_all(case)
    case.push()
    (path,) = objects(case, "000002-*.00001.gpg")
    rot(path)
    found = case.destination().verify(deep=True)
    assert [told.partition(":")[0] for told in found.damaged] == [path.name.partition(".")[0]]
    assert "1 older ones" in found.note
