"""Reading a kit from a folder, as somebody who does not trust what is in it: few files, of bounded size, no links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from paraduxd.recovery.session import Material
from paraduxd.recovery.shares import ShareError, read_share
from paraduxd.recovery.words import parse_words

FOLDER = "PARADUX"
PREVIOUS = "previous"

SHARES = ("share.txt", "copies/share-2.txt", "copies/share-3.txt")
"""The share and its copies, for a stick that rots."""

_SMALL, _LARGE = 256 * 1024, 10 * 1024 * 1024
"""Bytes of a text or key, and of an encrypted config."""


def material_from_directory(path: Path, label: str) -> tuple[Material, ...]:
    """What a kit's folder, or the one above it, brings to a recovery; a kit written in a rotation brings two epochs.

    A file that cannot be read is as good as missing; a folder without anything of a kit gives one material without a share.
    """
    kit = path / FOLDER if (path / FOLDER).is_dir() else path
    material = _material(kit, label, SHARES)
    if not (kit / PREVIOUS).is_dir() or (kit / PREVIOUS).is_symlink():
        return (material,)
    return material, _material(kit / PREVIOUS, f"{label} (previous epoch)", SHARES[:1])


def _material(kit: Path, label: str, shares: tuple[str, ...]) -> Material:
    return Material(
        label,
        share_text=_share(kit, shares),
        manifest=_content(kit / "kit.json", _SMALL),
        key=_content(kit / "recovery-key.asc", _SMALL),
        config=_content(kit / "config.gpg", _LARGE),
    )


def _share(kit: Path, names: tuple[str, ...]) -> str | None:
    """The first copy that is a share; else the first that can be read at all, so that somebody is told what is wrong with it."""
    readable = list(_readable(kit, names))
    return next((text for text in readable if _is_share(text)), readable[0] if readable else None)


def _readable(kit: Path, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if (content := _content(kit / name, _SMALL)) is not None:
            yield content.decode("utf-8", "replace")


def _is_share(text: str) -> bool:
    try:
        read_share(parse_words(text))
    except ShareError:
        return False
    return True


def _content(path: Path, most: int) -> bytes | None:
    """A regular file of at most `most` bytes, or nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content if 0 < len(content) <= most else None
