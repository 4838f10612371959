"""Real servers on loopback, started once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration import sshd as real


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real.Server]:
    """An OpenSSH server of the current user."""
    with real.running(tmp_path_factory.mktemp("sshd")) as server:
        yield server
