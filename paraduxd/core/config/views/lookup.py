"""Finding one part of a config by a path such as `datasets.home.source.url`, `stewards[0]` or `policy`."""

from __future__ import annotations

import re

from paraduxd.api.errors import ParaduxError
from paraduxd.api.suggestions import did_you_mean

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def lookup(document: object, path: str) -> object:
    """The part at `path`; a list is entered by index or by an entry's id. Raises `ParaduxError` naming the nearest."""
    part = document
    for name, index in _STEP.findall(path):
        part = _by_index(part, int(index), path) if index else _by_name(part, name, path)
    return part


def _by_index(part: object, index: int, path: str) -> object:
    if not isinstance(part, list) or index >= len(part):
        raise ParaduxError("not-found", f"the config has nothing at {path}")
    return part[index]


def _by_name(part: object, name: str, path: str) -> object:
    if isinstance(part, list):
        part = {entry["id"]: entry for entry in part if isinstance(entry, dict) and "id" in entry}
    if not isinstance(part, dict):
        raise ParaduxError("not-found", f"the config has nothing at {path}")
    if name not in part:
        raise ParaduxError("not-found", f"the config has nothing at {path}", did_you_mean(name, part))
    return part[name]
