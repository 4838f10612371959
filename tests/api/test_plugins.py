from __future__ import annotations

import importlib.util
import os
import py_compile
from pathlib import Path

import pytest

from paraduxd.api import dropins
from paraduxd.api.dropins import load_folder

ME = frozenset({0, os.getuid()})
TOP = dropins.TOP  # before the tests replace it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "protocols.d"
    folder.mkdir(mode=0o755)
    return folder


def write(folder: Path, name: str, text: str, mode: int = 0o644) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_modules_are_loaded_in_the_order_of_their_names(folder: Path) -> None:
    for name in ("b.py", "a.py", "_c.py", ".d.py", "e.txt"):
        write(folder, name, f"NAME = {name!r}")
    assert [module.NAME for module in load_folder(folder, ME).modules] == ["a.py", "b.py"]


def test_a_missing_folder_is_empty(folder: Path) -> None:
    assert load_folder(folder / "none", ME).modules == ()


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_is_left_out_unread(folder: Path, tmp_path: Path, mode: int) -> None:
    write(folder, "bad.py", f"open({str(tmp_path / 'ran')!r}, 'w')", mode)
    write(folder, "good.py", "")
    found = load_folder(folder, ME)
    assert len(found.modules) == 1
    assert "bad.py" in found.refused[0] and "may be written by others" in found.refused[0]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_folder_that_others_may_write_is_ignored(folder: Path, mode: int) -> None:
    write(folder, "good.py", "")
    folder.chmod(mode)
    found = load_folder(folder, ME)
    assert found.modules == () and len(found.refused) == 1


def test_the_owner_must_be_trusted(folder: Path) -> None:
    write(folder, "good.py", "")
    assert load_folder(folder, frozenset({os.getuid() + 1})).modules == ()


def test_a_symbolic_link_is_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "link.py").symlink_to(write(tmp_path, "elsewhere.py", ""))
    assert load_folder(folder, ME).modules == ()


@pytest.mark.parametrize(
    "text", ["raise RuntimeError('secret')", "import nothing_like_that", "(", "import sys; sys.exit(3)"]
)
def test_a_broken_module_is_named_and_hurts_nobody(folder: Path, text: str) -> None:
    write(folder, "broken.py", text)
    write(folder, "good.py", "GOOD = True")
    found = load_folder(folder, ME)
    assert [module.__name__.endswith("good") for module in found.modules] == [True]
    assert "broken.py" in found.refused[0] and "secret" not in found.refused[0]


def test_a_planted_pycache_is_not_run_instead_of_the_file(folder: Path, tmp_path: Path) -> None:
    """One whose time and size, by which Python trusts it, are those of the file."""
    path = write(folder, "good.py", "WHO = 'root'")
    planted = write(tmp_path, "good.py", "WHO = 'evil'")
    for made in (path, planted):
        os.utime(made, (1_700_000_000, 1_700_000_000))
    cached = folder / "__pycache__" / Path(importlib.util.cache_from_source(str(path))).name
    py_compile.compile(str(planted), str(cached), doraise=True)
    (module,) = load_folder(folder, ME).modules
    assert module.WHO == "root"


def test_nothing_compiled_is_left_behind(folder: Path) -> None:
    write(folder, "good.py", "")
    assert len(load_folder(folder, ME).modules) == 1
    assert [path.name for path in folder.iterdir()] == ["good.py"]


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777])
def test_a_folder_below_one_that_others_may_write_is_ignored(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "etc" / "paradux" / "protocols.d"
    folder.mkdir(parents=True)
    write(folder, "good.py", "")
    (tmp_path / "etc").chmod(mode)
    found = load_folder(folder, ME)
    assert found.modules == () and "etc, on the way to it, may be written by others" in found.refused[0]
    (tmp_path / "etc").chmod(0o755)
    assert len(load_folder(folder, ME).modules) == 1


def test_all_the_way_up_is_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path("/") == TOP
    (folder.parent / "open").mkdir()
    (folder.parent / "open").chmod(0o1777)
    below = folder.parent / "open" / "protocols.d"
    below.mkdir()
    write(below, "good.py", "")
    monkeypatch.setattr(dropins, "TOP", TOP)
    assert load_folder(below, ME).modules == ()
