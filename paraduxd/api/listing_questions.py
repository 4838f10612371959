"""What calls about versions are asked: values that travel from the client through the daemon into the order of a worker."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass

LS, FIND, DIFF = "ls", "find", "diff"
"""What can be asked."""


@dataclass(frozen=True)
class Question:
    """A look into versions. `version`, `other`: numbers or ids; `at`: RFC 3339; `after`: so much of the answer was given before."""

    ask: str
    version: str | None = None
    other: str | None = None
    at: str | None = None
    path: str = ""
    pattern: str = ""
    recursive: bool = False
    after: int = 0


@dataclass(frozen=True)
class RestoreOptions:
    """How a restore is done. `version`: number or id; `in_place`: into the source, only what is missing there, or with `newer` older there;
    `dry_run`: nothing is written; `owners`: "UID=UID:GID", or "*=UID:GID" for all others: what belonged to one belongs to another then.
    """

    version: str | None = None
    in_place: bool = False
    newer: bool = False
    dry_run: bool = False
    owners: tuple[str, ...] = ()
