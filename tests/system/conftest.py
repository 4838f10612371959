"""The guest for all tests of this folder: built once, frozen in three states, thawed for each test in a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import guest_image, house
from tests.system.guest import Guest
from tests.system.guest_image import CannotBuildError, Image
from tests.system.house import House

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a machine of its own, and time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def image() -> Image:
    """The guest's image; where none can be made the tests are skipped, each by its name and with the reason."""
    try:
        return guest_image.image(guest_image.own_suite())
    except CannotBuildError as problem:
        pytest.skip(f"NO SYSTEM TESTS ON THIS MACHINE: {problem}")


@pytest.fixture(scope="session")
def booted(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A guest that has just booted, without Paradux."""
    return house.frozen(image, "booted", None, tmp_path_factory.mktemp("boot"), Guest.boot)


@pytest.fixture(scope="session")
def installed(image: Image, booted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paradux runs and was never set up."""
    folder = tmp_path_factory.mktemp("install")
    return house.frozen(image, "installed", booted, folder, lambda guest: House(guest).install(folder))


@pytest.fixture(scope="session")
def settled(image: Image, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paradux is set up with five stewards, of whom nobody has a kit yet, and the vault is open."""

    def prepare(guest: Guest) -> None:
        home = House(guest)
        home.setup()
        home.owner("unlock")

    return house.frozen(image, "settled", installed, tmp_path_factory.mktemp("setup"), prepare)


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
