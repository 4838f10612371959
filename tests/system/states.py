"""The guests that scenarios begin with, frozen in a cache: booted, with Paradux installed, and set up.

`python -m tests.system.states` makes those that are missing, beside other work.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from tests.system import guest_image, house
from tests.system.guest import Guest
from tests.system.guest_image import CannotBuildError, Image
from tests.system.house import House

_GOOD_FOR = 12 * 3600.0
"""Seconds: less than a day, after which the next backup would come due in each guest, and the vault be locked."""


def image(*more: str) -> Image:
    """The guest's image, with more packages; raises `CannotBuildError`."""
    return guest_image.image(guest_image.own_suite(), more)


def booted(image: Image, folder: Path) -> Path:
    """A guest that has just booted, without Paradux."""
    return house.frozen(image, "booted", None, folder / "boot", Guest.boot)


def installed(image: Image, folder: Path) -> Path:
    """Paradux runs and was never set up."""
    work = folder / "install"
    return house.frozen(image, "installed", booted(image, folder), work, lambda guest: House(guest).install(work))


def settled(image: Image, folder: Path) -> Path:
    """Paradux is set up with five stewards, of whom nobody has a kit yet; the first backup is done, and the vault is open."""

    def prepare(guest: Guest) -> None:
        home = House(guest)
        home.setup()
        home.ctl("backup")
        home.owner("unlock")
        home.wait_until_idle()

    return house.frozen(image, "settled", installed(image, folder), folder / "setup", prepare, good_for=_GOOD_FOR)


if __name__ == "__main__":
    with contextlib.suppress(CannotBuildError), tempfile.TemporaryDirectory(prefix="guest-") as name:
        settled(image(), Path(name))
