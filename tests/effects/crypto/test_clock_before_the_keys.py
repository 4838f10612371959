"""A clock that stands years before the day on which the keys were made: everything goes on being encrypted, signed and opened."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import KeyPair, private_gpg
from paraduxd.effects.process import hardening

PASSPHRASE = "5ec3e7" * 10

_BATCH = f"""Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Subkey-Type: ecdh
Subkey-Curve: cv25519
Subkey-Usage: encrypt
Name-Real: Made years ahead
Expire-Date: 0
Passphrase: {PASSPHRASE}
%commit
"""


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    with hardening.shared_memory_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def pair(memory: Path) -> KeyPair:
    """A key that was made in 2090, as gpg sees it."""
    with private_gpg(memory) as gpg:
        making = ("--faked-system-time", "20900101T000000", "--generate-key")
        _gpg(gpg.home, *making, data=f"{PASSPHRASE}\n{_BATCH}".encode(), ask=True)  # for the subkey the agent asks anew
        listed = _gpg(gpg.home, "--with-colons", "--list-keys").decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        public = _gpg(gpg.home, "--armor", "--export").decode()
        private = _gpg(gpg.home, "--armor", "--export-secret-keys", data=PASSPHRASE.encode(), ask=True).decode()
    return KeyPair(fingerprint, public, private)


def _gpg(home: Path, *arguments: str, data: bytes = b"", ask: bool = False) -> bytes:
    asked = ("--pinentry-mode", "loopback", "--passphrase-fd", "0") if ask else ()
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--ignore-time-conflict", *asked, *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def test_volumes_are_encrypted_and_opened(pair: KeyPair, memory: Path) -> None:
    plain, back = os.memfd_create("plain"), os.memfd_create("back")
    os.write(plain, b"what is to be kept")
    with archive_crypto.sealer(pair.public_key) as sealer, sealer.encrypted(plain) as data:
        sealed = data.read()
        assert data.read() == b""
    volume = os.memfd_create("sealed")
    os.write(volume, sealed)
    with archive_crypto.opener(pair.private_key, PASSPHRASE, memory) as opener:
        opener.decrypt(volume, back)
    assert os.pread(back, 100, 0) == b"what is to be kept"


def test_a_config_is_published_and_opened(pair: KeyPair, memory: Path) -> None:
    with private_gpg(memory) as gpg:
        gpg.import_key(pair.private_key, PASSPHRASE)
        message = gpg.encrypt_signed(b"the config", pair.fingerprint, PASSPHRASE)
        assert gpg.decrypt_signed(message, pair.fingerprint, PASSPHRASE) == b"the config"


def test_a_claim_of_this_machine_is_signed_and_believed(pair: KeyPair, memory: Path) -> None:
    with private_gpg(memory) as gpg:
        gpg.import_key(pair.private_key, PASSPHRASE)
        message = gpg.sign_clear(b'{"format": "x"}\n', pair.fingerprint, PASSPHRASE)
        assert gpg.verify_clear(message, [pair.fingerprint]) == b'{"format": "x"}\n'


def test_what_gpg_refuses_is_told_in_its_words() -> None:
    plain = os.memfd_create("plain")
    with (
        archive_crypto.sealer("no key at all") as sealer,
        sealer.encrypted(plain) as data,
        pytest.raises(ParaduxError, match=r"could not encrypt a volume: gpg: ") as failed,
    ):
        data.read()
    assert failed.value.code == "gpg"
