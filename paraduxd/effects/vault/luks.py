"""LUKS2 containers in plain files, by `cryptsetup`: it checks passphrases and gives volume keys without the kernel's help.

Source of the format: LUKS2 On-Disk Format Specification 1.1. Credentials go through files in memory, never through arguments.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.process import run
from paraduxd.effects.vault.luks_header import LEAST_PASSES, PASSPHRASE_SLOT, Cost, cost_in, least_memory, metadata_of

CONTAINER_SIZE = 32 * 1024 * 1024
"""Bytes: a header of 16 MiB, as cryptsetup makes it, and 16 MiB for the file system."""

RECOVERY_SLOT = 1

_TIMEOUT = 300.0
_CHEAP = ("--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel", "1")
_XTS = "aes-xts-plain64"
_CIPHER = ("--cipher", _XTS, "--key-size", "512", "--sector-size", "4096")
_WRONG_PASSPHRASE = 2
"""cryptsetup(8), RETURN CODES: "No permission (bad passphrase)"."""


class Kdf(Enum):
    """How dear each guess of the operational passphrase is made."""

    DEFAULT = "default"
    """What cryptsetup measures to take about two seconds on this machine, and never less than the floor."""

    WEAK = "weak"
    """Next to nothing; for tests only."""

    @property
    def options(self) -> tuple[str, ...]:
        """What cryptsetup is told about it."""
        return _CHEAP if self is Kdf.WEAK else ()


@dataclass(frozen=True)
class Segment:
    """Where and how the payload lies: byte offset, size of an encrypted sector in bytes, tweak of the first one."""

    offset: int
    sector_size: int
    first_tweak: int


def format_container(path: Path, passphrase: bytes, recovery: bytes, kdf: Kdf) -> bytes:
    """Make a container: `passphrase` in keyslot 0, `recovery` in keyslot 1, both argon2id; gives its fresh volume key.

    The recovery secret is 256 random bits; stretching it would only cost time, so its keyslot is always cheap. It is made first, so that
    nothing here stretches the passphrase but its own keyslot, and preferred: the recovery secret then opens the container also
    on a machine that has not the memory for keyslot 0.
    Raises `ParaduxError` "cryptsetup" and `OSError` for a full disk.
    """
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        os.posix_fallocate(file.fileno(), 0, CONTAINER_SIZE)
    with run.sealed_file(passphrase) as (first, first_path), run.sealed_file(recovery) as (second, second_path):
        _make(format_command(path, second_path), [second])
        key = volume_key(path, recovery)
        _make(add_key_command(path, second_path, first_path, kdf), [first, second])
        if kdf is Kdf.DEFAULT:
            raise_cost(path, (first, first_path), least_memory())
        _make(prefer_command(path))
    return key


def format_command(path: Path, key_file: str) -> list[str]:
    """`cryptsetup luksFormat` of a container file, with the recovery secret."""
    slot = ("--key-slot", str(RECOVERY_SLOT), "--key-file", key_file)
    options = ("--type", "luks2", "--batch-mode", *_CIPHER, "--pbkdf", "argon2id", *_CHEAP, *slot)
    return ["cryptsetup", "luksFormat", *options, "--", str(path)]


def add_key_command(path: Path, key_file: str, new_key_file: str, kdf: Kdf) -> list[str]:
    """`cryptsetup luksAddKey` of the operational passphrase."""
    slot = ("--key-slot", str(PASSPHRASE_SLOT), "--key-file", key_file)
    options = ("--batch-mode", *slot, "--pbkdf", "argon2id", *kdf.options)
    return ["cryptsetup", "luksAddKey", *options, "--", str(path), new_key_file]


def raise_cost(path: Path, passphrase: tuple[int, str], memory: int) -> None:
    """See that each guess of the operational passphrase (descriptor and path of its file) takes so many KiB and enough passes."""
    now = cost(path)
    if now.memory < memory or now.passes < LEAST_PASSES:
        dearer = Cost(max(now.memory, memory), max(now.passes, LEAST_PASSES), now.threads)
        _make(convert_command(path, passphrase[1], dearer), [passphrase[0]])


def cost(path: Path) -> Cost:
    """What a guess of the operational passphrase takes; raises `ParaduxError` "damaged-vault"."""
    try:
        return cost_in(metadata_of(_ask(["cryptsetup", "luksDump", "--dump-json-metadata", "--", str(path)])))
    except ValueError:
        raise damaged("its header cannot be understood") from None


def convert_command(path: Path, key_file: str, wanted: Cost) -> list[str]:
    """`cryptsetup luksConvertKey`: the same passphrase, stretched so much."""
    slot = ("--key-slot", str(PASSPHRASE_SLOT), "--key-file", key_file)
    passes, memory = ("--pbkdf-force-iterations", str(wanted.passes)), ("--pbkdf-memory", str(wanted.memory))
    options = ("--batch-mode", *slot, "--pbkdf", "argon2id", *passes, *memory, "--pbkdf-parallel", str(wanted.threads))
    return ["cryptsetup", "luksConvertKey", *options, "--", str(path)]


def prefer_command(path: Path) -> list[str]:
    """`cryptsetup config` that lets the recovery secret's keyslot be tried first."""
    return ["cryptsetup", "config", "--priority", "prefer", "--key-slot", str(RECOVERY_SLOT), "--", str(path)]


def volume_key(path: Path, credential: bytes) -> bytes:
    """The volume key that the credential opens, whichever keyslot it fits.

    cryptsetup tells it on its standard output only, so it never lies in a file. (`luksDump` takes no notice of `--key-slot`; see
    `opens_slot`.) Raises `ParaduxError` "wrong-passphrase" or "damaged-vault".
    """
    with run.sealed_file(credential) as (descriptor, key_file):
        return parse_volume_key(_ask(dump_key_command(path, key_file), [descriptor]))


def opens_slot(path: Path, credential: bytes, slot: int) -> None:
    """Raise `ParaduxError` "wrong-passphrase" unless the credential opens just this keyslot."""
    with run.sealed_file(credential) as (descriptor, key_file):
        _ask(test_slot_command(path, key_file, slot), [descriptor])


def dump_key_command(path: Path, key_file: str) -> list[str]:
    """`cryptsetup luksDump` that prints the volume key."""
    return ["cryptsetup", "luksDump", "--dump-volume-key", "--batch-mode", "--key-file", key_file, "--", str(path)]


def test_slot_command(path: Path, key_file: str, slot: int) -> list[str]:
    """`cryptsetup open` of one keyslot that makes no mapping."""
    options = ("--type", "luks2", "--test-passphrase", "--key-slot", str(slot), "--key-file", key_file)
    return ["cryptsetup", "open", *options, "--", str(path)]


def parse_volume_key(output: bytes) -> bytes:
    """The key in the dump: "MK dump:", then lines of hexadecimal bytes."""
    text = output.decode(errors="replace").partition("MK dump:")[2]
    key = bytes.fromhex("".join(re.findall(r"\b[0-9a-f]{2}\b", text)))
    if len(key) != 64:
        raise damaged("its key has an unexpected length")
    return key


def segment(path: Path) -> Segment:
    """Where the payload of a container lies; raises `ParaduxError` "damaged-vault" for anything that is not supported.

    Ask this before a credential is tried or a byte is written: nothing authenticates a LUKS2 header, and one that somebody has changed to
    a cipher that encrypts nothing would let any passphrase open a forged vault, or the next save write the config in clear.
    """
    command = ["cryptsetup", "luksDump", "--dump-json-metadata", "--", str(path)]
    return parse_segment(_ask(command))


def parse_segment(metadata: bytes) -> Segment:
    """The one segment in a LUKS2 header's JSON, whose payload and keyslots are all encrypted as they should be."""
    try:
        header = metadata_of(metadata)
        (found,) = header.segments.values()
        parsed = Segment(int(found.offset), found.sector_size, int(found.iv_tweak))
    except ValueError:
        raise damaged("its header cannot be understood") from None
    kind = (found.type, found.encryption, found.size, found.integrity)
    slots = {(slot.area.encryption, slot.area.key_size) for slot in header.keyslots.values()}
    if kind != ("crypt", _XTS, "dynamic", "none") or slots != {(_XTS, 64)} or parsed.sector_size not in (512, 4096):
        raise damaged("it is encrypted in a way that Paradux does not use")
    return parsed


def wrong_passphrase() -> ParaduxError:
    """The credential opens no keyslot."""
    return ParaduxError(
        "wrong-passphrase", "cannot open the vault: wrong passphrase", "try again", ExitCode.NOT_AUTHORIZED
    )


def damaged(why: str) -> ParaduxError:
    """The container is not as it should be."""
    return ParaduxError(
        "damaged-vault",
        f"cannot open the vault: {why}",
        "the previous vault lies beside it (vault.luks.previous), the published configs at the metadata stashes",
    )


def check(outcome: run.Outcome) -> bytes:
    """The output of a cryptsetup that opened something, or the error that its exit code means (cryptsetup(8), RETURN CODES)."""
    if outcome.code == _WRONG_PASSPHRASE:
        raise wrong_passphrase()
    if outcome.code:
        raise damaged(outcome.error_text().rstrip("."))
    return outcome.output


def _make(command: Sequence[str], descriptors: Sequence[int] = ()) -> None:
    outcome = run.run(command, pass_fds=descriptors, timeout=_TIMEOUT)
    if outcome.code:
        reason = outcome.error_text()
        raise ParaduxError("cryptsetup", f"cannot make the vault: {reason}", "see whether cryptsetup works here")


def _ask(command: Sequence[str], descriptors: Sequence[int] = ()) -> bytes:
    return check(run.run(command, pass_fds=descriptors, timeout=_TIMEOUT))
