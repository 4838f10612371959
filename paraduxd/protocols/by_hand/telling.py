"""What a protocol can tell, and what it is told about a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class PublishedAt:
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
    """`data`: how a dataset comes back from a destination in the protocol's own form; `archives`: how all files of a place come into the
    folder ARCHIVES, for encrypted archives; `published`: the lines that say how to fetch newer copies of the config from such a place.

    `elsewhere`: what is different on macOS and Windows.
    """

    data: str = ""
    archives: str = ""
    elsewhere: str = ""
    published: Callable[[PublishedAt], Iterator[str]] | None = None


def lines(text: str, longest: int = 2000) -> Iterator[str]:
    """A file to be saved, with the blanks in front that mark it."""
    for line in text.splitlines():
        yield "    " + "".join(each if each.isprintable() else "?" for each in line)[:longest]
