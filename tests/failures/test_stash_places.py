"""A metadata stash knows whose it is: nothing is written where it is not mounted, nothing of others is overwritten, and what it really
holds is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import machine_claim, published_config
from paraduxd.core.runs.orders import Order
from paraduxd.protocols.base import Context, Identity, TransientError
from paraduxd.protocols.disk import PROTOCOL, DiskSettings
from paraduxd.protocols.marking.place_marker import NAME, render
from paraduxd.worker.publishing import publish as publishing
from paraduxd.worker.transfer.rehearse import read_published

OWNER = "a" * 32
OURS = Identity(OWNER, "b" * 32, "1" * 32)
MARKED = replace(OURS, marked=True)
KEY = b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nours\n-----END PGP PRIVATE KEY BLOCK-----\n"
BEFORE_0_2 = None


class Machine:
    """A machine that publishes to a disk below `mount`."""

    def __init__(self, folder: Path) -> None:
        self.outbox = folder / "outbox"
        self.mount = folder / "mnt" / "stick"
        self.stash = self.mount / "paradux"
        self.outbox.mkdir()
        self.mount.mkdir(parents=True)
        (self.outbox / published_config.key_name(1)).write_bytes(KEY)
        (self.outbox / machine_claim.NAME).write_bytes(claim(OWNER))

    def publish(self, serial: int, who: Identity | None = OURS, known: int | None = None) -> dict[str, Any]:
        """As a worker does it."""
        (self.outbox / published_config.config_name(1, serial)).write_bytes(b"config %d" % serial)
        arguments = {"outbox": str(self.outbox), "epochs": [1], "serial": serial, "ended": [], "known_serial": known}
        store = self._store(who)
        return to_json_value(
            publishing.publish(Order(1, "publish", "", "stick", arguments=arguments), store, store, who)
        )

    def rehearse(self, serial: int) -> dict[str, Any]:
        """What the schedule finds."""
        arguments = {"outbox": str(self.outbox), "epoch": 1, "serial": serial}
        return to_json_value(
            read_published(Order(1, "rehearse", "", "stick", arguments=arguments), self._store(MARKED))
        )

    def _store(self, who: Identity | None) -> Any:
        assert PROTOCOL.blobs is not None
        return PROTOCOL.blobs(DiskSettings(url=f"file://{self.stash}"), Context("", "stick", identity=who))

    def unmount(self) -> Path:
        """The mount point is empty afterwards; gives where the disk lies now."""
        away = self.mount.with_name("away")
        self.mount.rename(away)
        self.mount.mkdir()
        return away

    def mount_again(self, disk: Path) -> None:
        """In place of whatever lies below the mount point."""
        self.mount.rename(self.mount.with_name("hidden"))
        disk.rename(self.mount)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.stash.iterdir())


def claim(owner: str) -> bytes:
    return machine_claim.machine(owner, "1" * 32, 1, "2026-01-01T00:00:00Z").to_json()


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_contact_marks_the_place(here: Machine) -> None:
    result = here.publish(40)
    assert (result["marked"], result["serial"], result["highest_serial"]) == (True, 40, 40)
    assert here.names() == [
        "config-1-40.gpg", "machine.asc", "paradux-README.txt", NAME, "recovery-key-1.asc"
    ]  # fmt: skip
    assert json.loads((here.stash / NAME).read_bytes())["newest"] == 40
    here.publish(41, MARKED)
    assert json.loads((here.stash / NAME).read_bytes())["newest"] == 41


@pytest.mark.parametrize(("who", "known"), [(MARKED, 40), (OURS, 40)], ids=["marked", "by-0.1.0"])
def test_nothing_is_published_below_a_mount_point(here: Machine, who: Identity, known: int) -> None:
    """It was written there, read back and compared: "current"; and the disk, mounted again, held the old serial."""
    here.publish(40, who if who is OURS else OURS)
    disk = here.unmount()
    for _ in range(2):
        with pytest.raises(TransientError) as refused:
            here.publish(41, who, known)
        assert refused.value.code == "not-mounted"
    assert not here.stash.exists()
    here.mount_again(disk)
    assert here.publish(41, who, known)["serial"] == 41
    assert here.rehearse(41)["serial"] == 41


def test_what_a_remounted_disk_really_holds_is_told(here: Machine) -> None:
    """Version 0.1.0 has published below the mount point."""
    here.publish(40, BEFORE_0_2)
    (here.stash / NAME).unlink(missing_ok=True)
    disk = here.unmount()
    here.publish(41, BEFORE_0_2)
    here.mount_again(disk)
    assert here.rehearse(41)["serial"] == 40


def test_an_empty_stash_is_not_published(here: Machine) -> None:
    here.publish(40)
    for path in here.stash.iterdir():
        path.unlink()
    with pytest.raises(ParaduxError) as failed:
        here.rehearse(40)
    assert failed.value.code == "not-published"


@pytest.mark.parametrize(
    ("other", "code"), [(replace(OURS, place="d" * 32), "other-place"), (replace(OURS, owner="c" * 32), "other-owner")]
)
def test_another_disk_that_is_mounted_there_stays_as_it_is(here: Machine, other: Identity, code: str) -> None:
    here.publish(7, other)
    before = here.names()
    with pytest.raises(ParaduxError) as refused:
        here.publish(41, MARKED, 40)
    assert refused.value.code == code
    assert here.names() == before


@pytest.mark.parametrize("name", ["README.txt", "holiday.jpg", "paradux-notes.txt"])
def test_what_the_owner_keeps_there_stays(here: Machine, name: str) -> None:
    here.stash.mkdir()
    (here.stash / name).write_text("mine")
    for serial in range(40, 52):
        here.publish(serial, OURS if serial == 40 else MARKED)
    assert (here.stash / name).read_text() == "mine"


def test_what_another_installation_of_0_1_0_keeps_there_stays(here: Machine) -> None:
    """It had another epoch, so that none of its names but one is ours: which machine is the owner's."""
    here.stash.mkdir()
    for name, content in (
        ("machine.asc", claim("c" * 32)),
        ("recovery-key-3.asc", b"theirs"),
        ("config-3-9.gpg", b"x"),
    ):
        (here.stash / name).write_bytes(content)
    before = here.names()
    with pytest.raises(ParaduxError) as refused:
        here.publish(40)
    assert refused.value.code == "other-installation"
    assert here.names() == before


def test_a_key_of_another_installation_stays(here: Machine) -> None:
    here.stash.mkdir()
    (here.stash / "recovery-key-1.asc").write_bytes(KEY.replace(b"ours", b"theirs"))
    with pytest.raises(ParaduxError) as refused:
        here.publish(40)
    assert refused.value.code == "other-installation"


def test_a_note_that_earlier_versions_wrote_stays(here: Machine) -> None:
    here.stash.mkdir()
    (here.stash / "README.txt").write_bytes(published_config.readme(1))
    here.publish(40)
    assert (here.stash / "README.txt").read_bytes() == (here.stash / published_config.README).read_bytes()


def test_a_store_of_0_1_0_without_a_marker_is_taken_over(here: Machine) -> None:
    here.publish(40, BEFORE_0_2)
    result = here.publish(41, OURS, 40)
    assert result["marked"]
    assert {"config-1-40.gpg", "config-1-41.gpg", NAME} <= set(here.names())


@pytest.mark.parametrize("who", [OURS, MARKED])
def test_a_marker_that_is_not_understood_stops_it(here: Machine, who: Identity) -> None:
    here.publish(40)
    (here.stash / NAME).write_bytes(b"{" * 400_000)
    with pytest.raises(ParaduxError) as refused:
        here.publish(41, who)
    assert refused.value.code == "damaged-marker"


def test_a_stash_and_archives_in_one_folder_share_a_marker(here: Machine) -> None:
    """Version 0.1.0 allowed it, and the names of objects tell them apart."""
    archives = replace(OURS, place="e" * 32)
    here.stash.mkdir()
    (here.stash / NAME).write_bytes(render(archives, 7))
    with pytest.raises(ParaduxError) as refused:
        here.publish(40)
    assert refused.value.code == "other-place", "unless the config has both there"
    here.publish(40, replace(OURS, beside=(archives.place,)))
    found = json.loads((here.stash / NAME).read_text())
    assert (found["place"], found["newest"]) == (archives.place, 7)
    recovered = replace(OURS, instance="2" * 32, generation=2, beside=(archives.place,), marked=True)
    here.publish(41, recovered)
    found = json.loads((here.stash / NAME).read_text())
    assert (found["place"], found["newest"], found["generation"]) == (archives.place, 7, 2)
