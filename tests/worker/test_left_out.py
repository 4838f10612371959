"""A source that is pushed as it lies leaves out what its config says, at each kind of destination."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Pulled, Pushed
from paraduxd.core.primitives.left_out_rules import LeftOut
from paraduxd.core.runs.orders import Order, Step
from paraduxd.protocols.base import HeldError
from paraduxd.protocols.disk import DiskSettings
from paraduxd.worker import steps

ODD = [
    "*.iso",
    "a[1]",
    "back\\slash",
    "$HOME",
    "line\nfeed",
    "return\rhere",
    "space ",
    "nbsp\u00a0",
    "#x",
    "tab\t",
    "caf\udce9",
]
"""Names that are none of the plainest."""

WHAT = {
    "exclude": [".cache", "/Downloads/", "*.o", "odd/out/*"],
    "exclude_caches": True,
    "exclude_marker": [".nobackup"],
    "max_size": "2k",
}


def wanted_and_not(root: Path) -> set[str]:
    """Fill a source; gives the paths of the files that belong into a version."""
    kept = [
        "letter",
        "src/main.c",
        "deep/Downloads/file",
        "odd/in/out",
        "marked/.nobackup",
        "cache/CACHEDIR.TAG",
        "fake/main",
    ]
    gone = [".cache/x", "deep/.cache/y/z", "Downloads/film", "src/main.o", "marked/secret/a", "cache/a/b"]
    for path in (*kept, *gone, *(f"odd/out/{name}" for name in ODD), *(f"odd/in/{name}" for name in ODD)):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path.encode("utf-8", "replace").decode())
    (root / "cache/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (root / "large").write_bytes(b"x" * 4096)
    return {*kept, *(f"odd/in/{name}" for name in ODD)}


@dataclass
class Place:
    """A destination, the source, and what both are told."""

    folder: Path
    transport: dict[str, Any]
    what: dict[str, Any]

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def order(self, step: Step, location: str, transport: dict[str, Any], **arguments: object) -> Order:
        path = self.folder / f"transport-{step}"
        path.write_text(json.dumps(transport))
        told = {"index": str(self.folder / f"index-{location}"), **arguments}
        return Order(1, step, "photos", location, str(path), str(self.source), told, in_place=True)

    def settings(self) -> dict[str, Any]:
        return {"url": self.source.as_uri(), **self.what}

    def pull(self, known: int | None = None) -> Pulled:
        order = self.order(Step.PULL, "source", {"protocol": "disk", "settings": self.settings()}, known_files=known)
        pulled = steps.pull(order, lambda _: None)
        assert isinstance(pulled, Pulled)
        return pulled

    def told(self) -> dict[str, Any]:
        left_out: LeftOut = DiskSettings.model_validate(self.settings()).left_out()
        return {**self.transport, "left_out": to_json_value(left_out)}

    def push(self, **arguments: object) -> Pushed:
        pushed = steps.push(self.order(Step.PUSH, "there", self.told(), **arguments), lambda _: None)
        assert isinstance(pushed, Pushed)
        return pushed

    def restored(self) -> set[str]:
        """The files of the newest version."""
        to = self.folder / "back"
        subprocess.run(["rm", "-rf", to], check=True)
        steps.restore(self.order(Step.RESTORE, "there", self.transport, to=str(to), uid=os.getuid()), lambda _: None)
        return {str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()}


def disk(folder: Path) -> dict[str, Any]:
    return {"protocol": "disk", "settings": {"url": (folder / "there").as_uri()}}


def restic(folder: Path) -> dict[str, Any]:
    settings = {"repository": str(folder / "there"), "credentials": {"password": "a password of ours"}}
    return {"protocol": "restic", "settings": settings}


@pytest.fixture(params=[disk, restic], ids=["disk", "restic"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    transport: Callable[[Path], dict[str, Any]] = request.param
    (tmp_path / "source").mkdir()
    return Place(tmp_path, transport(tmp_path), WHAT)


def test_what_is_left_out_is_in_no_version_and_all_else_is(place: Place) -> None:
    wanted = wanted_and_not(place.source)
    assert place.pull().files == len(wanted)
    assert place.push().files == len(wanted)
    assert place.restored() == wanted
    (place.source / "src/new.o").touch()
    (place.source / "src/new.c").touch()
    assert place.pull(len(wanted)).transferred_files == 1
    place.push(pushed_before=True)
    assert place.restored() == {*wanted, "src/new.c"}


def test_a_drill_misses_nothing_that_was_left_out(place: Place) -> None:
    (place.source / "letter").write_text("dear")
    (place.source / "letter").chmod(0o600)
    for number in range(30):
        (place.source / f"{number}.o").write_text("object")
    place.pull()
    place.push()
    scratch = place.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    asked = {"scratch": str(scratch), "mark": "0" * 32, "sample": {"files": 20, "bytes": 1 << 20}, "seed": 1}
    found = steps.rehearse(place.order(Step.REHEARSE, "there", place.told(), **asked), lambda _: None)
    assert getattr(found, "files", None) == 1


def test_when_all_is_left_out_it_counts_as_empty(place: Place) -> None:
    wanted = wanted_and_not(place.source)
    place.pull()
    place.push()
    place.what = {"exclude": ["*"]}
    with pytest.raises(HeldError):
        place.pull(len(wanted))
    known = [{"id": "1", "time": "2026-01-01T00:00:00Z", "files": len(wanted)}]
    with pytest.raises(HeldError):
        place.push(pushed_before=True, known_versions=known)
    place.push(pushed_before=True, known_versions=known, held=True)
    assert place.restored() == set()


def test_a_destination_that_takes_all_says_so(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    place = Place(tmp_path, disk(tmp_path), WHAT)
    place.transport["archive"] = {"fingerprint": "A" * 40, "public_key": "", "verify_key": ""}
    with pytest.raises(ParaduxError, match="cannot leave anything out"):
        place.push()
    assert not (tmp_path / "there").exists()
