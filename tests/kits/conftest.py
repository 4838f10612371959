"""Kits made once; tests that change one work on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kits.kit_rig import Family, new_family, write_kit

STEWARDS = ("alice", "boeb", "carol", "dave", "erin")


@pytest.fixture(scope="session")
def family() -> Family:
    return new_family()


@pytest.fixture(scope="session")
def kits(family: Family) -> dict[str, dict[str, bytes]]:
    """Kit files by steward."""
    return {steward: family.kit(steward) for steward in STEWARDS}


@pytest.fixture(scope="session")
def _written(kits: dict[str, dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kits")
    for steward, files in kits.items():
        write_kit(files, root / steward)
    return root


@pytest.fixture
def stick(_written: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a steward's stick, to play with."""

    def copied(steward: str) -> Path:
        shutil.copytree(_written / steward, tmp_path / steward)
        return tmp_path / steward

    return copied
