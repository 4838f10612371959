"""OpenPGP by `gpg`, through python-gnupg, for keys and small documents.

Each `Gpg` has a home of its own in memory that is gone afterwards, with its agent. Passphrases go through pipes.
Secret material here is protected by the recovery secret (256 random bits), so the key derivation is kept cheap on purpose.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.process import orphans, run

_AGENT = "max-cache-ttl 0\ndefault-cache-ttl 0\nallow-loopback-pinentry\ns2k-count 65536\nno-allow-external-cache\n"
"""The agent remembers no passphrase: with one that does, a wrong passphrase appears to work."""

_ASK_US = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
"""Between making a key and its subkey the agent asks for the passphrase anew; it must ask gpg, not a terminal that is not there."""

ANY_CLOCK = ("--ignore-time-conflict", "--ignore-valid-from")
"""A machine's clock may stand years before the day on which a key was made: gpg would then see no usable key."""

_BOUNDED = ["--max-output", str(64 * 1024 * 1024)]
"""Bytes of an opened config at most: a small message can hold a very long text."""

_ED25519 = ("22", "ed25519")
"""What `--with-colons` says of the keys that are made here: algorithm (RFC 9580, section 9.1) and curve."""

_TEST = b"test"

_TRIES = 4

_Result = TypeVar("_Result")

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
        self._private_keys: list[tuple[str, str | None]] = []

    @property
    def home(self) -> Path:
        """Its directory, for gpg processes that work on large data."""
        return self._home

    def generate(self, name: str, passphrase: str) -> KeyPair:
        """A new key pair: ed25519 to sign, cv25519 to encrypt; the private half is protected by `passphrase`.

        It has been used, both halves as they are returned: gpg rarely (one of 2,860 seen) exports a private half that lacks a part, says
        nothing, and what was encrypted with the public half is lost. As rarely it makes none: see `renew`.
        """
        if not name.isprintable() or not passphrase.isalnum():
            raise ParaduxError("bad-name", "a key's name or passphrase has characters that gpg would misread")
        failed = ParaduxError(
            "gpg", "gpg makes keys that it cannot use itself", "see whether gpg works on this machine"
        )
        for _ in range(_TRIES):
            try:
                pair = self._generate(name, passphrase)
            except ParaduxError as problem:
                failed = problem
                continue
            if is_usable(pair, passphrase, self._home.parent):
                self._private_keys.append((pair.private_key, passphrase))
                return pair
        raise failed

    def _generate(self, name: str, passphrase: str) -> KeyPair:
        made = self._generator.gen_key(f"{passphrase}\n" + _BATCH.format(name=name, passphrase=passphrase))
        if not made.fingerprint:
            raise _failed("make a key", made)
        public = self._gpg.export_keys(made.fingerprint)
        private = self._gpg.export_keys(made.fingerprint, secret=True, passphrase=passphrase)
        if not public or not private:
            raise ParaduxError("gpg", "cannot export the new recovery key", "see whether gpg works on this machine")
        return KeyPair(str(made.fingerprint), str(public), str(private))

    def import_key(self, armored: str, passphrase: str | None = None) -> str:
        """Take a key into this home; gives its fingerprint.

        Where the agent does not come up, as on a busy machine, gpg takes the public half alone, and is asked again.
        """
        for _ in range(_TRIES):
            with _or_stops_reading(_failed("read a key")):
                result = self._gpg.import_keys(armored, passphrase=passphrase)
            if not result.fingerprints:
                raise _failed("read a key", result)
            if result.sec_imported + result.sec_dups >= result.sec_read:
                if result.sec_read:
                    self._private_keys.append((armored, passphrase))
                return str(result.fingerprints[0])
            self._stop_agent()
        raise _failed("read a private key", result)

    def renew(self) -> None:
        """Take the private keys that are here anew.

        Rarely (three of 8,400 seen, gpg 2.2.40) its agent does not open a key with the very passphrase that locks it; taken
        anew, it opens.
        """
        self._stop_agent()
        shutil.rmtree(self._home / "private-keys-v1.d", ignore_errors=True)
        known, self._private_keys = self._private_keys, []
        for armored, passphrase in known:
            self.import_key(armored, passphrase)

    def _twice(self, use: Callable[[], _Result], succeeded: Callable[[_Result], object]) -> _Result:
        """What using a private key gives, the second time with a key taken anew if it is to be `succeeded` and is not."""
        result = use()
        if succeeded(result) or not self._private_keys:
            return result
        self.renew()
        return use()

    def encrypt(self, text: bytes, fingerprint: str) -> bytes:
        """`text` encrypted to the key, binary."""
        result = self._gpg.encrypt(text, [fingerprint], always_trust=True, armor=False)
        if not result.ok or not result.data:
            raise _failed("encrypt", result)
        return bytes(result.data)

    def opens(self, message: bytes, passphrase: str) -> bool:
        """Whether a key that is here opens the message."""
        return bool(self._decrypted(message, passphrase).ok)

    def encrypt_signed(self, text: bytes, fingerprint: str, passphrase: str) -> bytes:
        """`text` encrypted to the key and signed by it, binary."""
        with _or_stops_reading(_failed("encrypt the config")):
            options = {"sign": fingerprint, "passphrase": passphrase, "always_trust": True, "armor": False}
            result = self._twice(lambda: self._gpg.encrypt(text, [fingerprint], **options), lambda made: made.ok)
        if not result.ok or not result.data:
            self._blame_clock(fingerprint)
            raise _failed("encrypt the config", result)
        return bytes(result.data)

    def decrypt_signed(self, message: bytes, fingerprint: str, passphrase: str) -> bytes:
        """The text of a message that this very key signed; raises `ParaduxError` for any other, unsigned ones included.

        The signature must be the only one, over the only text: beside one that is genuine, anything else could be slipped in.
        """
        with _or_stops_reading(_failed("open the encrypted config")):
            result = self._decrypted(message, passphrase)
        if not result.ok:
            raise _failed("open the encrypted config", result)
        if "exceeded --max-output" in str(result.stderr):
            raise ParaduxError("too-long", "the encrypted config is longer than any config can be")
        said = [line.split()[1:] for line in str(result.stderr).splitlines() if line.startswith("[GNUPG:] ")]
        counts = Counter(words[0] for words in said)
        signers = [words[-1] for words in said if words[0] == "VALIDSIG"]
        once = counts["GOODSIG"] == counts["PLAINTEXT"] == 1 and not counts["DECRYPTION_FAILED"]
        if not result.valid or not once or signers != [fingerprint.upper()]:
            raise ParaduxError("bad-signature", "the encrypted config is not signed by its owner's recovery key")
        return bytes(result.data)

    def sign_detached(self, data: bytes, fingerprint: str, passphrase: str) -> bytes:
        """A detached signature of `data` by the key, in ASCII armor."""
        result = self._signed(data, fingerprint, passphrase)
        if not result.data or result.fingerprint is None:
            raise _failed("sign", result)
        return bytes(result.data)

    def verify_detached(self, data: bytes, signature: bytes, fingerprint: str) -> None:
        """Raises `ParaduxError` unless `signature` is one of this very key over `data`; the key must be in this home."""
        path = self._home / "signature"
        path.write_bytes(signature)
        with _or_stops_reading(_not_signed()):
            result = self._gpg.verify_data(str(path), data)
        if not result.valid or fingerprint.upper() not in {str(result.fingerprint), str(result.pubkey_fingerprint)}:
            raise _not_signed()

    def is_locked_by(self, fingerprint: str, passphrase: str) -> bool:
        """Whether this is a key as `generate` makes it, and its signing part opens with the passphrase and not without it.

        Who has somebody's locked key can hang its encrypting part below a signing key of his own, or put a public part of his own before
        its locked one, since OpenPGP does not bind the two: what he then signs looks genuine. So the locked part must make a signature
        that the public part verifies, and be of the kind of which no public part exists that goes with every secret one (as DSA has it).
        """
        kinds = {(key["algo"], key["curve"]) for key in self._gpg.list_keys(keys=f"0x{fingerprint}!")}
        options = {"keyid": f"{fingerprint}!", "detach": True, "clearsign": False}
        wrong = self._gpg.sign(_TEST, passphrase="not the passphrase", **options)  # noqa: S106
        right = self._signed(_TEST, f"{fingerprint}!", passphrase)
        if kinds != {_ED25519} or wrong.data or not right.data:
            return False
        try:
            self.verify_detached(_TEST, bytes(right.data), fingerprint)
        except ParaduxError:
            return False
        return True

    def sign_clear(self, text: bytes, fingerprint: str, passphrase: str) -> bytes:
        """`text` (UTF-8 lines) as a cleartext-signed message by the key."""
        result = self._signed(text, fingerprint, passphrase, clearsign=True)
        if not result.data or result.fingerprint is None:
            raise _failed("sign", result)
        return bytes(result.data)

    def verify_clear(self, message: bytes, fingerprints: Collection[str]) -> bytes:
        """The text of a cleartext-signed message; raises `ParaduxError` unless one of these very keys, all in this home, signed it."""
        with _or_stops_reading(_not_signed()):
            result = self._gpg.decrypt(message, always_trust=True)
        signers = {str(result.fingerprint), str(result.pubkey_fingerprint)}
        if not result.valid or not signers & {fingerprint.upper() for fingerprint in fingerprints}:
            raise _not_signed()
        return bytes(result.data)

    def _decrypted(self, message: bytes, passphrase: str) -> Any:
        options = {"passphrase": passphrase, "always_trust": True, "extra_args": _BOUNDED}
        return self._twice(lambda: self._gpg.decrypt(message, **options), lambda opened: opened.ok)

    def _signed(self, data: bytes, key: str, passphrase: str, *, clearsign: bool = False) -> Any:
        options = {"keyid": key, "passphrase": passphrase, "clearsign": clearsign, "detach": not clearsign}
        return self._twice(lambda: self._gpg.sign(data, **options), lambda made: made.data and made.fingerprint)

    def _blame_clock(self, fingerprint: str) -> None:
        """Raise `ParaduxError` "clock" if the key was made in the future: gpg's own reason is then a false one."""
        for key in self._gpg.list_keys(keys=fingerprint):
            if problem := before_key(int(key["date"] or 0)):
                raise problem

    def close(self) -> None:
        """Stop the agent; already gone is success."""
        self._stop_agent()

    def _stop_agent(self) -> None:
        with contextlib.suppress(ParaduxError):
            run.run(["gpgconf", "--kill", "all"], extra_env={"GNUPGHOME": str(self._home)}, timeout=10)
        orphans.reap("gpg-agent")


def _interface(home: Path) -> Any:
    """python-gnupg on this home."""
    import gnupg

    made = gnupg.GPG(
        gpgbinary=run.find("gpg"),
        gnupghome=str(home),
        env=run.environment({"GNUPGHOME": str(home)}),
        options=["--no-auto-check-trustdb", "--compress-algo", "none", *ANY_CLOCK],
    )
    made.encoding = "utf-8"
    return made


@contextlib.contextmanager
def _or_stops_reading(refused: ParaduxError) -> Iterator[None]:
    """Raises `refused` when gpg ends before it has read everything, which python-gnupg notices at times only, as a broken pipe."""
    try:
        yield
    except BrokenPipeError:
        raise refused from None


def before_key(made: int) -> ParaduxError | None:
    """That the clock of this machine is before the making of a key (seconds since 1970), if it is."""
    now = time.time()
    if now >= made:
        return None
    clock, key = (datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d") for moment in (now, made))
    return ParaduxError(
        "clock",
        f"this machine's clock is earlier than the key's creation: it says {clock}, and the key is of {key}; gpg refuses to use it",
        "set the clock (timedatectl), then try again",
    )


def _not_signed() -> ParaduxError:
    return ParaduxError("bad-signature", "a document is not signed by its owner's recovery key")


_INVALID = re.compile(r"^\[GNUPG:\] INV_(?:RECP|SGNR) (\d+)", re.MULTILINE)


def _failed(what: str, result: object = None) -> ParaduxError:
    """One sentence of gpg's own status word, and the number of its reason (GnuPG's doc/DETAILS); never its output."""
    status = getattr(result, "status", None) or "no reason given"
    if found := _INVALID.search(str(getattr(result, "stderr", ""))):
        status = f"{status} (reason {found[1]})"
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


def is_usable(pair: KeyPair, passphrase: str, memory: Path) -> bool:
    """Whether the private half opens what the public one encrypts, and signs, in a home of their own below `memory`."""
    try:
        with private_gpg(memory) as gpg:
            gpg.import_key(pair.public_key)
            message = gpg.encrypt(_TEST, pair.fingerprint)
            gpg.import_key(pair.private_key, passphrase)
            signed = gpg.encrypt_signed(_TEST, pair.fingerprint, passphrase)
            return gpg.opens(message, passphrase) and gpg.decrypt_signed(signed, pair.fingerprint, passphrase) == _TEST
    except ParaduxError:
        return False
