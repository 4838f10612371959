"""The guest for all tests of this folder: built once, frozen in three states, thawed for each test in a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import states
from tests.system.guest import Guest
from tests.system.guest_image import CannotBuildError, Image
from tests.system.house import House

HERE = Path(__file__).parent


_LONGEST = ("test_units", "test_disaster", "test_vault", "test_stick_trouble", "test_power", "test_clock")
"""These modules begin first, so that at the end no machine is long at work alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a machine of its own, and time."""
    names = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: names.get(item.path.stem, len(names)))
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def image() -> Image:
    """The guest's image; where none can be made the tests are skipped, each by its name and with the reason."""
    try:
        return states.image()
    except CannotBuildError as problem:
        pytest.skip(f"NO SYSTEM TESTS ON THIS MACHINE: {problem}")


@pytest.fixture(scope="session")
def booted(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A guest that has just booted, without Paradux."""
    return states.booted(image, tmp_path_factory.mktemp("booted"))


@pytest.fixture(scope="session")
def installed(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paradux runs and was never set up."""
    return states.installed(image, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session")
def settled(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paradux is set up with five stewards, of whom nobody has a kit yet; the first backup is done, and the vault is open."""
    return states.settled(image, tmp_path_factory.mktemp("settled"))


@pytest.fixture
def blank(image: Image, installed: Path, tmp_path: Path) -> Iterator[House]:
    """A house whose Paradux was never set up."""
    with Guest.thaw(image, installed, tmp_path / "guest") as guest:
        yield House(guest)


@pytest.fixture
def home(image: Image, settled: Path, tmp_path: Path) -> Iterator[House]:
    """A house that is set up."""
    with Guest.thaw(image, settled, tmp_path / "guest") as guest:
        yield House(guest)
