"""Archives at every kind of stash whose objects were damaged, or exchanged for older ones: a restore notices, and gives nothing wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.testing import samples
from tests.failures.stashes import STASHES
from tests.protocols.archive.rig import archive, case_on

SPOILED: dict[str, Callable[[bytes, bytes], bytes]] = {
    "one bit": lambda whole, _: (
        whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
    ),
    "its end is missing": lambda whole, _: whole[: len(whole) * 2 // 3],
    "empty": lambda *_: b"",
    "another version's": lambda _, other: other,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STASHES)
def test_damaged_and_older_objects_are_noticed(name: str, tmp_path: Path) -> None:
    with STASHES[name](tmp_path / "stash") as stash:
        case = case_on(stash.store, tmp_path / "scratch")
        samples.write_files(case.staging, 6, 400_000)
        first = case.push().version
        samples.write_files(case.staging, 6, 300_000)
        second = case.push().version
        kept = tmp_path / "kept"
        shutil.copytree(stash.folder, kept)
        volume = sorted(kept.glob(f"{second.id}.0*.gpg"))[0]
        older_volume = sorted(kept.glob(f"{first.id}.0*.gpg"))[0]
        (manifest,) = [path for path in kept.glob(f"{second.id}*") if "manifest" in path.name]
        (older_manifest,) = [path for path in kept.glob(f"{first.id}*") if "manifest" in path.name]
        for victim, older in ((volume, older_volume), (manifest, older_manifest)):
            for how, spoil in SPOILED.items():
                (stash.folder / victim.name).write_bytes(spoil(victim.read_bytes(), older.read_bytes()))
                blank = tmp_path / f"blank {victim.name} {how}"
                refused(lambda at: archive(stash.store(), at).restore(second, out(tmp_path), ()), blank, tmp_path)
            (stash.folder / victim.name).write_bytes(victim.read_bytes())
        (stash.folder / volume.name).unlink()
        refused(lambda at: archive(stash.store(), at).restore(second, out(tmp_path), ()), case.folder, tmp_path)
        (stash.folder / volume.name).write_bytes(volume.read_bytes())
        assert case.restore(second)[1].files == 6


def out(tmp_path: Path) -> Path:
    (folder := tmp_path / "out").mkdir(exist_ok=True)
    return folder


def refused(restore: Callable[[Path], object], at: Path, tmp_path: Path) -> None:
    """`at`: where the machine that restores remembers things; a blank one knows nothing of the stash."""
    with pytest.raises(ParaduxError) as failed:
        restore(at)
    assert failed.value.code in {"damaged", "not-found"}, failed.value
    assert "\n" not in failed.value.message
    assert not any(out(tmp_path).iterdir())
