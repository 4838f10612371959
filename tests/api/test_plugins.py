from __future__ import annotations

import os
from pathlib import Path

import pytest

from paraduxd.api.plugins import load_folder

ME = frozenset({os.getuid()})


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
    assert "bad.py" in found.refused[0] and "others may write" in found.refused[0]
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
