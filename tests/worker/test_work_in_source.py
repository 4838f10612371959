"""The folder that a restore into a source works in: one restore at a time has it, however closely they begin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.worker.transfer.in_place import work


def _restores(source: Path, name: str) -> int:
    """How many of many restores were let in; each finds what it wrote, and only that."""
    done = 0
    for _ in range(200):
        try:
            with directories.own(source) as held, work(held) as (folder, _data):
                (folder / name).touch()
                assert [path.name for path in folder.iterdir()] == [name]
                done += 1
        except ParaduxError as problem:
            assert problem.code == "not-empty"
    return done


def test_of_restores_that_begin_at_once_none_takes_the_folder_of_another(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(_restores, tmp_path, name) for name in ("one", "two", "three")]
        assert sum(each.result() for each in running)
    assert list(tmp_path.iterdir()) == []
