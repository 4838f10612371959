"""A vault to play with, made once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from paraduxd.effects.vault.vault import LockedVault
from tests.effects.vault.rig import DOCUMENT, PASSPHRASE, RECOVERY, locked


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault file that tests copy and never change."""
    made = locked(tmp_path_factory.mktemp("template"))
    made.create(DOCUMENT, PASSPHRASE, RECOVERY)
    return made.path


@pytest.fixture
def vault(template: Path, tmp_path: Path) -> LockedVault:
    """A vault of this test's own, alone in `tmp_path`."""
    shutil.copy(template, tmp_path / "vault.luks")
    return locked(tmp_path)
