"""Writing a kit into a folder: whole or not at all, and never over something else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from paraductl.recovery import kit_writer
from paraductl.recovery.kit_writer import NAME, write_kit
from paraduxd.api.errors import ParaduxError


def a_kit(steward: str = "alice", owner: str = "aa" * 16, **more: bytes) -> dict[str, bytes]:
    manifest = {"owner": {"id": owner, "name": "Fred"}, "steward": {"id": steward, "name": steward.title()}}
    return {"kit.json": json.dumps(manifest).encode(), "share.txt": b"words", "copies/share-2.txt": b"words", **more}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_kit_is_written_for_its_owner_only(tmp_path: Path) -> None:
    target = write_kit(tmp_path / "new" / "alice", "alice", a_kit())
    assert target == tmp_path / "new" / "alice" / NAME
    assert contents(target) == a_kit()
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (target, target / "copies")} == {0o700}
    assert [path.name for path in target.parent.iterdir()] == [NAME], "nothing else is left"


def test_an_earlier_kit_of_the_same_steward_is_replaced(tmp_path: Path) -> None:
    write_kit(tmp_path, "alice", a_kit(**{"old.txt": b"x"}))
    write_kit(tmp_path, "alice", a_kit(**{"new.txt": b"y"}))
    assert contents(tmp_path / NAME) == a_kit(**{"new.txt": b"y"})


def put_foreign_files(folder: Path) -> None:
    (folder / NAME).mkdir()
    (folder / NAME / "thesis.txt").write_text("years of work")


def put_a_symlink(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "thesis.txt").write_text("years of work")
    (folder / NAME).symlink_to(folder / "elsewhere")


def put_a_huge_manifest(folder: Path) -> None:
    (folder / NAME).mkdir()
    (folder / NAME / "kit.json").write_text("[" * 10_000_000)


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (lambda folder: write_kit(folder, "bob", a_kit("bob")), "the kit of bob"),
        (lambda folder: write_kit(folder, "alice", a_kit(owner="bb" * 16)), "another owner's kit"),
        (put_foreign_files, "something that is no kit"),
        (put_a_symlink, "something that is no kit"),
        (put_a_huge_manifest, "something that is no kit"),
        (lambda folder: (folder / NAME).write_text("a file"), "something that is no kit"),
    ],
)
def test_what_is_something_else_stays_unless_its_loss_is_consented_to(tmp_path: Path, put: Any, words: str) -> None:
    put(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ParaduxError, match=words):
        write_kit(tmp_path, "alice", a_kit())
    assert contents(tmp_path) == before
    write_kit(tmp_path, "alice", a_kit(), erase=True)
    assert contents(tmp_path / NAME) == a_kit()
    if (tmp_path / "elsewhere").exists():
        assert contents(tmp_path / "elsewhere"), "what a link leads to is not part of it"


def test_an_empty_folder_of_that_name_is_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    write_kit(tmp_path, "alice", a_kit())
    assert contents(tmp_path / NAME) == a_kit()


def test_a_write_that_fails_leaves_the_earlier_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_kit(tmp_path, "alice", a_kit())

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(kit_writer.linux, "sync_directory", fail)
    with pytest.raises(ParaduxError, match=r"cannot write the kit of alice into .*: Input/output error"):
        write_kit(tmp_path, "alice", a_kit(**{"new.txt": b"y"}))
    assert contents(tmp_path) == {f"{NAME}/{name}": content for name, content in a_kit().items()}


def test_a_disk_that_forgets_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"other words")
    with pytest.raises(ParaduxError, match="reads back from"):
        write_kit(tmp_path, "alice", a_kit())
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kit_writer, "_read_back", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_kit(tmp_path, "alice", a_kit())
    assert list(tmp_path.iterdir()) == []


ON_A_SMALL_DISK = """
import subprocess, sys
from pathlib import Path
from paraductl.recovery.kit_writer import write_kit
from paraduxd.api.errors import ParaduxError
from tests.stewards.test_kit_folder import a_kit, contents

folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
write_kit(folder, "alice", a_kit())
before = contents(folder)
try:
    write_kit(folder, "alice", a_kit(**{"sheet.pdf": bytes(100_000)}))
except ParaduxError as problem:
    print(problem.message)
assert contents(folder) == before
"""


def test_a_full_disk_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    """In a mount namespace of its own, so that the small disk vanishes with the script."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    argv = [*unshare, sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"cannot write the kit of alice into {tmp_path}: No space left on device")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ParaduxError, match=r"cannot write the kit of alice into .*/file/kits: Not a directory"):
        write_kit(tmp_path / "file" / "kits", "alice", a_kit())
