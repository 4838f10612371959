"""Rehearsals as root below directories that others can change: refused, and what is removed is never somebody else's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import scratch
from tests.hostile.exchanging import MALLORY, House, as_mallory, house

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root, and somebody who is not")


@pytest.fixture
def home() -> Iterator[House]:
    with house() as home:
        yield home


def test_a_place_of_somebody_else_is_refused(home: House) -> None:
    as_mallory("mkdir", str(home.theirs / "inner"))
    as_mallory("ln", "-s", str(home.victim), str(home.commons / "link"))
    (home.root / "open").mkdir()
    (home.root / "open").chmod(0o777)
    for base in (home.theirs, home.theirs / "inner", home.commons / "link", home.root / "open"):
        with pytest.raises(ParaduxError) as refused, scratch.directory(base, "mark"):
            pytest.fail("it was made")
        assert refused.value.code == "bad-scratch" and "/tmp" in refused.value.hint
    assert home.unharmed()


def test_in_a_directory_like_tmp_nobody_else_can_exchange_or_enter_it(home: House) -> None:
    with scratch.directory(home.commons, "mark") as folder:
        for command in (["mv", folder, home.commons / "taken"], ["ls", folder], ["rmdir", folder]):
            with pytest.raises(subprocess.CalledProcessError):
                as_mallory(*map(str, command))
        (folder / "tree").mkdir()
        (folder / "tree" / "link").symlink_to(home.victim)
        os.chown(folder / "tree", MALLORY, MALLORY)
        (folder / "tree").chmod(0)
    assert not folder.exists() and home.unharmed()


def test_what_is_exchanged_while_it_is_removed_harms_nobody(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base has passed into other hands meanwhile; each directory is exchanged for a link just before it is opened."""
    real = os.open

    def exchanged(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None and path in {"locked", folder.name} and flags & os.O_PATH:
            os.rename(path, "taken", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            os.symlink(home.victim, path, dir_fd=dir_fd)
        return real(path, flags, mode, dir_fd=dir_fd)

    (base := home.root / "base").mkdir()
    with scratch.directory(base, "mark") as folder:
        (folder / "locked").mkdir(mode=0o500)
        monkeypatch.setattr(os, "open", exchanged)
    monkeypatch.undo()
    assert home.unharmed() and (base / "taken" / "locked").exists()
    (left := base / f"{folder.name}").unlink()
    (base / "taken").rename(left)
    monkeypatch.setattr(os, "open", exchanged)
    scratch.sweep(base, "mark", also_living=True)
    assert home.unharmed()


def test_sweeping_passes_over_what_others_called_like_ours(home: House) -> None:
    name = f"paradux-drill-0-mark-{2**22 + 1}-x"
    as_mallory("ln", "-s", str(home.victim), str(home.commons / name))
    as_mallory("mkdir", str(home.commons / f"{name}y"))
    scratch.sweep(home.commons, "mark", also_living=True)
    assert home.unharmed() and (home.commons / f"{name}y").is_dir()
