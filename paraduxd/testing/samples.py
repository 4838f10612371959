"""Directories with everything that file systems allow, and how to compare two of them."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

_NAMES = (
    b"$(touch x)",
    b"`touch x`",
    b"-rf",
    b"--delete",
    b"new\nline",
    b"tab\there",
    b"quote'and\"quote",
    b"back\\slash",
    b"latin1-caf\xe9",
    b"\xff\xfe",
    "ünïcødé-日本".encode(),
    b" leading",
    b"trailing ",
    b"#comment",
    b";comment",
    b"- rule",
    b"!",
    b"star*[a-z]?",
    b"host:path",
    b"::module",
    b"~",
    b"{a,b}",
    b"%n",
    b"\\#012",
    b"n" * 255,
)
HOSTILE_NAMES = tuple(os.fsdecode(name) for name in _NAMES)
"""File names that must stay data; those that are not UTF-8 are written with surrogate escapes."""

_TIME = 1_700_000_000_123_456_789
Snapshot = dict[str, tuple[object, ...]]


def write_sample(root: Path) -> int:
    """Fill a directory with hostile names, links, modes, times, empty and big files; how many regular files that makes."""
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(HOSTILE_NAMES):
        (root / name).write_text(f"hostile {number}")
        (root / "directories" / name).mkdir(parents=True)
        (root / "directories" / name / name).write_text(f"inside {number}")
    (root / "empty directory" / "nested").mkdir(parents=True)
    (root / "zero").touch()
    (root / "big").write_bytes(os.urandom(1 << 20) * 3)
    with (root / "sparse").open("wb") as file:
        file.truncate(4 << 20)
    _write_links(root)
    for mode in (0o400, 0o640, 0o755):
        (root / f"mode-{mode:o}").write_text("mode")
        (root / f"mode-{mode:o}").chmod(mode)
    _set_times(root)
    return len(files(root))


def _write_links(root: Path) -> None:
    (root / "link").symlink_to("zero")
    (root / "dangling").symlink_to("no such file")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "linked-directory").symlink_to("directories")
    (root / "hard-1").write_text("one inode")
    (root / "hard-2").hardlink_to(root / "hard-1")


def _set_times(root: Path) -> None:
    """Old times with nanoseconds, children before their directories."""
    for path in sorted([root, *root.rglob("*")], reverse=True):
        if not path.is_symlink():
            os.utime(path, ns=(_TIME, _TIME))


def snapshot(root: Path) -> Snapshot:
    """Everything that a copy must keep, by relative path: kind, mode, time, content, and which paths are one file."""
    inodes: dict[int, str] = {}
    return {str(path.relative_to(root)): _describe(path, inodes) for path in sorted(root.rglob("*"))}


def _describe(path: Path, inodes: dict[int, str]) -> tuple[object, ...]:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return ("link", str(path.readlink()))
    described = (oct(stat.S_IMODE(status.st_mode)), status.st_mtime_ns)
    if stat.S_ISDIR(status.st_mode):
        return ("directory", *described)
    first = inodes.setdefault(status.st_ino, path.name) if status.st_nlink > 1 else path.name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ("file", *described, digest, first)


def contents(root: Path) -> Snapshot:
    """As `snapshot`, without directories and times: for comparing after files were written one by one."""
    return {path: (entry[0], *entry[3:]) for path, entry in snapshot(root).items() if entry[0] == "file"}


def files(root: Path) -> list[str]:
    """The relative paths of all regular files."""
    return [path for path, entry in snapshot(root).items() if entry[0] == "file"]


def write_files(root: Path, count: int, size: int = 10) -> None:
    """Plain files f00, f01, ... of random bytes."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (root / f"f{number:02}").write_bytes(os.urandom(size))
