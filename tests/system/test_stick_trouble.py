"""Sticks that come again, that are pulled out too early, and that must not be written to."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system import usb_sticks
from tests.system.guest import Guest
from tests.system.guest_image import Image
from tests.system.house import WORKERS, House, written
from tests.system.turns import HANDS, marks

_QUICK = (0.3,)
PULLED_AT = [
    pytest.param(share / 10, marks=marks(HANDS) if share / 10 in _QUICK else pytest.mark.slow) for share in range(11)
]
"""How much of what is written to a stick for a kit is there when it is pulled out; 0: nothing, 1: all, and it is being read back."""

SEEN = "was plugged in"
SERIAL = "STICK-alice"


@dataclass(frozen=True)
class Frozen:
    """Two states of a house: it waits for Alice's stick (`armed`), and `stick` has her kit and is pulled out again (`written`).

    `bytes`: how many were written to the stick for that.
    """

    armed: Path
    written: Path
    stick: Path
    bytes: int


@pytest.fixture(scope="module")
def frozen(image: Image, settled: Path, tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    """Made once: `contrib/test` lets the tests of a file run one after another."""
    folder = tmp_path_factory.mktemp("armed")
    armed, done, stick = folder / "armed", folder / "written", usb_sticks.blank(folder / "stick.img")
    with Guest.thaw(image, settled, folder / "first") as guest:
        House(guest).open("create-steward-device", "--no-wait", "alice")
        guest.freeze(armed)
    with Guest.thaw(image, armed, folder / "second") as guest:
        guest.plug(stick, SERIAL)
        House(guest).wait_for_log(written("alice"))
        size = guest.written(SERIAL)
        guest.unplug(SERIAL)
        guest.freeze(done)
    return Frozen(armed, done, stick, size)


@pytest.fixture
def kit_written(image: Image, frozen: Frozen, tmp_path: Path) -> Iterator[House]:
    """A house that has written Alice's kit."""
    with Guest.thaw(image, frozen.written, tmp_path / "guest") as guest:
        yield House(guest)


def test_a_known_kit_is_checked_while_locked_and_refreshed_while_unlocked(
    kit_written: House, frozen: Frozen, tmp_path: Path
) -> None:
    home, stick = kit_written, Path(shutil.copy(frozen.stick, tmp_path / "stick.img"))
    share = usb_sticks.read(stick, "PARADUX/share.txt")
    home.edit(inventory=[{"name": "a new account"}])
    home.ctl("lock")
    first, content = home.steward("alice"), stick.read_bytes()

    home.guest.plug(stick, SERIAL)
    home.wait_for_steward("alice", lambda known: known["last_seen"] not in (None, first["last_seen"]))
    home.guest.unplug(SERIAL)
    locked = home.steward("alice")
    assert (locked["problems"], locked["serial"]) == ([], first["serial"])
    assert stick.read_bytes() == content, "checking changes nothing, not even a time"

    home.owner("unlock")
    home.guest.plug(stick, SERIAL)
    home.wait_for_steward("alice", lambda known: bool(known["serial"] != first["serial"]))
    home.guest.wait_for(f"! {WORKERS}", "the worker to end")
    home.guest.unplug(SERIAL)
    fresh = home.steward("alice")
    assert (fresh["serial"] > first["serial"], fresh["current"]) == (True, True)
    assert json.loads(usb_sticks.read(stick, "PARADUX/kit.json"))["serial"] == fresh["serial"]
    assert usb_sticks.read(stick, "PARADUX/share.txt") == share


@pytest.mark.parametrize("share", PULLED_AT)
def test_a_stick_pulled_out_while_it_is_written_is_void_or_whole(
    image: Image, frozen: Frozen, tmp_path: Path, share: float
) -> None:
    stick = usb_sticks.blank(tmp_path / "stick.img")
    with Guest.thaw(image, frozen.armed, tmp_path / "guest") as guest:
        home = House(guest)
        before = home.traces()
        guest.plug(stick, "PULLED")
        home.wait_for_log(SEEN)
        deadline = time.monotonic() + 300
        while (done := guest.written("PULLED")) < share * frozen.bytes:
            assert time.monotonic() < deadline, guest.run("journalctl -u paraduxd -o cat -n 30").out
            time.sleep(0.01)
        guest.unplug("PULLED")
        guest.wait_for(f"! {WORKERS}", "the worker to end")
        known = home.steward("alice")
        print(f"pulled out after {done} of {frozen.bytes} bytes: {known}")
        assert not known["current"] or whole(stick), "what counts as a kit is one"
        home.wait_for_traces(before)
        assert guest.run("systemctl is-active paraduxd").out.strip() == "active"

        home.owner("create-steward-device", "--no-wait", "alice", check=False)
        guest.plug(stick, "PULLED")
        home.wait_for_steward("alice", lambda known: bool(known["current"]))
        guest.wait_for(f"! {WORKERS}", "the worker to end")
        guest.unplug("PULLED")
        home.wait_for_traces(before)
    assert whole(stick), "the same stick, put in again, becomes a whole kit"


def whole(stick: Path) -> bool:
    """Whether a kit's own list of sums fits."""
    try:
        folder = usb_sticks.copy_out(stick, stick.with_suffix(".out"))
    except AssertionError:
        return False
    sums = folder / "PARADUX/SHA256SUMS"
    command = ["sha256sum", "-c", "--quiet", sums.name]
    return sums.exists() and subprocess.run(command, check=False, cwd=sums.parent).returncode == 0


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("data", marks=marks(HANDS)),
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("ext4", "broken", "read-only")),
    ],
)
def test_a_stick_that_must_not_be_written_harms_nobody(image: Image, frozen: Frozen, tmp_path: Path, kind: str) -> None:
    """It stays as it is, and the next good one is taken."""
    stick = tmp_path / "hostile.img"
    if kind == "ext4":
        usb_sticks.ext4(stick)
    elif kind == "broken":
        usb_sticks.broken(stick)
    else:
        usb_sticks.blank(stick)
    if kind == "data":
        usb_sticks.put(stick, "thesis.txt", b"years of work")
    content = stick.read_bytes()
    with Guest.thaw(image, frozen.armed, tmp_path / "guest") as guest:
        home = House(guest)
        before = home.traces()
        guest.plug(stick, "HOSTILE", read_only=kind == "read-only")
        home.wait_for_log("Still waiting for Alice's stick")
        guest.unplug("HOSTILE")
        assert stick.read_bytes() == content, "nothing was written to it"
        assert home.traces() == before
        guest.plug(usb_sticks.blank(tmp_path / "good.img"), "GOOD")
        home.wait_for_log(written("alice"))
        assert home.steward("alice")["device_serial"] == "GOOD"
