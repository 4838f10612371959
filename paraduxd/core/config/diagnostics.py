"""What is wrong with a config, where, and what was expected.

A problem never repeats a value of the config, because that may be a secret. It may repeat the names of keys, and well-formed ids and fates,
which are no secret: the plan holds them too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Literal

from paraduxd.api.frozen import dataclass
from paraduxd.api.suggestions import did_you_mean

Level = Literal["error", "warning"]
Path = tuple[str | int, ...]
"""Where something stands in the document: keys and list indexes from the outermost object."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_LONGEST_KEY = 64


@dataclass(frozen=True)
class Diagnostic:
    """A problem before it has a line: `at_key` points to the key rather than to its value."""

    level: Level
    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


@dataclass(frozen=True)
class PlacedDiagnostic:
    """One error or warning; line and column count characters from 1, `path` is like `datasets[0].source.every`."""

    level: Level
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def to_json_value(self) -> dict[str, object]:
        """The problem as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """One line: where, what, and what to do."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.line}:{self.column} {self.path or 'document'}: {self.message}{hint}"


def path_text(path: Path) -> str:
    """A path as people read it: `datasets[0].source.every`; odd keys are quoted: `hosts["a:22"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part) and len(part) <= _LONGEST_KEY:
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text


def quoted(key: str) -> str:
    """A key between quotes, shortened, with nothing in it that a terminal would obey."""
    return json.dumps(key if len(key) <= _LONGEST_KEY else key[:_LONGEST_KEY] + "...")


def suggestion(name: str, valid: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest valid one, or all of them."""
    candidates = sorted(valid)
    return did_you_mean(name, candidates, f"known here: {', '.join(candidates)}" if candidates else "")
