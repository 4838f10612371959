"""One real Paradux for all slow tests of this folder: they leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drill.drill_rig import prepare
from tests.integration import sshd
from tests.rig import Installation, running


@pytest.fixture(scope="session")
def paradux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Set up, with everything pushed once."""
    folder = tmp_path_factory.mktemp("drill")
    (folder / "sshd").mkdir()
    with sshd.running(folder / "sshd") as server, running(folder / "paradux", own_workers=True) as installation:
        prepare(installation, server)
        yield installation


@pytest.fixture(scope="session")
def kits(paradux: Installation) -> tuple[Path, Path]:
    """The kits of Alice and Bob, enough for a recovery."""
    for steward in ("alice", "bob"):
        paradux.owner("create-steward-device", steward, "--directory", str(paradux.root / steward))
    return paradux.root / "alice", paradux.root / "bob"
