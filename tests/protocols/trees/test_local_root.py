"""Plain trees hold set-uid programs and devices of a source: their directories are closed to others, and nobody can exchange them."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import Context, Destination, PushRequest
from paraduxd.protocols.disk import PROTOCOL, DiskSettings
from paraduxd.protocols.trees.local_root import PRIVATE
from paraduxd.testing import samples

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="somebody else has to own files")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="paradux-test-trees-"))
    folder.chmod(0o755)
    samples.write_files(folder / "staging", 3)
    yield folder
    shutil.rmtree(folder)


def destination(folder: Path) -> Destination:
    assert PROTOCOL.destination
    return PROTOCOL.destination(DiskSettings.model_validate({"url": folder.as_uri()}), Context("photos", "disk"))


def push(place: Path, store: Path, day: int = 1) -> None:
    destination(store).push(place / "staging", PushRequest(Keep(), f"2026-11-{day:02}T12:00:00Z"))


def modes(store: Path) -> set[int]:
    return {stat.S_IMODE((store / name).stat().st_mode) for name in PRIVATE}


def test_a_new_store_is_private_whatever_the_umask(place: Path) -> None:
    before = os.umask(0)
    try:
        push(place, place / "new" / "store")
    finally:
        os.umask(before)
    assert modes(place / "new" / "store") == {0o700}
    assert stat.S_IMODE((place / "new").stat().st_mode) == 0o700


def test_an_older_store_is_closed_once_and_then_left_to_its_owner(place: Path) -> None:
    store = place / "store"
    push(place, store)
    (manifest,) = (store / "manifests").glob("*.json")
    manifest.write_text(manifest.read_text().replace('"closed": true,\n', "").replace(',\n "closed": true', ""))
    assert "closed" not in manifest.read_text()
    for name in PRIVATE:
        (store / name).chmod(0o755)
    push(place, store, 2)
    assert modes(store) == {0o700}
    (store / "versions").chmod(0o755)
    push(place, store, 3)
    assert stat.S_IMODE((store / "versions").stat().st_mode) == 0o755, "its owner has asked for it"


@as_root
@pytest.mark.parametrize("name", ["", "store"])
def test_nothing_is_pushed_or_pruned_where_others_can_exchange_it(place: Path, name: str) -> None:
    shared = place / "of nobody"
    push(place, shared / "store")
    os.chown(shared / name, NOBODY, NOBODY)
    before = samples.contents(shared)
    for call in (lambda: push(place, shared / "store", 2), lambda: prune(shared / "store")):
        with pytest.raises(ParaduxError) as refused:
            call()
        assert refused.value.code == "unsafe-directory"
    assert samples.contents(shared) == before
    (version,) = destination(shared / "store").versions()
    (place / "back").mkdir()
    assert destination(shared / "store").restore(version, place / "back", []).files == 3, (
        "what is there can be had back"
    )


def prune(store: Path) -> None:
    destination(store).prune(PushRequest(Keep(), "2026-11-03T12:00:00Z"))


@as_root
def test_a_link_that_others_made_is_no_store(place: Path) -> None:
    (place / "victim").mkdir()
    place.chmod(0o1777)
    (place / "store").symlink_to(place / "victim")
    os.chown(place / "store", NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(ParaduxError) as refused:
        push(place, place / "store")
    assert refused.value.code == "unsafe-directory"
    assert list((place / "victim").iterdir()) == []
