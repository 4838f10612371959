"""What a new operational passphrase must be, for the client that asks for it and the keeper that takes it."""

from __future__ import annotations

SHORTEST = 8
"""Characters of a new passphrase; fewer are guessed in hours, whatever they are."""

LONGEST = 512
"""Bytes; stock cryptsetup takes no more at its prompt."""

FEWEST = 5
"""Different characters; with fewer the rest repeats."""


def refusal(passphrase: str, known: tuple[str, ...] = ()) -> str:
    """Why a new passphrase cannot be used, or nothing. `known`: what everybody knows of the owner."""
    if len(passphrase) < SHORTEST:
        return f"the new passphrase must have at least {SHORTEST} characters"
    if len(passphrase.encode(errors="surrogatepass")) > LONGEST:
        return f"the new passphrase must have at most {LONGEST} bytes"
    if not passphrase.isprintable():
        return "the new passphrase must not hold line feeds or control characters: it could not be typed"
    if len(set(passphrase)) < FEWEST:
        return f"the new passphrase must have at least {FEWEST} different characters"
    if passphrase.casefold().strip() in {name.casefold().strip() for name in known}:
        return "the new passphrase must not be the owner's name or address"
    return ""
