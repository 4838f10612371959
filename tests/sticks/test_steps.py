"""What a worker does with a stick, on a folder: look, write, read, check up; sound sticks and such as want to do harm."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery.kit_tools import ARCHIVE
from paraduxd.core.runs.orders import Step
from paraduxd.effects.devices import kit_files
from paraduxd.worker.kits import kit_check
from tests.kits.kit_rig import write_kit
from tests.sticks.stick_folder import Folder, by_the_program

Kit = dict[str, bytes]


_SAID = "".join(Path(str(module.__file__)).read_text() for module in (kit_check, kit_files)).lower()


def words(kit: Kit) -> set[str]:
    """The words of the share, without those that a report may have of its own: a share is random, and "damage" a word of SLIP-39."""
    lines = kit["share.txt"].decode().splitlines()
    found = {word for line in lines if not line.startswith("#") for word in line.split() if word.isalpha()}
    return {word for word in found if len(word) > 5 and word not in _SAID}


def test_a_kit_is_written_read_back_and_found_whole(stick: Folder, earlier: Kit) -> None:
    done = by_the_program(stick.writing(earlier))
    assert (done["files"], done["bytes"]) == (len(earlier), sum(map(len, earlier.values())))
    assert stick.contents() == {f"PARADUX/{name}": data for name, data in earlier.items()}
    assert stick.read() == earlier
    found = by_the_program(stick.checking())
    assert (found["steward"], found["epoch"], found["serial"], found["signed"]) == ("alice", 1, 7, True)
    assert (found["problems"], found["copies"], found["bytes"]) == ([], 3, done["bytes"])
    assert ARCHIVE in found["reads"]


def test_a_later_kit_takes_the_place_of_the_earlier_one_and_leaves_nothing_of_it(
    stick: Folder, earlier: Kit, later: Kit
) -> None:
    stick.write({**earlier, "of-an-old-version.txt": b"x"})
    stick.write(later)
    assert stick.contents() == {f"PARADUX/{name}": data for name, data in later.items()}
    assert stick.check()["serial"] == 8


@pytest.mark.parametrize("name", ["paradux", "PARADUX (1)", "Copy of PARADUX", "."])
def test_a_kit_that_was_copied_is_found_under_another_name(stick: Folder, earlier: Kit, name: str) -> None:
    stick.write(earlier)
    (stick.path / "PARADUX").rename(stick.path / "between")
    if name == ".":
        for entry in (stick.path / "between").iterdir():
            entry.rename(stick.path / entry.name)
    else:
        (stick.path / "between").rename(stick.path / name)
    found = by_the_program(stick.order(Step.KIT_READ))["files"]
    assert {file: base64.b64encode(content).decode() for file, content in earlier.items()}.items() <= found.items()


def test_what_is_not_the_kit_stays_as_it_is(stick: Folder, earlier: Kit) -> None:
    litter = stick.path / "System Volume Information"
    litter.mkdir()
    (litter / "WPSettings.dat").write_bytes(b"12")
    stick.write(earlier)
    assert (litter / "WPSettings.dat").read_bytes() == b"12"


@pytest.mark.parametrize(
    ("steward", "more", "why"),
    [
        ("bob", {}, "it holds the kit of Alice Archer, and Bob's is next"),
        ("alice", {"beside": ("the stick Kingston",)}, "the stick Kingston is plugged in as well"),
    ],
)
def test_a_refused_stick_is_the_same_byte_for_byte(
    stick: Folder, earlier: Kit, steward: str, more: dict[str, tuple[str, ...]], why: str
) -> None:
    stick.write(earlier)
    before = stick.contents()
    with pytest.raises(ParaduxError, match=why) as refused:
        by_the_program(stick.writing(earlier, steward, **more))
    assert refused.value.code == "refused"
    assert stick.contents() == before


def test_other_data_is_named_and_untouched(stick: Folder, earlier: Kit) -> None:
    (stick.path / "FOTOS").mkdir()
    (stick.path / "FOTOS/1.jpg").write_bytes(b"years")
    with pytest.raises(ParaduxError, match=r"it holds other data \(FOTOS\)"):
        stick.write(earlier)
    assert stick.contents() == {"FOTOS/1.jpg": b"years"}


def test_a_stick_that_fills_up_meanwhile_is_as_before(
    stick: Folder, earlier: Kit, later: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick.write(earlier)
    written = iter(range(5))

    def filling(root: int, path: str, data: bytes) -> None:
        if next(written, None) is None:
            raise OSError(28, "No space left on device")
        real(root, path, data)

    real = kit_files._write_file
    monkeypatch.setattr(kit_files, "_write_file", filling)
    with pytest.raises(ParaduxError, match="is full; what was on it is unchanged") as full:
        stick.write(later)
    assert full.value.code == "stick-full"
    assert stick.contents() == {f"PARADUX/{name}": data for name, data in earlier.items()}


@pytest.mark.parametrize("name", ["../thesis.txt", "/thesis.txt", "a/b/c", "copies/../../x", "."])
def test_a_kit_cannot_be_made_to_leave_its_folder(stick: Folder, name: str) -> None:
    with pytest.raises((ParaduxError, ValueError)):
        stick.write({"kit.json": b"{}", name: b"x"})
    assert {path.split("/")[0] for path in stick.contents()} <= {"PARADUX.new"}
    assert sorted(path.name for path in stick.path.parent.iterdir()) == ["stick"]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda kit: (kit / "share.txt").write_bytes(b"academic acid"), "share.txt is damaged"),
        (lambda kit: (kit / "config.gpg").unlink(), "config.gpg is missing"),
        (lambda kit: (kit / "SHA256SUMS").write_text("rubbish"), "SHA256SUMS is damaged"),
        (lambda kit: (kit / "START-HERE.html").write_bytes(b"send it to eve"), "START-HERE.html is damaged"),
        (lambda kit: (kit / "EXTRA.exe").write_bytes(b"MZ"), "EXTRA.exe does not belong to the kit"),
        (lambda kit: (kit / "kit.json").write_bytes(b"[" * 100_000), "kit.json is damaged"),
        (lambda kit: (kit / "kit.json").unlink(), "kit.json is missing"),
        (lambda kit: os.truncate(kit / "kit.json", 1 << 30), "kit.json is too long to belong to a kit"),
        (lambda kit: _replaced(kit / "kit.json").mkdir(), "kit.json is missing"),
        (lambda kit: os.mkfifo(_replaced(kit / "share.txt")), "share.txt is not an ordinary file"),
        (lambda kit: _replaced(kit / "share.txt").symlink_to("/etc/passwd"), "share.txt is not an ordinary file"),
        (lambda kit: _replaced(kit / "share.txt").symlink_to("/dev/zero"), "share.txt is not an ordinary file"),
        (lambda kit: [(kit / f"f{number}").touch() for number in range(3000)], ". holds more than a kit does"),
        (lambda kit: (kit / "a\n\x1b[31mb").touch(), "a??[31mb does not belong to the kit"),
        (lambda kit: Path(os.fsdecode(bytes(kit) + b"/\xff\xfe")).touch(), "?? does not belong to the kit"),
        (lambda kit: (kit / ("x" * 255)).touch(), f"{'x' * 80} does not belong to the kit"),
        (lambda kit: (kit / "deep/er/still").mkdir(parents=True), "deep/er is not an ordinary file"),
    ],
)
def test_a_check_up_names_what_is_wrong_and_never_a_word_of_the_share(
    stick: Folder, earlier: Kit, spoil: object, problem: str
) -> None:
    write_kit(earlier, stick.path)
    spoil(stick.kit)  # type: ignore[operator]
    found = by_the_program(stick.checking())
    assert any(each.startswith(problem) for each in found["problems"]), found["problems"]
    assert len(found["problems"]) <= 20
    assert found["bytes"] <= kit_files.MAX_BYTES
    text = json.dumps(found)
    assert len(text) < 20_000
    assert not {word for word in words(earlier) if word in text}


def _replaced(path: Path) -> Path:
    path.unlink()
    return path


def test_a_manifest_that_somebody_else_made_is_told_apart(stick: Folder, earlier: Kit) -> None:
    manifest = json.loads(earlier["kit.json"])
    forged = {**earlier, "kit.json": json.dumps({**manifest, "serial": 99}).encode()}
    write_kit(forged, stick.path)
    found = stick.check()
    assert found["signed"] is False
    assert "kit.json is not signed by the owner's recovery key of epoch 1" in found["problems"]


def test_damaged_copies_are_counted(stick: Folder, earlier: Kit) -> None:
    write_kit(earlier, stick.path)
    (stick.kit / "copies/share-2.txt").write_bytes(b"academic acid")
    assert "2 of 3 copies of the share are good" in stick.check()["problems"]


def test_no_kit_at_all_is_a_finding(stick: Folder) -> None:
    assert stick.check()["problems"] == ["there is no kit any more"]
    with pytest.raises(ParaduxError, match="holds no kit"):
        stick.read()


def test_a_link_in_place_of_the_folder_is_not_followed(stick: Folder, earlier: Kit, tmp_path: Path) -> None:
    write_kit(earlier, tmp_path / "elsewhere")
    stick.kit.symlink_to(tmp_path / "elsewhere/PARADUX")
    assert by_the_program(stick.checking())["problems"] == ["the kit cannot be read"]
    with pytest.raises(ParaduxError, match="holds no kit"):
        by_the_program(stick.order(Step.KIT_READ))
    assert stick.look()["seen"]["kit"] == []
    with pytest.raises(ParaduxError, match="a damaged kit that does not say whose it is"):
        stick.write(earlier)


def test_all_that_is_read_of_a_huge_kit_is_bounded(stick: Folder, earlier: Kit) -> None:
    write_kit(earlier, stick.path)
    for number in range(10):
        (stick.kit / f"A{number}").touch()
        os.truncate(stick.kit / f"A{number}", kit_files.MAX_FILE)
    found = by_the_program(stick.order(Step.KIT_READ))
    assert sum(map(len, found["files"].values())) <= kit_files.MAX_BYTES * 4 / 3 + 4 * kit_files.MAX_FILES
    assert found["troubles"]


def test_a_file_that_is_longer_than_it_says_is_cut_off() -> None:
    folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert os.stat("kallsyms", dir_fd=folder).st_size == 0
        with pytest.raises(OSError, match="too long"):
            kit_files.content(folder, "kallsyms", 1000)
    finally:
        os.close(folder)


def test_a_stick_that_reads_too_slowly_is_given_up(stick: Folder, earlier: Kit) -> None:
    write_kit(earlier, stick.path)
    root = os.open(stick.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = kit_files.read_kit(root, "PARADUX", patience=-1.0)
    finally:
        os.close(root)
    assert found.files == {}
    assert found.troubles == {".": "holds more than a kit does, or reads too slowly"}


def test_a_kit_that_changes_while_it_is_read_is_whole_or_named(stick: Folder, earlier: Kit) -> None:
    write_kit(earlier, stick.path)
    over = threading.Event()

    def change() -> None:
        while not over.is_set():
            for data in (b"", earlier["share.txt"], b"x" * 100_000):
                (stick.kit / "share.txt").write_bytes(data)
            (stick.kit / "copies/share-2.txt").unlink(missing_ok=True)
            (stick.kit / "copies/share-2.txt").mkdir()
            (stick.kit / "copies/share-2.txt").rmdir()

    changer = threading.Thread(target=change)
    changer.start()
    try:
        found = [stick.check() for _ in range(20)]
    finally:
        over.set()
        changer.join()
    for each in found:
        about = {problem.split()[0] for problem in each["problems"]}
        assert about <= {"share.txt", "copies/share-2.txt", "1", "2", "3", "0"}, each["problems"]
        assert not {word for word in words(earlier) if word in json.dumps(each)}


@pytest.fixture
def deep_tree(stick: Folder) -> Iterator[None]:
    """Folders in folders where a new kit is written, more than some versions of Python can walk."""
    inner = os.open(stick.path, os.O_RDONLY | os.O_DIRECTORY)
    for name in ("PARADUX.new", *["d"] * 1500):
        os.mkdir(name, dir_fd=inner)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=inner)
        os.close(inner)
        inner = below
    os.close(inner)
    yield
    subprocess.run(["rm", "-rf", str(stick.path)], check=True)


@pytest.mark.usefixtures("deep_tree")
def test_a_deep_tree_where_the_new_kit_belongs_harms_nobody(stick: Folder, earlier: Kit) -> None:
    assert stick.check()["problems"] == ["the kit is void: its writing was cut off"]
    with pytest.raises(ParaduxError, match="a damaged kit that does not say whose it is"):
        by_the_program(stick.writing(earlier))
    try:
        by_the_program(stick.writing(earlier, known=True))
    except ParaduxError as problem:  # before Python 3.13, shutil.rmtree gives up at such a depth
        assert (problem.code, "failed or was pulled out" in problem.message) == ("void", True)
    else:
        assert stick.check()["problems"] == []
