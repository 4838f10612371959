"""Passphrases as they come in: text that the vault can take, and new ones that are not guessed at once."""

from __future__ import annotations

from paraduxd.api.errors import ParaduxError
from paraduxd.api.typed.passphrase_rules import refusal


def encoded(passphrase: str) -> bytes:
    """The passphrase as the vault takes it; raises `ParaduxError` for what is no text (half of a surrogate pair)."""
    try:
        return passphrase.encode()
    except UnicodeEncodeError:
        raise ParaduxError(
            "bad-passphrase", "a passphrase must be text that can be written in UTF-8", "type it again"
        ) from None


def acceptable(new: str, *known: str) -> bytes:
    """A new passphrase as the vault takes it; raises `ParaduxError` for one that is guessed at once. `known`: the owner's name and mail."""
    passphrase = encoded(new)
    if problem := refusal(new, known):
        raise ParaduxError("bad-passphrase", problem, "choose another one, for example four random words")
    return passphrase
