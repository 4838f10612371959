"""What a protocol tells survivors who have common tools and no Paradux: parts of a kit's BY-HAND.txt, in English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Published:
    """Where newer copies of the encrypted config lie, as a kit may tell it.

    `host_keys`: pinned keys of servers by "host:port"; `pattern`: names of the copies wanted, with "*" in it.
    """

    url: str
    pattern: str
    settings: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    host_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ByHand:
    """`data`: how a dataset comes back from a destination of this protocol. Lines that begin with "$ " are commands; words in CAPITALS are
    what the reader finds in the config. `published`: the lines that say how to fetch newer copies of the config from this place.
    """

    data: str = ""
    published: Callable[[Published], Iterator[str]] | None = None
