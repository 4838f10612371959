"""File systems as they are made on sticks and found there: the real programs, on files in the place of devices."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_rules import SMALLEST, Stick
from paraduxd.effects.devices import block_device, stick_mount

SIZE = SMALLEST


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """As large as the smallest stick that is formatted, and empty."""
    path = tmp_path / "stick.img"
    path.touch()
    os.truncate(path, SIZE)
    return path


@pytest.mark.parametrize(("kind", "check"), [("vfat", "fsck.vfat"), ("exfat", "fsck.exfat")])
@pytest.mark.parametrize("before", ["nothing", "the same", "ext4", "partitions", "random"])
def test_a_file_system_is_made_that_its_own_checker_finds_sound(
    image: Path, kind: str, check: str, before: str
) -> None:
    put(before, image, kind)
    block_device.make_file_system(str(image), kind)
    found = block_device.probe(str(image))
    assert (found["TYPE"], found["LABEL"]) == (kind, "PARADUX")
    assert found["UUID"]
    assert kind == "exfat" or found["VERSION"] == "FAT32"
    assert found.get("PTTYPE") != "gpt", "nothing is left of what was there"
    run(check, "-n", str(image))


def put(what: str, image: Path, kind: str = "vfat") -> None:
    """Something that a stick may have been before."""
    commands = {
        "ext4": ["mke2fs", "-q", "-F", "-t", "ext4"],
        "swap": ["mkswap", "--quiet"],
        "luks": ["cryptsetup", "luksFormat", "--batch-mode", "--pbkdf-force-iterations=4", "--pbkdf-memory=32"],
        "the same": block_device.format_command("", kind)[:-1],
        "partitions": ["sfdisk", "--quiet"],
    }
    if what == "random":
        image.write_bytes(os.urandom(SIZE))
    elif what != "nothing":
        standard_input = "label: gpt\n,20M\n,20M\n" if what == "partitions" else "passphrase"
        more = ["-"] if what == "luks" else []
        run(*commands[what], str(image), *more, standard_input=standard_input)


def run(*command: str, standard_input: str = "") -> None:
    """Run a program of an administrator's; it must end well."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    subprocess.run(
        ["/usr/bin/env", f"PATH={path}", *command], input=standard_input, text=True, check=True, capture_output=True
    )


def test_a_failure_to_format_is_told_with_the_tools_own_words(image: Path) -> None:
    os.truncate(image, 4096)
    with pytest.raises(ParaduxError, match=r"cannot be formatted: mkfs\.vfat says: ") as failed:
        block_device.make_file_system(str(image), "vfat")
    assert failed.value.code == "void"


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("nothing", ""),
        ("ext4", "a file system of another kind (ext4)"),
        ("swap", "a file system of another kind (swap)"),
        ("luks", "encrypted data"),
        ("partitions", "a partition table without a file system"),
        ("random", ""),
    ],
)
def test_what_is_no_file_system_of_ours_is_named_without_being_mounted(image: Path, what: str, sentence: str) -> None:
    put(what, image)
    stick = Stick(device=str(image), size=SIZE, volume=str(image), fs=block_device.probe(str(image)).get("TYPE"))
    assert stick_mount.foreign(stick) == sentence
    assert block_device.is_blank(str(image), SIZE) == (what == "nothing")
    with pytest.raises(ParaduxError, match="has no FAT or exFAT file system"):
        stick_mount._mount(stick, writable=False)


@pytest.mark.parametrize("filler", [b"\0", b"\xff"], ids=["zeros", "ones"])
@pytest.mark.parametrize("place", [None, 0, SIZE // 2, SIZE - 1])
def test_blank_is_what_holds_nothing_but_zeros_or_ones(image: Path, filler: bytes, place: int | None) -> None:
    image.write_bytes(filler * SIZE)
    if place is not None:
        with image.open("r+b") as file:
            file.seek(place)
            file.write(b"x")
    assert block_device.is_blank(str(image), SIZE) is (place is None)


@pytest.mark.parametrize("node", ["/dev/no-such-disk", "/dev/null", "/etc/passwd", "/dev", "-f"])
def test_what_is_no_block_device_is_refused(node: str) -> None:
    with pytest.raises(ParaduxError, match="is not a block device of this machine"):
        block_device.describe(node)


def test_a_device_of_this_machine_is_described_and_is_no_stick() -> None:
    disk = next(path for path in Path("/sys/class/block").iterdir() if not (path / "partition").exists())
    stick = block_device.of_sysfs(disk.resolve())
    assert stick.device == f"/dev/{disk.name}"
    assert stick.size == int((disk / "size").read_text()) * 512
    assert (stick.whole, stick.usb, stick.serial) == (True, False, None)


def test_a_stick_whose_hardware_lies_about_its_name_cannot_write_lines(tmp_path: Path) -> None:
    usb = tmp_path / "usb1/1-1"
    disk = usb / "host0/block/sdb"
    (disk / "device").mkdir(parents=True)
    (disk / "device/model").write_bytes(b"\x1b[2JGood\nYour kit is safe\xff" * 20)
    (usb / "idVendor").write_text("0781\n")
    (usb / "serial").write_text("4C53\n\n")
    stick = block_device.of_sysfs(disk)
    assert stick.name.isprintable()
    assert len(stick.name) < 200
    assert (stick.serial, stick.usb, stick.size) == ("4C53", True, 0)
    assert stick.read_only, "what cannot be read counts against it"
    assert not stick.removable
