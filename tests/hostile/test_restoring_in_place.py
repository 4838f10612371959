"""Root puts files back into a source whose owner exchanges what lies in it: they land in that folder, or nowhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.listing_questions import RestoreOptions
from paraduxd.api.replies.listings import LINK
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import directories, renaming, walk
from paraduxd.effects.tools import gnu_find
from paraduxd.protocols.base import Context, Destination, PushRequest
from paraduxd.protocols.disk import PROTOCOL as DISK
from paraduxd.protocols.disk import DiskSettings
from paraduxd.worker.browse import contents as browsed
from paraduxd.worker.transfer import in_place
from paraduxd.worker.transfer.restore import Restored, restore
from tests.hostile.exchanging import MALLORY, House, as_mallory, house, when_it_runs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root, and somebody who is not")

FILES = {"letters/to alice": b"dear", "letters/deep/er": b"deep", "letters-old": b"old", "notes": b"n"}


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Destination]:
    """Staging, and a disk with one version of it."""
    staging = tmp_path_factory.mktemp("staging")
    for name, content in FILES.items():
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).write_bytes(content)
    os.link(staging / "notes", staging / "letters" / "same")
    os.mkfifo(staging / "letters" / "pipe")
    settings = DiskSettings.model_validate({"url": f"file://{tmp_path_factory.mktemp('disk')}/trees"})
    assert DISK.destination is not None
    destination: Destination = DISK.destination(settings, Context("photos", "disk"))
    destination.push(staging, PushRequest(Keep(), "2026-01-01T12:00:00Z"))
    return staging, destination


@pytest.fixture
def home() -> Iterator[House]:
    with house() as home:
        yield home


def put_back(
    pushed: tuple[Path, Destination], source: Path, *paths: str, options: RestoreOptions | None = None, **more: object
) -> Restored:
    options = replace(options or RestoreOptions(), in_place=True)
    arguments = {"to": str(source), "paths": list(paths), "uid": MALLORY, "options": to_json_value(options), **more}
    return restore(Order(1, Step.RESTORE, "photos", "disk", staging=str(pushed[0]), arguments=arguments), pushed[1])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_comes_back_with_links_pipes_and_owners_and_nothing_is_called_kept(
    home: House, pushed: tuple[Path, Destination]
) -> None:
    done = put_back(pushed, home.theirs, options=RestoreOptions(owners=(f"0={MALLORY}:{MALLORY}",)))
    assert contents(home.theirs) == {**FILES, "letters/same": FILES["notes"]}
    assert (done.kept, done.files) == (0, 5) and done.page is not None
    assert {change.change for change in done.page.changes} == {"written"}
    assert stat.S_ISFIFO((home.theirs / "letters" / "pipe").stat().st_mode)
    assert all(path.stat().st_uid == MALLORY for path in home.theirs.rglob("*"))
    again = put_back(pushed, home.theirs)
    assert (again.kept, again.files) == (0, 0)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_everything_is_exchanged_while_the_tool_writes(
    home: House, pushed: tuple[Path, Destination], after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_mallory("mkdir", str(home.theirs / "letters"))
    attack = home.attack(home.theirs, "letters", "notes", "letters-old")
    happened = when_it_runs(monkeypatch, home.root / "tools", "rsync", attack, given=f"*/{in_place.DATA}*", after=after)
    done = put_back(pushed, home.theirs)
    assert happened.exists() and home.unharmed()
    assert done.page is not None and {change.change for change in done.page.changes} == {"kept"}
    assert not [path for path in home.theirs.rglob("*") if path.is_file() and path.stat().st_uid == 0]


def test_what_has_the_name_of_the_work_folder_stays(home: House, pushed: tuple[Path, Destination]) -> None:
    mine = home.theirs / in_place.WORK
    as_mallory("mkdir", str(mine))
    as_mallory("touch", str(mine / "mine"))
    with pytest.raises(ParaduxError, match="in the way"):
        put_back(pushed, home.theirs)
    assert contents(home.theirs) == {f"{in_place.WORK}/mine": b""}


def test_what_an_interrupted_one_left_goes_unless_it_still_runs(home: House, pushed: tuple[Path, Destination]) -> None:
    with directories.own(home.theirs) as source, source.fresh(in_place.WORK) as left:
        left.write("half", b"half")
        assert left.claim()
        with pytest.raises(ParaduxError, match="in the way"):
            put_back(pushed, home.theirs)
    put_back(pushed, home.theirs, "notes")
    assert contents(home.theirs) == {"notes": b"n"}


def test_nothing_is_written_below_a_disk_that_is_away(home: House, pushed: tuple[Path, Destination]) -> None:
    (home.theirs / "letters").mkdir()
    for point in (home.theirs, home.theirs / "letters"):
        with pytest.raises(ParaduxError) as refused:
            put_back(pushed, home.theirs, mounts=[str(point)])
        assert refused.value.code == "not-mounted" and str(point) in refused.value.message
    put_back(pushed, home.theirs, "notes", mounts=[str(home.theirs / "letters")])
    assert contents(home.theirs) == {"notes": b"n"}


def test_a_source_that_is_a_single_file_comes_back(home: House, tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "notes").write_bytes(b"n")
    put_back((tmp_path / "staging", None), home.theirs / "notes")  # type: ignore[arg-type]
    assert contents(home.theirs) == {"notes": b"n"}


def test_a_file_that_was_changed_since_it_was_looked_at_is_not_replaced(tmp_path: Path) -> None:
    for name, text in (("new/file", "from the version"), ("there/file", "just saved")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    with directories.own(tmp_path / "new") as new, directories.own(tmp_path / "there") as there:
        answers = iter((True, False))
        with pytest.raises(FileExistsError):
            renaming.replace("file", new.descriptor, there.descriptor, lambda _: next(answers))
        assert (tmp_path / "there" / "file").read_text() == "just saved"
        new.exchange("file", there, lambda status: status.st_size == len("just saved"))
    assert (tmp_path / "there" / "file").read_text() == "from the version"


def test_a_walk_follows_no_link_that_took_the_place_of_a_folder(home: House) -> None:
    as_mallory("mkdir", str(home.theirs / "letters"))
    found = walk.entries(home.theirs)
    assert next(found)[0] == b"letters"
    (home.theirs / "letters").rmdir()
    as_mallory("ln", "-s", str(home.victim), str(home.theirs / "letters"))
    assert list(found) == []


def test_find_follows_no_link(home: House) -> None:
    as_mallory("ln", "-s", str(home.victim), str(home.theirs / "letters"))
    assert [(each.path, each.kind) for each in browsed.walked(home.theirs)] == [("letters", LINK)]
    assert gnu_find.counted(home.theirs) == (0, 0)
