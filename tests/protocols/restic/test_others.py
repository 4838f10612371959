"""A repository that had a history of its own before Paradux used it: it is shown, can be had back, and stays."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Listed
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Order, Step
from paraduxd.protocols.base import Context, Destination, Identity, PushRequest
from paraduxd.protocols.restic.destination import PROTOCOL
from paraduxd.worker import steps
from paraduxd.worker.transfer import restore as restoring

PASSWORD = "the password of before"
IDENTITY = Identity("a" * 32, "b" * 32, "1" * 32)


class History:
    """A repository that somebody has used with restic itself."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "old letter").write_text("old")
        (folder / "password").write_text(PASSWORD)
        self._password = folder / "password"
        self.restic("init")
        for number in range(3):
            (self.home / f"letter-{number}").write_text(str(number))
            self.restic("backup", "--host=old-laptop", "--tag=by-hand", str(self.home))

    def restic(self, *command: str) -> str:
        argv = [
            "restic",
            "--no-cache",
            "--repo",
            str(self.repository),
            "--password-file",
            str(self._password),
            *command,
        ]
        return subprocess.run(argv, check=True, capture_output=True, text=True, env={**os.environ, "HOME": "/"}).stdout

    def theirs(self) -> list[str]:
        """The ids of what was there before."""
        return sorted(each["id"][:8] for each in self.snapshots() if each["hostname"] == "old-laptop")

    def snapshots(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self.restic("snapshots", "--json"))
        return found

    def transport(self) -> dict[str, object]:
        settings = {"repository": str(self.repository), "credentials": {"password": PASSWORD}}
        return {"protocol": "restic", "settings": settings}

    def destination(self) -> Destination:
        assert PROTOCOL.destination
        settings = PROTOCOL.settings.model_validate(self.transport()["settings"])
        return PROTOCOL.destination(settings, Context("photos", "cloud", identity=IDENTITY))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def request(keep: Keep, hour: int) -> PushRequest:
    return PushRequest(keep, f"2026-01-01T{hour:02}:00:00Z")


def test_it_is_shown_and_stays_whatever_is_kept_and_pruned(history: History, tmp_path: Path) -> None:
    before, staging = history.theirs(), tmp_path / "staging"
    staging.mkdir()
    there = history.destination()
    assert there.versions() == () and sorted(each.id for each in there.others()) == before
    for hour in range(3):
        (staging / f"photo-{hour}").write_text(str(hour))
        pushed = there.push(staging, request(Keep(last=1), hour))
    assert len(there.prune(request(Keep(last=1), 4)).versions) == 1
    assert there.versions() == (pushed.version,)
    others = there.others()
    assert sorted(each.id for each in others) == before == history.theirs()
    assert others[0].origin == f"old-laptop: {history.home} [by-hand]"
    assert there.verify(deep=True).checked > 0
    history.restic("check", "--read-data")


def restore(history: History, tmp_path: Path, version: str, *paths: str, **options: bool) -> Path:
    """As a worker does it."""
    to = tmp_path / "back" / (version + "".join(paths).replace("/", "-"))
    to.parent.mkdir(exist_ok=True)
    transport = tmp_path / "transport.json"
    transport.write_text(json.dumps(history.transport()))
    arguments = {
        "to": str(to), "options": {"version": version, **options}, "paths": list(paths), "root": "/home/fred", "uid": os.getuid(),
        "index": str(tmp_path / "index"),
    }  # fmt: skip
    order = Order(1, Step.RESTORE, "photos", "cloud", str(transport), arguments=arguments)
    restoring.restore(order, history.destination())
    return to


def test_it_can_be_had_back_whole_and_in_part(history: History, tmp_path: Path) -> None:
    first = next(each["id"][:8] for each in history.snapshots())
    whole = restore(history, tmp_path, first)
    inside = history.home.relative_to("/")
    assert sorted(path.name for path in (whole / inside).iterdir()) == ["letter-0", "old letter"]
    path = f"{history.home}/old letter"
    part = restore(history, tmp_path, first, path)
    assert [each.name for each in (part / inside).iterdir()] == ["old letter"]
    with pytest.raises(ParaduxError, match="not by patterns"):
        restore(history, tmp_path, first, "*.txt")
    with pytest.raises(ParaduxError, match="no version #ffffffff"):
        restore(history, tmp_path, "ffffffff")
    assert not restore(history, tmp_path, first, "home", dry_run=True).exists()
    with pytest.raises(ParaduxError, match="does not go back into the source"):
        restore(history, tmp_path, first, in_place=True)
    assert [each.name for each in (tmp_path / "back").iterdir() if "ffff" in each.name or "*" in each.name] == []


def test_it_is_told_only_where_it_is_asked_for(history: History, tmp_path: Path) -> None:
    transport = tmp_path / "transport.json"
    transport.write_text(json.dumps(history.transport()))
    for asked, count in (({}, 0), ({"all": True}, 3)):
        told = steps.versions(
            Order(1, Step.VERSIONS, "photos", "cloud", str(transport), arguments=asked), lambda _: None
        )
        assert isinstance(told, Listed)
        assert (len(told.versions), len(told.others)) == (0, count)
