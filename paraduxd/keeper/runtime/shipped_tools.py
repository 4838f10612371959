"""The programs that every kit carries, as this version has them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from paraduxd.core.recovery import kit_tools

_FOLDER = "paraduxd.keeper.kits.documents"


@cache
def tools() -> dict[str, bytes]:
    """Name -> content, with line ends as LF."""
    data = files(_FOLDER) / "data"
    return {name: (data / name).read_text(encoding="utf-8").encode() for name in kit_tools.TOOLS}
