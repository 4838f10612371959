"""Paths to restore, as somebody asks for them: the one rule about which may be."""

from __future__ import annotations

from collections.abc import Iterable

from paraduxd.api.errors import ParaduxError


def cleaned(path: str) -> str:
    """The path without needless dots and slashes ("": everything); raises `ParaduxError` "bad-path" for one that could lead elsewhere."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise ParaduxError(
            "bad-path", "a path to restore must be relative to the dataset, without ..", "correct the path"
        )
    return "/".join(parts)


def check(paths: Iterable[str]) -> None:
    """Raise `ParaduxError` "bad-path" if one of them could lead elsewhere."""
    for path in paths:
        cleaned(path)
