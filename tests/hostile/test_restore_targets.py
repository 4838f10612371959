"""Root restores into directories that others can change: they get nothing out of it, and what root owns stays as it is."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Order, Step
from paraduxd.protocols.base import Context, Destination, PushRequest
from paraduxd.protocols.disk import PROTOCOL as DISK
from paraduxd.protocols.disk import DiskBlobs, DiskSettings
from paraduxd.worker.transfer import restore, target
from tests.hostile.exchanging import MALLORY, House, as_mallory, house, when_it_runs
from tests.protocols.archive import rig
from tests.protocols.restic import rig as restic_rig

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root, and somebody who is not")

FILES = {"letters/to alice": b"dear", "letters/deep/er": b"x" * 100_000, "notes": b"n"}


def _disk(folder: Path) -> Destination:
    assert DISK.destination is not None
    made: Destination = DISK.destination(
        DiskSettings.model_validate({"url": f"file://{folder}/trees"}), Context("photos", "disk")
    )
    return made


def _archive(folder: Path) -> Destination:
    return rig.archive(DiskBlobs(folder / "blobs"), folder / "memory")


def _restic(folder: Path) -> Destination:
    return restic_rig.destination(folder / "repository")


ENGINES: dict[str, tuple[str, Callable[[Path], Destination] | None]] = {
    "trees": ("rsync", _disk),
    "archives": ("tar", _archive),
    "restic": ("restic", _restic),
    "staging": ("rsync", None),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    for name, content in FILES.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    os.link(data / "notes", data / "letters" / "same")
    (data / "letters").chmod(0o777)
    data.chmod(0o751)
    return data


@pytest.fixture(scope="module")
def staging(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As version 0.1.0 had it; the first restore from it lays it out anew."""
    staging = tmp_path_factory.mktemp("staged") / "staging"
    subprocess.run(["cp", "--archive", data, staging], check=True)
    return staging


@pytest.fixture(scope="module")
def pushed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Destination | None]:
    """The destination of an engine, with one version, made once."""
    made: dict[str, Destination | None] = {}

    def get(engine: str) -> Destination | None:
        if engine not in made:
            make = ENGINES[engine][1]
            made[engine] = make(tmp_path_factory.mktemp(engine)) if make else None
            if destination := made[engine]:
                destination.push(data, PushRequest(Keep(), "2026-01-01T12:00:00Z"))
        return made[engine]

    return get


@pytest.fixture
def home() -> Iterator[House]:
    with house() as home:
        yield home


def order(staging: Path, to: Path, *paths: str, uid: int = 0) -> Order:
    arguments = {"to": str(to), "at": None, "paths": list(paths), "uid": uid}
    return Order(1, Step.RESTORE, "photos", "there", staging=str(staging), arguments=arguments)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def whole() -> dict[str, bytes]:
    return {**FILES, "letters/same": FILES["notes"]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("paths", [(), ("letters",)], ids=["whole", "part"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_caller_exchanges_everything_while_a_tool_writes(
    home: House,
    staging: Path,
    pushed: Callable[[str], Destination | None],
    engine: str,
    paths: tuple[str, ...],
    after: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    destination = pushed(engine)
    attack = home.attack(home.theirs, "letters", "notes")
    tool, writes = ENGINES[engine][0], f"*/{target.DATA}*|*theirs*"
    happened = when_it_runs(monkeypatch, home.root / "tools", tool, attack, given=writes, after=after)
    with pytest.raises(ParaduxError) as failed:
        restore.restore(order(staging, home.theirs, *paths, uid=MALLORY), destination)
    assert failed.value.code == "not-empty" and happened.exists()
    assert home.unharmed()
    (taken,) = home.theirs.glob("taken-*")
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700 and taken.stat().st_uid == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_version_comes_back_as_it_was_into_a_new_directory_and_into_an_empty_one(
    home: House, staging: Path, pushed: Callable[[str], Destination | None], engine: str
) -> None:
    for to, uid in ((home.commons / "new" / "er", 0), (home.theirs, MALLORY)):
        result = restore.restore(order(staging, to, uid=uid), pushed(engine))
        assert contents(to) == whole() and result.files == len(whole())
        assert (to / "notes").stat().st_ino == (to / "letters" / "same").stat().st_ino
        assert stat.S_IMODE((to / "letters").stat().st_mode) == 0o777
        if engine != "restic":  # which keeps nothing of the root
            assert stat.S_IMODE(to.stat().st_mode) == 0o751
    part = home.commons / "part"
    restore.restore(order(staging, part, "letters/deep"), pushed(engine))
    assert contents(part) == {"letters/deep/er": FILES["letters/deep/er"]}


def test_a_directory_of_somebody_else_is_refused(home: House, staging: Path) -> None:
    as_mallory("mkdir", str(home.theirs / "empty"))
    as_mallory("ln", "-s", str(home.victim), str(home.commons / "link"))
    (open_to_all := home.root / "open").mkdir()
    open_to_all.chmod(0o777)
    for to in (
        home.theirs,
        home.theirs / "new",
        home.theirs / "empty",
        home.commons / "link" / "new",
        open_to_all / "x",
    ):
        with pytest.raises(ParaduxError) as refused:
            restore.restore(order(staging, to), None)
        assert refused.value.code == "unsafe-directory" and "below /tmp" in refused.value.hint
        assert "belongs to user 4242" in refused.value.message or "may be written by others" in refused.value.message
    assert home.unharmed() and not list(open_to_all.iterdir()) and not (home.theirs / "new").exists()


def test_what_is_there_stays(home: House, staging: Path) -> None:
    (to := home.commons / "full").mkdir()
    (to / "mine").write_text("mine")
    with pytest.raises(ParaduxError) as refused:
        restore.restore(order(staging, to), None)
    assert refused.value.code == "not-empty" and contents(to) == {"mine": b"mine"}


# What an interrupted restore leaves


def interrupted(staging: Path, to: Path, what: str, problem: BaseException) -> None:
    with pytest.raises(type(problem)), target.prepared(to, ["photos", what], frozenset({0}), whole=True) as data:
        (data / "came").write_bytes(b"half")
        raise problem


def test_a_restore_of_the_same_goes_on_with_it_and_another_is_refused(home: House, staging: Path) -> None:
    to = home.commons / "new"
    interrupted(staging, to, "staging", SystemExit(1))
    assert stat.S_IMODE((to / target.WORK).stat().st_mode) == 0o700
    (location := order(staging, to)).arguments["paths"] = ["notes"]
    with pytest.raises(ParaduxError) as refused:
        restore.restore(location, None)
    assert refused.value.code == "not-empty" and target.WORK in refused.value.message
    restore.restore(order(staging, to), None)
    assert contents(to) == {**whole(), "came": b"half"}


def test_a_failed_one_says_where_what_came_lies(home: House, staging: Path) -> None:
    to, problem = home.commons / "new", ParaduxError("restore-failed", "half of it", "see the disk")
    interrupted(staging, to, "staging", problem)
    assert problem.hint.startswith(f"see the disk; what came back until then is in {to / target.WORK / target.DATA}")
    (to / target.WORK / target.DATA / "came").unlink()
    with pytest.raises(SystemExit), target.prepared(to, ["photos", "staging"], frozenset({0}), whole=True):
        raise SystemExit(1)
    assert not list(to.iterdir())


def test_sentences_name_the_target_and_no_descriptor(home: House) -> None:
    with (
        pytest.raises(ParaduxError) as failed,
        target.prepared(home.commons / "new", ["x"], frozenset({0}), whole=True) as data,
    ):
        raise ParaduxError("full", f"the disk of {data} is full", f"make room in {data}")
    assert "/proc/" not in failed.value.message + failed.value.hint
    assert str(home.commons / "new") in failed.value.message


def test_what_0_1_0_left_is_gone_on_with(home: House, staging: Path) -> None:
    (to := home.commons / "old").mkdir()
    (to / target.EARLIER_MARK).write_text('["photos", "staging"]')
    (to / "notes").write_bytes(b"old half")
    restore.restore(order(staging, to), None)
    assert contents(to) == whole()


def test_the_caller_puts_links_where_the_next_attempt_would_go_on(home: House, staging: Path) -> None:
    for name in (target.WORK, target.EARLIER_MARK, "letters"):
        as_mallory("ln", "-s", str(home.victim), str(home.theirs / name))
    with pytest.raises(ParaduxError) as refused:
        restore.restore(order(staging, home.theirs, uid=MALLORY), None)
    assert refused.value.code == "not-empty" and home.unharmed()
    for path in home.theirs.iterdir():
        path.unlink()
    as_mallory("sh", "-c", f"cd {home.theirs} && mkdir {target.WORK} && ln -s {home.victim} {target.WORK}/data")
    with pytest.raises(ParaduxError) as refused:
        restore.restore(order(staging, home.theirs, uid=MALLORY), None)
    assert refused.value.code == "not-empty" and home.unharmed()
    (home.root / "mark").write_text('["photos", "staging"]')
    links = f"ln -s {home.victim} letters && cp {home.root / 'mark'} {target.EARLIER_MARK}"
    as_mallory("sh", "-c", f"cd {home.theirs} && rm -r {target.WORK} && {links}")
    restore.restore(order(staging, home.theirs, uid=MALLORY), None)
    assert contents(home.theirs) == whole() and home.unharmed()
