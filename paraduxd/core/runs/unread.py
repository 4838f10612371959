"""What is missing in a pull and in the versions made from it, because it could not be read or stored."""

from __future__ import annotations

from collections.abc import Sequence

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Pulled, Pushed

NAMES_SHOWN = 100
"""So many names are passed on; the rest is counted."""

_LONGEST = 300

ATTRIBUTES = "attributes of "
"""How the name of a file begins of which only the attributes are missing."""


def shown(names: Sequence[bytes]) -> tuple[str, ...]:
    """The first names as text that can be printed anywhere; of a very long one its end."""
    return tuple(_short(printable(name)) for name in names[:NAMES_SHOWN])


def printable(name: bytes) -> str:
    r"""A file name as text; what is no text, and control characters, as \\x..."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"...{name[-_LONGEST:]}"


@dataclass(frozen=True)
class Missing:
    """What a version lacks that is made from a pull: at most `NAMES_SHOWN` names, and how many there are."""

    names: tuple[str, ...] = ()
    count: int = 0


def of_pull(pulled: Pulled) -> Missing:
    """What a push from this pull is told, attributes that could not be stored included."""
    names = (*pulled.unread, *(ATTRIBUTES + name for name in pulled.unstored))
    return Missing(names[:NAMES_SHOWN], unread_in(pulled) + unstored_in(pulled))


def unread_in(pulled: Pulled) -> int:
    """How many things could not be read or stored."""
    return max(pulled.unread_count, len(pulled.unread))


def unstored_in(pulled: Pulled) -> int:
    """Of how many things the attributes could not be stored."""
    return max(pulled.unstored_count, len(pulled.unstored))


def missing_in(pushed: Pushed) -> int:
    """How many things the version lacks that a push has made; 0 as well when nothing is told of it."""
    return max((each.missing for each in pushed.versions or () if each.id == pushed.version), default=0)
