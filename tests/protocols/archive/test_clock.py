"""Encrypted archives on a machine whose clock is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.effects.crypto import archive_crypto, gpg
from paraduxd.effects.process import run
from paraduxd.protocols.base import PushRequest
from paraduxd.protocols.disk import DiskBlobs
from tests.clocks import BEFORE, LATER, gpg_at
from tests.protocols.archive.rig import archive, new_keys

PHOTO = b"a picture"


def pushed(folder: Path) -> None:
    """One picture, pushed and restored."""
    new_keys()  # with the right clock
    (folder / "photos").mkdir()
    (folder / "photos/one.jpg").write_bytes(PHOTO)
    there = archive(DiskBlobs(folder / "store"), folder / "machine")
    there.push(folder / "photos", PushRequest(Keep(), "2026-11-23T10:00:00Z"))
    (folder / "back").mkdir()
    there.restore(there.versions()[-1], folder / "back", [])


@pytest.mark.parametrize("clock", [BEFORE, LATER])
def test_archives_are_made_and_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    new_keys()
    monkeypatch.setattr(run, "PATH", f"{gpg_at(clock, tmp_path / 'tools')}:{run.PATH}")
    pushed(tmp_path)
    assert (tmp_path / "back/one.jpg").read_bytes() == PHOTO


def test_where_gpg_refuses_a_clock_the_clock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_keys()
    now = gpg.time.time()
    monkeypatch.setattr(gpg.time, "time", lambda: now - 2 * 365 * 86400)
    monkeypatch.setattr(archive_crypto, "_COMMON", archive_crypto._COMMON[: -len(gpg.ANY_CLOCK)])
    monkeypatch.setattr(run, "PATH", f"{gpg_at(BEFORE, tmp_path / 'tools')}:{run.PATH}")
    with pytest.raises(ParaduxError, match="this machine's clock is earlier than the key's creation"):
        pushed(tmp_path)
