""" "Did you mean ...?", for a name that is not one of those that there are."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64
"""Characters of a name that are compared."""


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that was probably meant, whatever the case."""
    import difflib  # takes as long to load as a client to start

    lowered = {candidate.lower(): candidate for candidate in sorted(valid)}
    close = difflib.get_close_matches(name[:_LONGEST].lower(), lowered, n=1)
    return lowered[close[0]] if close else None


def did_you_mean(name: str, valid: Iterable[str], otherwise: str = "") -> str:
    """A hint: the nearest valid name, or what to do when none is near."""
    meant = nearest(name, valid)
    return f"did you mean {meant}?" if meant else otherwise
