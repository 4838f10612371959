"""The protocol `restic` passes the shipped suite on real local repositories, and tells its failures apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from paraduxd.core.orders import Progress
from paraduxd.protocols.base import Context, Destination
from paraduxd.protocols.restic import PROTOCOL, ResticSettings
from paraduxd.testing.destinations import DestinationCase, DestinationSuite

SECRET = "canary-c0ffee-restic-password"


def destination(root: Path, progress: Callable[[Progress], None] = lambda _: None, **credentials: str) -> Destination:
    settings = ResticSettings.model_validate({"repository": str(root), "credentials": credentials})
    assert PROTOCOL.destination
    return PROTOCOL.destination(settings, Context("photos", "cloud", progress, secret=SECRET))


def destination_case(root: Path, folder: Path) -> DestinationCase:
    folder.mkdir(exist_ok=True)
    return DestinationCase(lambda progress: destination(root, progress), folder)


@pytest.fixture
def case(tmp_path: Path) -> DestinationCase:
    return destination_case(tmp_path / "repository", tmp_path / "scratch")


@pytest.mark.slow
class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, tmp_path: Path) -> DestinationCase:
        return destination_case(tmp_path / "new" / "re $(touch x)\"'*:[a]", tmp_path / "scratch")
