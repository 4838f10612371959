"""The power is cut: while a config is saved, while data is pushed, while the secret is rotated. Nothing that was confirmed is lost.

One cut every other day, of another work and at another moment; five with `contrib/test --all`, and with PARADUX_POWER_CUTS=50 as many as
one has patience for (one to two minutes each; -rP tells when each came).
"""

from __future__ import annotations

import datetime
import json
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.system.guest import Guest
from tests.system.guest_image import Image
from tests.system.house import NAMES, STATE, House
from tests.system.turns import POWER, marks
from tests.width import today

WORK = ("save", "push", "rotation", "save", "push")
ASKED = int(os.environ.get("PARADUX_POWER_CUTS", "0"))
CUTS = list(range(ASKED)) if ASKED else today(range(len(WORK)), 1)
SEED = datetime.datetime.now(datetime.UTC).toordinal()
_OWNER = "paraductl --passphrase-file /root/passphrase"
COMMANDS = {
    "save": f"{_OWNER} edit --file /root/after.json",
    "push": "paraductl backup home",
    "rotation": f"{_OWNER} rotate && {_OWNER} create-steward-device --all --directory /root/new",
}
_JOURNAL = f"""\
import sqlite3
print(*sqlite3.connect("{STATE}/journal.sqlite").execute("pragma integrity_check").fetchone())
"""


@dataclass(frozen=True)
class Before:
    """A house in which everything is done but the work that is cut; its config, and how many seconds the work takes if it is not cut."""

    frozen: Path
    config: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def before(
    image: Image, installed: Path, settled: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Before]:
    """Makes the house for a kind of work, once."""

    @cache
    def made(kind: str) -> Before:
        folder = tmp_path_factory.mktemp(kind)
        with Guest.thaw(image, installed if kind == "rotation" else settled, folder / "guest") as guest:
            config = prepare(House(guest), kind)
            guest.freeze(folder / "frozen")
        with Guest.thaw(image, folder / "frozen", folder / "whole") as guest:
            began = time.monotonic()
            guest.run(COMMANDS[kind], timeout=400)
            return Before(folder / "frozen", config, time.monotonic() - began)

    return made


def prepare(home: House, kind: str) -> dict[str, Any]:
    """What is there before the work that is cut; gives the config."""
    if kind == "rotation":
        home.setup(two_stewards(home))
        home.owner("unlock")
        home.ctl("backup", "home")
    if kind == "save":
        home.edit(inventory=[{"name": "before"}])
        text = json.dumps({**home.config(), "inventory": [{"name": "after"}]})
        home.guest.put("/root/after.json", text.encode(), 0o600)
    if kind == "push":
        home.guest.run("for n in $(seq 30); do head -c 300000 /dev/urandom >/srv/source/more-$n; done; sync")
    if kind == "rotation":
        home.owner("create-steward-device", "--directory", "/root/kits", *NAMES[:2])
    return home.config()


def two_stewards(home: House) -> dict[str, Any]:
    """The usual answers, but with as few kits as there can be."""
    answers = home.answers()
    return {**answers, "policy": {**answers["policy"], "shares_required": 2}, "stewards": answers["stewards"][:2]}


@pytest.mark.parametrize("number", [pytest.param(number, marks=marks(POWER)) for number in CUTS])
def test_after_a_power_cut_everything_opens_and_nothing_is_lost(
    image: Image, before: Callable[[str], Before], tmp_path: Path, number: int
) -> None:
    kind = WORK[number % len(WORK)]
    house = before(kind)
    delay = random.Random(f"cut {number} {SEED}").uniform(0.05, 1.1) * house.seconds
    with Guest.thaw(image, house.frozen, tmp_path / "guest") as guest:
        home = House(guest)
        guest.run(f"{{ {COMMANDS[kind]}; echo $? >/root/ended; }} >/root/said 2>&1 </dev/null &")
        time.sleep(delay)
        confirmed = guest.run("cat /root/ended", check=False).out.strip() == "0"
        guest.power_cut()
        print(
            f"cut {number} of day {SEED}: {kind}, {delay:.1f} s after its begin, {'confirmed' if confirmed else 'under way'}"
        )

        guest.boot()
        home.wait_until_up()
        assert guest.run("python3 -", stdin=_JOURNAL.encode()).out.strip() == "ok"
        nothing_is_lost(home, kind, house.config, confirmed)
        if kind == "push":
            data_is_whole(home)
        else:
            life_goes_on(home, kind)
    shutil.rmtree(tmp_path)


def nothing_is_lost(home: House, kind: str, old: dict[str, Any], confirmed: bool) -> None:
    """The vault opens and has either the state before the work or the one after it; the latter if that was confirmed."""
    new = home.config()
    if kind == "save":
        assert new["inventory"] == [{"name": "after"}] or (new["inventory"] == old["inventory"] and not confirmed)
    elif kind == "rotation":
        assert new["managed"]["recovery"]["epoch"] in range(2 if confirmed else 1, 3)
    assert new["datasets"] == old["datasets"]
    (dataset,) = home.status()["datasets"]
    assert dataset["destinations"][0]["versions"] >= 1 + (confirmed and kind == "push")


def data_is_whole(home: House) -> None:
    """The next push brings everything to the destination, whatever the cut has left there."""
    home.ctl("backup", "home")
    home.owner("restore", "home", "--to", "/root/back", "--from", "mirror")
    home.guest.run("diff -r /srv/source /root/back")


def life_goes_on(home: House, kind: str) -> None:
    """The config can be changed, and a rotation that was under way, or had not begun, be brought to its end."""
    home.owner("unlock")
    home.edit(inventory=[{"name": "life goes on"}])
    config = home.config()
    assert config["inventory"] == [{"name": "life goes on"}]
    if kind == "rotation" and config["managed"]["recovery"]["epoch"] == 1:
        home.owner("rotate")
        home.owner("create-steward-device", "--all", "--directory", "/root/again")
        assert home.config()["managed"]["recovery"]["epoch"] == 2
