"""Opening encrypted configs with everything that is at hand: each secret, each key, and what opened configs themselves hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import islice
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.recovery.candidates import CandidateConfig, found_in
from paraduxd.effects.crypto.gpg import Gpg, private_gpg

Sealed = tuple[str, bytes]
"""Where an encrypted config was found, and its bytes."""

MOST_PAIRS = 256
"""Pairs of a secret and a key that are tried; an honest recovery has a few."""

_FOREIGN = "its config does not open with these secrets and keys"


@dataclass(frozen=True)
class Opened:
    """What was opened, with the secret that did it; what nothing opens, a sentence for each; all secrets and keys known now."""

    found: tuple[tuple[str, CandidateConfig], ...] = field(repr=False)
    closed: tuple[Sealed, ...] = field(repr=False)
    refused: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)


def open_all(sealed: Sequence[Sealed], keys: Sequence[str], secrets: Sequence[str], memory: Path) -> Opened:
    """Try every secret with every key. What an opened config holds of other epochs is used as well.

    A kit of a rotation that was cancelled opens a config in which the secret of the epoch in force stands.
    """
    opening = _Everything(sealed, keys, secrets, memory)
    opening.run()
    closed = tuple(opening.closed.values())
    return Opened(tuple(opening.found), closed, opening.refused(), tuple(opening.secrets), tuple(opening.keys))


def open_configs(
    sealed: Sequence[Sealed], keys: Sequence[str], secret: str, memory: Path
) -> tuple[list[CandidateConfig], list[str], tuple[str, ...]]:
    """What one secret opens with these private keys: the configs, a sentence for each that it does not open, and the keys that fit."""
    found: dict[int, CandidateConfig] = {}
    reasons: dict[int, str] = {}
    fitting: list[str] = []
    for key in keys:
        opened = _open(dict(enumerate(sealed)), key, secret, memory, reasons)
        found = {**opened, **found}
        fitting += [key] if opened else []
    refused = [reasons[number] for number in sorted(reasons) if number not in found]
    return [found[number] for number in sorted(found)], refused, tuple(dict.fromkeys(fitting))


def import_locked(gpg: Gpg, key: str, secret: str) -> str:
    """Take a key of unknown origin into `gpg`; gives its fingerprint, or raises `ParaduxError` "foreign" if the secret does not lock it."""
    fingerprint = gpg.import_key(key, secret)
    if not gpg.is_locked_by(fingerprint, secret):
        raise ParaduxError("foreign", "the secret does not open the recovery key there", "see who can write there")
    return fingerprint


class _Everything:
    """What is still closed, and what may open it; both change while configs are opened."""

    def __init__(self, sealed: Sequence[Sealed], keys: Sequence[str], secrets: Sequence[str], memory: Path) -> None:
        self.closed = dict(enumerate(sealed))
        self._memory = memory
        self._tried: set[tuple[str, str]] = set()
        self._reasons: dict[int, str] = {}
        self.keys, self.secrets = dict.fromkeys(keys), dict.fromkeys(secrets)
        self.found: list[tuple[str, CandidateConfig]] = []

    def run(self) -> None:
        """Until nothing is left, or nothing new to try."""
        while pairs := list(islice(self._pairs(), MOST_PAIRS - len(self._tried))):
            for secret, key in pairs:
                self._tried.add((secret, key))
                self._try(secret, key)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.closed:
            every = ((secret, key) for secret in self.secrets for key in self.keys)
            yield from (pair for pair in every if pair not in self._tried)

    def _try(self, secret: str, key: str) -> None:
        for number, found in _open(self.closed, key, secret, self._memory, self._reasons).items():
            self.closed.pop(number)
            self.found.append((secret, found))
            for epoch in found.managed.epochs:
                self.secrets |= dict.fromkeys(filter(None, [epoch.secret]))
                self.keys |= dict.fromkeys(filter(None, [epoch.private_key]))

    def refused(self) -> tuple[str, ...]:
        """Why each of those that stayed closed did."""
        return tuple(self._reasons.get(number, f"{label}: {_FOREIGN}") for number, (label, _) in self.closed.items())


def _open(
    sealed: dict[int, Sealed], key: str, secret: str, memory: Path, reasons: dict[int, str]
) -> dict[int, CandidateConfig]:
    """What one key opens with one secret; of the rest `reasons` gets why, unless a better reason than that it is foreign is known."""
    found: dict[int, CandidateConfig] = {}
    if not sealed:
        return found
    with private_gpg(memory) as gpg:
        opening = _Opening(gpg, secret, key)
        for number, (label, message) in sealed.items():
            try:
                found[number] = found_in(label, opening.open(message))
            except (ParaduxError, ValueError, RecursionError) as problem:
                if reasons.get(number, _FOREIGN).endswith(_FOREIGN):
                    reasons[number] = f"{label}: {_why(problem)}"
    return found


class _Opening:
    """One private key, which nobody has vouched for: it counts if the secret locks it, signing part included."""

    def __init__(self, gpg: Gpg, secret: str, key: str) -> None:
        self._gpg = gpg
        self._secret = secret
        try:
            self._fingerprint = import_locked(gpg, key, secret)
        except ParaduxError:
            self._fingerprint = ""

    def open(self, message: bytes) -> bytes:
        """The text of a config that this key has signed; raises `ParaduxError`."""
        if not self._fingerprint:
            raise ParaduxError("foreign", "the secret does not open the key")
        return self._gpg.decrypt_signed(message, self._fingerprint, self._secret)


def _why(problem: Exception) -> str:
    if isinstance(problem, ParaduxError) and problem.code == "bad-signature":
        return "its config is not signed by the owner's recovery key"
    if isinstance(problem, ParaduxError):
        return _FOREIGN
    return "its config opens, but is not one that Paradux has published"
