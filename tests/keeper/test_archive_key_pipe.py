"""A private key goes from the keeper to one worker through a pipe, and lies nowhere."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import transport_files
from paraduxd.keeper import archive_key_pipe
from paraduxd.keeper.archive_key_pipe import offered

KEY = {"private_key": "-----BEGIN PGP PRIVATE KEY BLOCK-----\n" + "x" * 100_000, "passphrase": "5ec3e7"}


def test_one_reader_gets_the_key_and_nothing_is_left(tmp_path: Path) -> None:
    with offered({"friend": KEY, "bank": {"other": "key"}}, tmp_path) as handover:
        path = Path(handover.paths["friend"])
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert transport_files.receive(path) == KEY
        handover.wait(["friend"])
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_comes_too_late_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_key_pipe, "PATIENCE", 0.01)
    with offered({"friend": KEY}, tmp_path) as handover:
        handover.wait(["friend"])
    with pytest.raises(ParaduxError) as failed:
        transport_files.receive(Path(handover.paths["friend"]))
    assert failed.value.code == "locked"


def test_a_pipe_that_a_killed_keeper_left_gives_nothing_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_files, "_HANDOVER_SECONDS", 0.01)
    left = tmp_path / "handover-1-0123456789abcdef"
    os.mkfifo(left, 0o600)
    with pytest.raises(ParaduxError):
        transport_files.receive(left)
    with offered({"friend": KEY}, tmp_path):
        assert not left.exists()


def test_no_thread_stays_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with offered({"friend": KEY, "bank": KEY}, tmp_path):
        givers = set(threading.enumerate()) - before
        assert len(givers) == 2
    for thread in givers:
        thread.join(10)
        assert not thread.is_alive()
