"""Two kits of one steward, made once: the one on the stick, and the one that is to take its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kits.kit_rig import Family, new_family, published_family
from tests.sticks.stick_folder import Folder


@pytest.fixture(scope="session")
def family() -> Family:
    return new_family()


@pytest.fixture(scope="session")
def earlier(family: Family) -> dict[str, bytes]:
    """Alice's kit with the config of serial 7."""
    return family.kit("alice")


@pytest.fixture(scope="session")
def later(family: Family) -> dict[str, bytes]:
    """Alice's kit with the config of serial 8: the same share."""
    return published_family({**family.document, "serial": 8}).kit("alice")


@pytest.fixture
def stick(family: Family, tmp_path: Path) -> Folder:
    """An empty folder that stands for a stick."""
    (tmp_path / "stick").mkdir()
    return Folder(tmp_path / "stick", family)
