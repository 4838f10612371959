"""USB sticks as image files: made on the host, plugged into a guest, read back on the host with mtools."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from pathlib import Path

START = 2048
"""First sector of the partition of a stick that has a table."""

_SECTOR = 512


def blank(path: Path, megabytes: int = 64, *, kind: str = "vfat", table: bool = True, label: str = "STICK") -> Path:
    """A stick as from the shop: one partition (or none: `table` false) with FAT32 or exFAT ("vfat", "exfat")."""
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    if table:
        code = "c" if kind == "vfat" else "7"
        _run("sfdisk", "--quiet", str(path), stdin=f"label: dos\nstart={START}, type={code}\n")
    if kind == "vfat":
        offset = ["--offset", str(START)] if table else []
        _run(
            "mkfs.vfat",
            "-F",
            "32",
            "-n",
            label,
            *offset,
            str(path),
            str((megabytes << 10) - START // 2 if table else megabytes << 10),
        )
    else:
        _make_exfat(path, megabytes, label, START if table else 0)
    return path


def ext4(path: Path, megabytes: int = 64) -> Path:
    """A stick that panics a kernel which mounts it and writes: `errors=panic`, and an inode table that is not as it should be."""
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    _run("mke2fs", "-q", "-t", "ext4", "-e", "panic", str(path))
    return path


def broken(path: Path, seed: int = 1) -> Path:
    """A FAT whose tables and folders are noise, behind a boot sector that looks well."""
    blank(path)
    with path.open("r+b") as file:
        file.seek((START + 32) * _SECTOR)
        file.write(random.Random(seed).randbytes(4 << 20))
    return path


def read(path: Path, name: str, *, table: bool = True) -> bytes:
    """A file of a FAT stick."""
    return subprocess.run(
        ["mcopy", "-i", _place(path, table), f"::{name}", "-"], check=True, capture_output=True, env=_environment()
    ).stdout


def put(path: Path, name: str, data: bytes, *, table: bool = True) -> None:
    """Write a file to the top folder of a FAT stick."""
    _run("mcopy", "-o", "-i", _place(path, table), "-", f"::{name}", stdin=data.decode("latin-1"))


def copy_out(path: Path, folder: Path, *, table: bool = True) -> Path:
    """All of a FAT stick, as a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _run("mcopy", "-s", "-n", "-m", "-i", _place(path, table), "::*", str(folder))
    return folder


def names(path: Path, *, table: bool = True) -> list[str]:
    """Every path on a FAT stick; folders end in a slash."""
    argv = ["mdir", "-/", "-b", "-i", _place(path, table), "::"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=_environment())
    assert done.returncode == 0 or 'File "::" not found' in done.stderr, done.stderr  # so it says of an empty one
    listed = done.stdout
    return sorted(line.removeprefix("::/") for line in listed.splitlines() if line)


def is_sound(path: Path) -> bool:
    """Whether fsck finds nothing wrong with the FAT of a stick that has a table, beyond that it was not unmounted."""
    part = path.with_suffix(".part")
    part.write_bytes(path.read_bytes()[START * _SECTOR :])
    done = subprocess.run(
        ["fsck.vfat", "-n", str(part)], check=False, capture_output=True, text=True, env=_environment()
    )
    part.unlink()
    return done.returncode == 0 or "Dirty bit" in done.stdout


def uuid(path: Path, *, table: bool = True) -> str:
    """The UUID of a FAT32, as udev writes it."""
    with path.open("rb") as file:
        file.seek((START * _SECTOR if table else 0) + 67)
        (number,) = struct.unpack("<I", file.read(4))
    return f"{number >> 16:04X}-{number & 0xFFFF:04X}"


def _make_exfat(path: Path, megabytes: int, label: str, start: int) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.truncate((megabytes << 20) - start * _SECTOR)
    _run("mkfs.exfat", "-L", label, str(part))
    with path.open("r+b") as file:
        file.seek(start * _SECTOR)
        file.write(part.read_bytes())
    part.unlink()


def _place(path: Path, table: bool) -> str:
    return f"{path}@@{START * _SECTOR}" if table else str(path)


def _environment() -> dict[str, str]:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {**os.environ, "PATH": path, "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"}


def _run(*argv: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, errors="surrogateescape", input=stdin, env=_environment()
    )
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}\n{done.stderr}"
    return done.stdout
