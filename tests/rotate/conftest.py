"""Installations before and during a rotation, made once and copied for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rotate.rotate_rig import NAMES, Paradux

Make = Callable[[str], Paradux]


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """Where gpg homes lie, those of killed keepers included."""
    folder = Path(tempfile.mkdtemp(prefix="paradux-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, memory: Path) -> dict[str, Path]:
    """`kits`: everybody has one of epoch 1; `begun`: epoch 2 is under way; `nearly`: all have a kit of it but Carol."""
    root = tmp_path_factory.mktemp("templates")
    paradux = Paradux(root / "kits", memory).set_up()
    paradux.write_kits(*NAMES)
    found = {"kits": root / "kits"}
    for name, before in (("begun", "kits"), ("nearly", "begun")):
        shutil.copytree(found[before], root / name)
        paradux = Paradux(root / name, memory).unlock()
        if name == "begun":
            paradux.call("rotate")
        else:
            paradux.write_kits("alice", "bob")
        found[name] = root / name
    return found


@pytest.fixture
def make(templates: dict[str, Path], memory: Path, tmp_path: Path) -> Make:
    """An installation of one's own, unlocked, from a template."""

    def copy(name: str) -> Paradux:
        shutil.copytree(templates[name], tmp_path / name)
        return Paradux(tmp_path / name, memory).unlock()

    return copy
