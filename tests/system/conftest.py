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


_LONGEST = (
    "test_a_known_kit_is_checked_while_locked_and_refreshed_while_unlocked",
    "test_a_stick_pulled_out_while_it_is_written_is_void_or_whole",
    "test_after_a_power_cut_everything_opens_and_nothing_is_lost",
    "test_three_sticks_and_a_friend_give_everything_back",
    "test_restic_ssh_and_gpg_work_in_the_units_of_transfers",
    "test_five_sticks_one_after_the_other_give_the_config_back_on_another_machine",
    "test_a_push_that_a_reboot_ends_is_done_again_after_it",
    "test_contrib_install_from_a_checkout",
    "test_the_clock_jumps_by_a_year_and_back",
    "test_no_command_leaves_anything_mapped_or_mounted",
    "test_an_upgrade_keeps_state_and_schedules_and_removal_keeps_the_data",
    "test_a_killed_keeper_leaves_nothing_mapped",
)
"""These begin first, so that at the end no machine is long at work alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a machine of its own, and time."""
    names = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: names.get(item.name.partition("[")[0], len(names)))
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
