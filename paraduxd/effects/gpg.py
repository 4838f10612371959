"""OpenPGP by `gpg`, through python-gnupg, for keys and small documents.

Each `Gpg` has a home of its own in memory that is gone afterwards, with its agent. Passphrases go through pipes.
Secret material here is protected by the recovery secret (256 random bits), so the key derivation is kept cheap on purpose.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.effects import process

_AGENT = "max-cache-ttl 0\ndefault-cache-ttl 0\nallow-loopback-pinentry\ns2k-count 65536\nno-allow-external-cache\n"
"""The agent remembers no passphrase: with one that does, a wrong passphrase appears to work."""

_ASK_US = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
"""Between making a key and its subkey the agent asks for the passphrase anew; it must ask gpg, not a terminal that is not there."""

_BATCH = """Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Subkey-Type: ecdh
Subkey-Curve: cv25519
Subkey-Usage: encrypt
Name-Real: {name}
Expire-Date: 0
Passphrase: {passphrase}
%commit
"""


@dataclass(frozen=True)
class KeyPair:
    """An OpenPGP key: 40 hexadecimal digits, and both halves in ASCII armor (the private one protected)."""

    fingerprint: str
    public_key: str
    private_key: str


class Gpg:
    """One private gpg home; make it with `private_gpg`."""

    def __init__(self, home: Path) -> None:
        (home / "gpg-agent.conf").write_text(_AGENT)
        self._home = home
        self._gpg = _interface(home)
        self._generator = _interface(home)
        self._generator.options += _ASK_US

    def generate(self, name: str, passphrase: str) -> KeyPair:
        """A new key pair: ed25519 to sign, cv25519 to encrypt; the private half is protected by `passphrase`."""
        if not name.isprintable() or not passphrase.isalnum():
            raise ParaduxError("bad-name", "a key's name or passphrase has characters that gpg would misread")
        made = self._generator.gen_key(f"{passphrase}\n" + _BATCH.format(name=name, passphrase=passphrase))
        if not made.fingerprint:
            raise _failed("make a key", made)
        public = self._gpg.export_keys(made.fingerprint)
        private = self._gpg.export_keys(made.fingerprint, secret=True, passphrase=passphrase)
        if not public or not private:
            raise ParaduxError("gpg", "cannot export the new recovery key", "see whether gpg works on this machine")
        return KeyPair(str(made.fingerprint), str(public), str(private))

    def import_key(self, armored: str, passphrase: str | None = None) -> str:
        """Take a key into this home; gives its fingerprint."""
        result = self._gpg.import_keys(armored, passphrase=passphrase)
        if not result.fingerprints:
            raise _failed("read a key", result)
        return str(result.fingerprints[0])

    def encrypt_signed(self, text: bytes, fingerprint: str, passphrase: str) -> bytes:
        """`text` encrypted to the key and signed by it, binary."""
        result = self._gpg.encrypt(
            text, [fingerprint], sign=fingerprint, passphrase=passphrase, always_trust=True, armor=False
        )
        if not result.ok or not result.data:
            raise _failed("encrypt the config", result)
        return bytes(result.data)

    def decrypt_signed(self, message: bytes, fingerprint: str, passphrase: str) -> bytes:
        """The text of a message that this very key signed; raises `ParaduxError` for any other, unsigned ones included."""
        result = self._gpg.decrypt(message, passphrase=passphrase, always_trust=True)
        if not result.ok:
            raise _failed("open the encrypted config", result)
        if not result.valid or fingerprint.upper() not in {str(result.fingerprint), str(result.pubkey_fingerprint)}:
            raise ParaduxError("bad-signature", "the encrypted config is not signed by its owner's recovery key")
        return bytes(result.data)

    def close(self) -> None:
        """Stop the agent; already gone is success."""
        with contextlib.suppress(ParaduxError):
            process.run(["gpgconf", "--kill", "all"], extra_env={"GNUPGHOME": str(self._home)}, timeout=10)


def _interface(home: Path) -> Any:
    """python-gnupg on this home."""
    import gnupg

    made = gnupg.GPG(
        gpgbinary=process.find("gpg"),
        gnupghome=str(home),
        env=process.environment({"GNUPGHOME": str(home)}),
        options=["--no-auto-check-trustdb", "--compress-algo", "none"],
    )
    made.encoding = "utf-8"
    return made


def _failed(what: str, result: Any) -> ParaduxError:
    """One sentence of gpg's own status word; never its output."""
    status = getattr(result, "status", None) or "no reason given"
    return ParaduxError("gpg", f"cannot {what}: gpg says: {status}", "see whether gpg works on this machine")


@contextlib.contextmanager
def private_gpg(memory: Path) -> Iterator[Gpg]:
    """A gpg home below `memory` (a directory that is never on a disk), removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="gpg-", dir=memory))
    try:
        with contextlib.closing(Gpg(home)) as gpg:
            yield gpg
    finally:
        shutil.rmtree(home, ignore_errors=True)
