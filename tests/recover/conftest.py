"""One family for all tests of this folder, and a blank machine for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import sshd
from tests.recover.recover_rig import Family, make_family
from tests.rig import Installation, running


@pytest.fixture(scope="session")
def friend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Server]:
    """The friend's SSH server."""
    with sshd.running(tmp_path_factory.mktemp("friend")) as server:
        yield server


@pytest.fixture(scope="session")
def whole_family(tmp_path_factory: pytest.TempPathFactory, friend: sshd.Server) -> Family:
    """Made once."""
    return make_family(tmp_path_factory.mktemp("family"), friend)


@pytest.fixture
def family(whole_family: Family) -> Family:
    """With every place as it was before the disaster."""
    whole_family.reset()
    return whole_family


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[Installation]:
    """A machine on which Paradux runs and knows nothing."""
    with running(tmp_path / "blank") as machine:
        yield machine
