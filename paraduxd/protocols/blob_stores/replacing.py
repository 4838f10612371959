"""Giving an object its name at a server that renames onto no existing file.

The earlier object steps aside under a name that is made from its own, the new one takes its place, the earlier one goes. Whenever that
is interrupted, one of the two is whole and can be told from all else: who reads takes the earlier one where there is no object of that
name, and `heal` puts it back or removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from paraduxd.protocols.base import Blob

ASIDE = "_paradux-earlier-"
"""How the names of objects that stepped aside start; no object has such a name. Without a dot: some servers do not list such files."""


def aside(name: str) -> str:
    """Where an object steps aside."""
    return ASIDE + name


def replace(
    temporary: str, name: str, *, rename: Callable[[str, str], object], remove: Callable[[str], object], present: bool
) -> None:
    """Give `temporary` the name of an object that is there. `present`: something lies aside already, which is not needed any more."""
    if present:
        remove(aside(name))
    rename(name, aside(name))
    try:
        rename(temporary, name)
    except BaseException:
        rename(aside(name), name)
        raise
    remove(aside(name))


def shown(blobs: Iterable[Blob]) -> tuple[Blob, ...]:
    """The objects of a listing, sorted by name: one that has stepped aside counts under its own name where there is no newer one."""
    earlier, named = list[Blob](), dict[str, Blob]()
    for blob in blobs:
        if blob.name.startswith(ASIDE):
            earlier.append(Blob(blob.name.removeprefix(ASIDE), blob.size))
        else:
            named[blob.name] = blob
    for blob in earlier:
        named.setdefault(blob.name, blob)
    return tuple(named[name] for name in sorted(named))


def heal(names: Collection[str], *, rename: Callable[[str, str], object], remove: Callable[[str], object]) -> None:
    """What interrupted replacements have left: an object without a newer one gets its name back, all others go."""
    for each in [name for name in names if name.startswith(ASIDE)]:
        name = each.removeprefix(ASIDE)
        if name in names:
            remove(each)
        else:
            rename(each, name)
