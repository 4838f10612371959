"""OpenPGP through the real gpg: what is encrypted and signed comes back, anything else is refused, nothing stays."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import Gpg, KeyPair, is_usable, private_gpg

PASSPHRASE = "0123456789abcdef" * 4


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    with private_gpg(Path("/dev/shm")) as found:
        yield found


@pytest.fixture
def pair(gpg: Gpg) -> KeyPair:
    return gpg.generate("Paradux recovery key, epoch 1", PASSPHRASE)


def test_a_document_comes_back(gpg: Gpg, pair: KeyPair) -> None:
    text = bytes(range(256)) * 1000
    message = gpg.encrypt_signed(text, pair.fingerprint, PASSPHRASE)
    assert text[:64] not in message
    assert gpg.decrypt_signed(message, pair.fingerprint, PASSPHRASE) == text


def test_the_private_key_works_elsewhere_and_only_with_its_passphrase(pair: KeyPair, gpg: Gpg) -> None:
    message = gpg.encrypt_signed(b"text", pair.fingerprint, PASSPHRASE)
    with private_gpg(Path("/dev/shm")) as elsewhere:
        assert elsewhere.import_key(pair.private_key, PASSPHRASE) == pair.fingerprint
        with pytest.raises(ParaduxError, match="cannot open"):
            elsewhere.decrypt_signed(message, pair.fingerprint, "f" * 64)
        assert elsewhere.decrypt_signed(message, pair.fingerprint, PASSPHRASE) == b"text"


def test_a_message_that_is_not_signed_by_the_key_is_refused(gpg: Gpg, pair: KeyPair, tmp_path: Path) -> None:
    other = gpg.generate("Somebody else", PASSPHRASE)
    forged = gpg._gpg.encrypt(
        b"text", [pair.fingerprint], sign=other.fingerprint, passphrase=PASSPHRASE, always_trust=True
    )
    unsigned = gpg._gpg.encrypt(b"text", [pair.fingerprint], always_trust=True)
    for message in (forged, unsigned):
        assert message.ok
        with pytest.raises(ParaduxError, match="not signed"):
            gpg.decrypt_signed(message.data, pair.fingerprint, PASSPHRASE)


@pytest.mark.parametrize("change", [slice(0, 40), slice(0, -30)])
def test_a_cut_message_is_refused(gpg: Gpg, pair: KeyPair, change: slice) -> None:
    message = gpg.encrypt_signed(b"text" * 1000, pair.fingerprint, PASSPHRASE)
    with pytest.raises(ParaduxError):
        gpg.decrypt_signed(message[change], pair.fingerprint, PASSPHRASE)


@pytest.mark.parametrize("name", ["Fred\n%no-protection", "Fred\r\nKey-Type: rsa", "Fred\0"])
def test_a_name_cannot_smuggle_commands(gpg: Gpg, name: str) -> None:
    with pytest.raises(ParaduxError, match="characters"):
        gpg.generate(name, PASSPHRASE)


def test_nothing_stays_behind() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as ours:  # others have theirs beside it
        with private_gpg(Path(ours)) as gpg:
            home = gpg._home
            gpg.generate("Paradux", PASSPHRASE)
        assert not list(Path(ours).iterdir())
    listed = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if str(home) in line and not line.startswith("Z")]


def test_gpg_that_stops_reading_has_refused(gpg: Gpg, pair: KeyPair) -> None:
    junk = b"\0" * 4_000_000
    for refused in (
        lambda: gpg.import_key(junk.decode()),
        lambda: gpg.decrypt_signed(junk, pair.fingerprint, PASSPHRASE),
        lambda: gpg.verify_clear(junk, [pair.fingerprint]),
        lambda: gpg.verify_detached(junk, b"half of a signature", pair.fingerprint),
        lambda: gpg.encrypt_signed(junk, "0" * 40, PASSPHRASE),
    ):
        with pytest.raises(ParaduxError):
            refused()


def test_a_key_that_gpg_does_not_take_is_told_with_its_reason(gpg: Gpg) -> None:
    with pytest.raises(ParaduxError, match=r"\(reason 9\)"):
        gpg.encrypt_signed(b"text", "A" * 40, PASSPHRASE)


def test_a_private_half_that_lacks_a_part_is_not_usable(gpg: Gpg, tmp_path: Path) -> None:
    """As gpg rarely exports one: without the part that opens what the public half has encrypted."""
    pair = gpg.generate("Paradux", PASSPHRASE)
    assert is_usable(pair, PASSPHRASE, Path("/dev/shm"))
    assert not is_usable(pair, "another passphrase", Path("/dev/shm"))
    bare = gpg._gpg.export_keys(f"{pair.fingerprint}!", secret=True, passphrase=PASSPHRASE)
    assert len(bare) < len(pair.private_key)
    assert not is_usable(replace(pair, private_key=bare), PASSPHRASE, Path("/dev/shm"))


def spoil(gpg: Gpg) -> None:
    """The agent's own copies of the private keys, as it rarely writes one: locked, but not by the passphrase."""
    with private_gpg(Path("/dev/shm")) as other:
        wrong = other.generate("Somebody else", "f" * 64)
        other.import_key(wrong.private_key, "f" * 64)
        (locked, *_) = [path.read_bytes() for path in (other.home / "private-keys-v1.d").iterdir()]
    for path in (gpg.home / "private-keys-v1.d").iterdir():
        path.write_bytes(locked)


def test_a_key_that_the_agent_does_not_open_is_taken_anew(gpg: Gpg, pair: KeyPair) -> None:
    uses: dict[str, Callable[[], object]] = {
        "encrypt": lambda: gpg.encrypt_signed(b"text", pair.fingerprint, PASSPHRASE),
        "open": lambda: gpg.decrypt_signed(message, pair.fingerprint, PASSPHRASE),
        "detached": lambda: gpg.sign_detached(b"text", pair.fingerprint, PASSPHRASE),
        "clear": lambda: gpg.sign_clear(b"text", pair.fingerprint, PASSPHRASE),
        "opens": lambda: gpg.opens(message, PASSPHRASE),
        "locked": lambda: gpg.is_locked_by(pair.fingerprint, PASSPHRASE),
    }
    message = gpg.encrypt_signed(b"text", pair.fingerprint, PASSPHRASE)
    for use in uses.values():
        spoil(gpg)
        assert use()
    assert not gpg.is_locked_by(pair.fingerprint, "f" * 64)


def test_an_archive_is_opened_with_a_key_taken_anew(pair: KeyPair, tmp_path: Path) -> None:
    with archive_crypto.sealer(pair.public_key) as sealer, (tmp_path / "plain").open("w+b") as plain:
        plain.write(b"text" * 1000)
        plain.flush()
        with sealer.encrypted(plain.fileno()) as encrypted:
            (tmp_path / "sealed").write_bytes(encrypted.read())
    with archive_crypto.opener(pair.private_key, PASSPHRASE, Path("/dev/shm")) as opener:
        spoil(opener._gpg)
        with (tmp_path / "sealed").open("rb") as sealed, (tmp_path / "back").open("w+b") as back:
            opener.decrypt(sealed.fileno(), back.fileno())
    assert (tmp_path / "back").read_bytes() == (tmp_path / "plain").read_bytes()


AGENT = """#!/bin/sh
test -e "$GNUPGHOME/tried" && exec gpg-agent "$@"
touch "$GNUPGHOME/tried"
exit 2
"""


@pytest.mark.parametrize("comes_up", [True, False])
def test_the_public_half_alone_is_not_taken_for_the_key(
    gpg: Gpg, pair: KeyPair, tmp_path: Path, comes_up: bool
) -> None:
    """gpg imports it before it asks its agent for the rest, and an agent may not come up in time on a busy machine."""
    agent = tmp_path / "agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    with private_gpg(Path("/dev/shm")) as elsewhere:
        (elsewhere.home / "gpg.conf").write_text(f"agent-program {agent if comes_up else '/bin/false'}\n")
        if not comes_up:
            with pytest.raises(ParaduxError, match="cannot read a private key"):
                elsewhere.import_key(pair.private_key, PASSPHRASE)
            return
        assert elsewhere.import_key(pair.private_key, PASSPHRASE) == pair.fingerprint
        assert (elsewhere.home / "tried").exists()
        message = gpg.encrypt_signed(b"text", pair.fingerprint, PASSPHRASE)
        assert elsewhere.decrypt_signed(message, pair.fingerprint, PASSPHRASE) == b"text"


def test_no_key_is_given_that_cannot_be_used(gpg: Gpg, monkeypatch: pytest.MonkeyPatch) -> None:
    exported, whole = [], gpg._gpg.export_keys

    def export(key: str, secret: bool = False, **more: str) -> str:
        exported.append(secret)
        return str(whole(f"{key}!" if exported.count(True) == 1 and secret else key, secret, **more))

    monkeypatch.setattr(gpg._gpg, "export_keys", export)
    pair = gpg.generate("Paradux", PASSPHRASE)
    assert exported.count(True) == 2, "the first was lacking a part"
    assert is_usable(pair, PASSPHRASE, Path("/dev/shm"))
    monkeypatch.setattr(gpg._gpg, "export_keys", lambda key, secret=False, **more: whole(f"{key}!", secret, **more))
    with pytest.raises(ParaduxError, match="keys that it cannot use itself"):
        gpg.generate("Paradux", PASSPHRASE)
