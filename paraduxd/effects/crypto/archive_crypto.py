"""Volumes encrypted to a public key by `gpg`, and manifests signed with Ed25519 (RFC 8032)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.crypto.gpg import ANY_CLOCK, Gpg, before_key, private_gpg
from paraduxd.effects.files import bounded
from paraduxd.effects.process import run

_COMMON = (
    *("--batch", "--no-tty", "--no-options", "--quiet", "--no-auto-check-trustdb", "--trust-model", "always"),
    *ANY_CLOCK,
)

_SAID, _LISTING, _PATIENCE = 4096, 30.0, 6 * 3600.0
"""Bytes of what gpg said that are read, and seconds for looking at a key and for decrypting one volume, as
slowly as whoever takes it."""


_NO_KEY = b"decryption failed: No secret key"
"""What gpg says when it has decrypted nothing yet: there is no such key, or its agent does not open it."""


@dataclass(frozen=True)
class SigningKey:
    """Both halves in PEM; the private one is not protected: the machine that makes archives uses it unattended."""

    private: str
    public: str


def new_signing_key() -> SigningKey:
    """A new Ed25519 key pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(private.decode(), public.decode())


def sign(data: bytes, private: str) -> bytes:
    """The signature in base64, one line without its end."""
    key = serialization.load_pem_private_key(private.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ParaduxError("bad-key", "the key that signs archives is not an Ed25519 key", "see: paraductl unlock")
    return base64.b64encode(key.sign(data))


def is_signed(data: bytes, signature: bytes, public: str) -> bool:
    """Whether `signature` (base64) is one of this key over `data`."""
    key = serialization.load_pem_public_key(public.encode())
    try:
        assert isinstance(key, Ed25519PublicKey)  # noqa: S101  (anything else is caught below)
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError, AssertionError):
        return False
    return True


class Encrypted(io.RawIOBase):
    """What `gpg` makes of a file, while it makes it; afterwards `size` and `sha256` tell what was read.

    Raises `ParaduxError` at the end of the data when gpg failed, so that whoever stores it does not keep it.
    """

    def __init__(self, gpg: subprocess.Popen[bytes], why: Callable[[], ParaduxError]) -> None:
        super().__init__()
        assert gpg.stdout is not None  # noqa: S101  (it is a pipe)
        self._gpg = gpg
        self._why = why
        self._pipe = run.widen(gpg.stdout)
        self._hash = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes; fewer than `size` only at the end."""
        piece = self._pipe.read(size)
        self._hash.update(piece)
        self.size += len(piece)
        if not piece and self._gpg.wait():
            raise self._why()
        return piece

    @property
    def sha256(self) -> str:
        """Of everything that was read."""
        return self._hash.hexdigest()


class Sealer:
    """Encrypts to one public key; make it with `sealer`."""

    def __init__(self, home: Path, key: Path) -> None:
        self._home = home
        self._key = key

    @contextlib.contextmanager
    def encrypted(self, plain: int) -> Iterator[Encrypted]:
        """The contents of a file (a descriptor, read from its beginning), encrypted."""
        with tempfile.NamedTemporaryFile(dir=self._home) as said:  # several may be at work
            with _from_start(plain) as descriptor:
                gpg = run.start(
                    [
                        *("gpg", "--homedir", str(self._home), *_COMMON, "--no-default-keyring", "--no-autostart"),
                        *("--compress-algo", "none", "--recipient-file", str(self._key), "--encrypt", "--output", "-"),
                    ],
                    stdin=descriptor,
                    stderr=said.fileno(),
                )
            try:
                yield Encrypted(gpg, lambda: self._failed(Path(said.name)))
            finally:
                run.kill_group(gpg)

    def _failed(self, said: Path) -> ParaduxError:
        """Why gpg did not encrypt: a clock that is before the key, or what gpg says."""
        reason = run.Outcome(2, b"", bounded.content(said)[-_SAID:]).error_text()
        return self._clock() or ParaduxError(
            "gpg", f"gpg could not encrypt a volume: {reason}", "see whether gpg works"
        )

    def _clock(self) -> ParaduxError | None:
        command = [
            "gpg",
            "--homedir",
            str(self._home),
            *_COMMON,
            *ANY_CLOCK,
            "--with-colons",
            "--show-keys",
            str(self._key),
        ]
        listed = run.run(command, timeout=_LISTING).output.decode(errors="replace")
        made = [line.split(":")[5] for line in listed.splitlines() if line.startswith(("pub:", "sub:"))]
        return before_key(max((int(moment) for moment in made if moment.isdecimal()), default=0))


@contextlib.contextmanager
def sealer(public_key: str) -> Iterator[Sealer]:
    """Encrypts to `public_key` (ASCII armor). No secret key, no keyring and no agent take part."""
    with tempfile.TemporaryDirectory(prefix="paradux-") as folder:
        key = Path(folder, "key.asc")
        key.write_text(public_key)
        yield Sealer(Path(folder), key)


class Opener:
    """Decrypts with one private key; make it with `opener`."""

    def __init__(self, gpg: Gpg, passphrase: str) -> None:
        self._gpg = gpg
        self._passphrase = passphrase.encode()

    def decrypt(self, sealed: int, plain: int) -> None:
        """One message (a descriptor, read from its beginning) to the descriptor `plain`. Raises `ParaduxError` "cannot-decrypt"."""
        ran = self._decrypted(sealed, plain)
        if ran.code and _NO_KEY in ran.errors:
            self._gpg.renew()
            ran = self._decrypted(sealed, plain)
        if ran.code:
            raise ParaduxError(
                "cannot-decrypt", f"a volume cannot be decrypted with the key of this destination: {ran.error_text()}"
            )

    def _decrypted(self, sealed: int, plain: int) -> run.Outcome:
        with _from_start(sealed) as descriptor, run.sealed_file(self._passphrase) as (secret, path):
            gpg = run.start(
                [
                    *("gpg", "--homedir", str(self._gpg.home), *_COMMON, "--pinentry-mode", "loopback"),
                    *("--passphrase-file", path, "--decrypt", "--output", "-"),
                ],
                pass_fds=(secret,),
                stdin=descriptor,
                stdout=plain,
            )
            try:
                told = bounded.output(gpg, 0, _PATIENCE)
            finally:
                run.kill_group(gpg)
        return run.Outcome(gpg.returncode, b"", told[1] if told else b"")


@contextlib.contextmanager
def opener(private_key: str, passphrase: str, memory: Path) -> Iterator[Opener]:
    """Decrypts with `private_key` (ASCII armor, protected by `passphrase`); meanwhile it lies below `memory`, a directory on no disk."""
    with private_gpg(memory) as gpg:
        gpg.import_key(private_key, passphrase)
        yield Opener(gpg, passphrase)


@contextlib.contextmanager
def _from_start(descriptor: int) -> Iterator[int]:
    """The same file, opened anew, so that it is read from its beginning whoever else reads it."""
    with Path(f"/proc/self/fd/{descriptor}").open("rb", buffering=0) as file:
        yield file.fileno()
