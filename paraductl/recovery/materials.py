"""What people bring to a recovery, read as the calling user, and how it goes to the keeper."""

from __future__ import annotations

import base64
from pathlib import Path

from paraductl.terminal.input_files import read_text, shown_name
from paraduxd.api.errors import ParaduxError
from paraduxd.shares.collection import Material
from paraduxd.shares.kit_folder import material_from_directory

LONGEST = 10 * 1024 * 1024
"""Bytes of one file."""

_PRIVATE_KEY = b"-----BEGIN PGP PRIVATE KEY BLOCK-----"


def kit(directory: str) -> list[Material]:
    """What is in a kit's folder (`PARADUX` or the one above it); raises `ParaduxError` when there is no such folder."""
    path = Path(directory).expanduser()
    if not path.is_dir():
        raise ParaduxError("unreadable", f"cannot read {directory}: it is not a folder", "name the folder of a kit")
    return list(material_from_directory(path, directory))


def words(file: str) -> list[Material]:
    """Words, or the text of a QR code, from a file or standard input."""
    return [Material(shown_name(file), share_text=read_text(file))]


def config(file: str) -> list[Material]:
    """A published config, or a recovery key. Beside a config in a folder as it was published, the key is taken along."""
    path = Path(file).expanduser()
    content = _read(path)
    if _PRIVATE_KEY in content[:4096]:
        return [Material(file, key=content)]
    epoch = path.name.split("-")[1] if path.name.startswith("config-") else ""
    beside = [path.with_name(f"recovery-key-{epoch}.asc"), path.with_name("recovery-key.asc")]
    keys = [Material(str(key), key=_read(key)) for key in beside if key.is_file()]
    return [Material(file, config=content), *keys[:1]]


def anything(path: Path) -> list[Material]:
    """What a person has named without saying what it is."""
    if path.is_dir():
        if not any(map(_has_something, found := kit(str(path)))):
            raise ParaduxError(
                "no-kit",
                f"{path} is not the folder of a kit: there is no share in it, and nothing else of a kit",
                "give the folder PARADUX of a stick, or the one above it",
            )
        return found
    if path.exists() and not path.is_file():
        raise ParaduxError("no-kit", f"{path} is neither a folder nor a file", "give the folder of a kit, or a file")
    content = _read(path)
    if _PRIVATE_KEY in content[:4096] or not _is_text(content):
        return config(str(path))
    return words(str(path))


def _is_text(content: bytes) -> bool:
    """Whether this may be a share file, whose comments name people in any alphabet; an encrypted config is no UTF-8."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _has_something(material: Material) -> bool:
    return any((material.share_text, material.manifest, material.key, material.config))


def as_plain(material: Material) -> dict[str, str]:
    """A material as it goes over the wire to the keeper (`recover_add`)."""
    plain = {"label": material.label}
    if material.share_text is not None:
        plain["share_text"] = material.share_text
    parts = {"manifest": material.manifest, "key": material.key, "config": material.config}
    return {**plain, **{name: base64.b64encode(part).decode() for name, part in parts.items() if part is not None}}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise ParaduxError(
            "unreadable", f"cannot read {path}: {error.strerror}", "check name and permissions"
        ) from None
    if len(content) > LONGEST:
        raise ParaduxError("too-long", f"{path} is longer than {LONGEST} bytes", "no kit has such a file")
    return content
