"""A folder of hooks, and something to pull."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.api import dropins
from paraduxd.effects.installation import hook_programs
from tests.worker.hook_rig import Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    path = tmp_path / "hooks.d"
    path.mkdir(mode=0o755)
    monkeypatch.setattr(dropins, "TOP", tmp_path)
    monkeypatch.setattr(hook_programs, "FOLDER", path)
    return Folder(path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.mkdir()
    (path / "letter").write_text("dear")
    return path
