"""Links that others have put at a place, and folders that they exchange: root reads and writes nothing through them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from paraductl.recovery.kit_writer import write_kit
from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import Context, PushRequest
from paraduxd.protocols.disk import PROTOCOL as DISK
from paraduxd.protocols.disk import DiskBlobs, DiskSettings
from paraduxd.protocols.removable import PROTOCOL as REMOVABLE
from paraduxd.protocols.restic import new_folder
from tests.hostile.exchanging import MALLORY, House, as_mallory, house
from tests.stewards.test_kit_folder import a_kit

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root, and somebody who is not")


@pytest.fixture
def home() -> Iterator[House]:
    with house() as home:
        yield home


def link(home: House, name: str) -> None:
    as_mallory("ln", "-s", str(home.victim), str(home.theirs / name))


# A stash on a disk


class Exchanging(io.BytesIO):
    """An object during whose reading the folder is exchanged for a link."""

    def __init__(self, home: House) -> None:
        super().__init__(b"x" * 100)
        self.home = home

    def read(self, size: int | None = -1) -> bytes:
        if self.home.theirs.is_dir() and not self.home.theirs.is_symlink():
            commons = self.home.commons
            as_mallory("sh", "-c", f"cd {commons} && mv theirs taken && ln -s {self.home.victim} theirs")
        return super().read(size)


def test_an_object_stays_in_the_folder_in_which_it_was_begun(home: House) -> None:
    data: BinaryIO = Exchanging(home)
    DiskBlobs(home.theirs).put("config-1-2.gpg", data)
    assert home.unharmed()
    assert (home.commons / "taken" / "config-1-2.gpg").read_bytes() == b"x" * 100


def test_an_object_that_is_a_link_is_none(home: House) -> None:
    as_mallory("ln", "-s", str(home.victim / "shadow"), str(home.theirs / "config-1-2.gpg"))
    blobs = DiskBlobs(home.theirs)
    assert blobs.list() == ()
    with pytest.raises(ParaduxError) as failed:
        list(blobs.get("config-1-2.gpg"))
    assert failed.value.code == "not-found"
    blobs.put("config-1-2.gpg", io.BytesIO(b"ours"))
    assert b"".join(blobs.get("config-1-2.gpg")) == b"ours"
    link(home, ".tmp-left")
    blobs.sweep()
    blobs.delete("config-1-2.gpg")
    assert home.unharmed() and not list(home.theirs.iterdir())


@pytest.mark.parametrize("name", ["versions", "manifests", "hashes"])
def test_a_store_of_trees_whose_folders_are_links_is_refused(home: House, name: str) -> None:
    (staging := home.root / "staging").mkdir()
    (staging / "file").write_text("x")
    (store := home.root / "store").mkdir()
    (store / name).symlink_to(home.victim)
    assert DISK.destination
    settings = DiskSettings.model_validate({"url": f"file://{store}"})
    with pytest.raises(ParaduxError) as refused:
        DISK.destination(settings, Context("photos", "disk")).push(staging, PushRequest(Keep(), "2026-01-01T12:00:00Z"))
    assert refused.value.code == "unusable-directory" and "symbolic link" in refused.value.message
    assert home.unharmed()


@pytest.mark.parametrize("name", ["paradux-backup", "paradux-backup/photos", "paradux-backup/photos/usb"])
@pytest.mark.parametrize("kind", ["trees", "blobs"])
def test_a_disk_on_which_links_lead_away_is_refused(home: House, name: str, kind: str) -> None:
    path = home.theirs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(home.victim)
    assert REMOVABLE.destination and REMOVABLE.blobs
    context = Context("photos", "usb", mounted=home.theirs)
    settings = REMOVABLE.settings.model_validate({"uuid": "0123-4567"})
    with pytest.raises(ParaduxError) as refused:
        (REMOVABLE.destination if kind == "trees" else REMOVABLE.blobs)(settings, context)
    assert refused.value.code == "unusable-directory" and home.unharmed()


@pytest.mark.parametrize("name", ["keys", "data"])
def test_a_folder_for_a_repository_with_links_in_it_loses_nothing(home: House, name: str) -> None:
    link(home, name)
    with pytest.raises(ParaduxError) as refused:
        new_folder.check(home.theirs)
    assert refused.value.code == "not-empty" and home.unharmed()


# Kits


def test_root_writes_no_kit_where_others_could_exchange_it(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    link(home, "link")
    for folder in (home.theirs, home.theirs / "new", home.theirs / "link"):
        with pytest.raises(ParaduxError) as refused:
            write_kit(folder, "alice", a_kit())
        assert refused.value.code == "unsafe-directory" and "belongs to user 4242" in refused.value.message
    assert home.unharmed() and {path.name for path in home.theirs.iterdir()} == {"link"}
    write_kit(home.commons / "kits", "alice", a_kit())
    monkeypatch.setenv("SUDO_UID", str(MALLORY))
    write_kit(home.theirs / "kits", "alice", a_kit())
    assert Path(home.theirs / "kits" / "PARADUX" / "kit.json").exists()
