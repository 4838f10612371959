"""Archives that earlier versions wrote are read and continued: by the machine that made them, and by one that knows nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.destination import ArchiveDestination
from tests.golden.make_archive import contents, destination, read_keys, request
from tests.golden.unpacking import unpack

ARCHIVES = sorted(Path(__file__).parent.glob("*/archive-*.tar.xz"))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.partition(".")[0])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    unpack(request.param, tmp_path)
    (tmp_path / "staging").mkdir()
    return tmp_path


def opened(folder: Path) -> ArchiveDestination:
    return destination(folder, read_keys(folder))


def test_there_are_archives_of_both_formats() -> None:
    assert [path.name for path in ARCHIVES] == ["archive-1.tar.xz", "archive-2.tar.xz"]


@pytest.mark.parametrize("new_machine", [False, True])
def test_every_version_comes_back_and_the_next_one_goes_on(folder: Path, new_machine: bool) -> None:
    if new_machine:
        shutil.rmtree(folder / "machine")
    archives, expected = opened(folder), json.loads((folder / "expected.json").read_text())
    (folder / "staging" / "added").write_text("by a later version\n")
    assert archives.verify(deep=True).checked
    pushed = archives.push(folder / "staging", replace(request(6), keep=Keep()))
    line = next((folder / "place").glob("000006-*.manifest")).read_bytes().partition(b"\n")[0]
    assert (chain.from_line(line).run.parent is None) == new_machine
    versions = archives.versions()
    assert [version.id for version in versions] == [*expected, pushed.version.id]
    for version in versions:
        to = folder / version.id
        to.mkdir()
        archives.restore(version, to, ())
        assert contents(to) == expected.get(version.id, {"added": "by a later version\n"})
    assert archives.verify(deep=False).damaged == archives.verify(deep=True).damaged == ()


def test_versions_are_removed_as_ever(folder: Path) -> None:
    archives = opened(folder)
    before = [version.id for version in archives.versions()]
    archives.prune(replace(request(6), keep=Keep(last=1)))
    assert [version.id for version in opened(folder).versions()] == before[-1:]
    assert archives.verify(deep=True).checked


def test_an_older_state_is_noticed(folder: Path) -> None:
    for path in (folder / "place").glob("000005-*"):
        path.unlink()
    with pytest.raises(ParaduxError, match="older state is there") as found:
        opened(folder).verify(deep=False)
    assert found.value.code == "damaged"
