"""A process of its own that reads transport files and says which are no JSON objects: the supervisor never reads one.

`python -m paraduxd.effects.installation.transport_check DIRECTORY NAME...` writes the names of the bad ones, one a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.effects.files import bounded


def main(argv: list[str]) -> None:
    """Check each file."""
    folder, *names = argv
    for name in names:
        if not _is_whole(Path(folder, name)):
            sys.stdout.write(f"{name}\n")


def _is_whole(path: Path) -> bool:
    try:
        return isinstance(bounded_json.parse(bounded.content(path), "a transport file"), dict)
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
