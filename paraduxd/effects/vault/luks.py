"""LUKS2 containers in plain files, by `cryptsetup`: it checks passphrases and gives volume keys without the kernel's help.

Source of the format: LUKS2 On-Disk Format Specification 1.1. Credentials go through files in memory, never through arguments.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.process import run
from paraduxd.effects.vault.luks_header import (
    LEAST_PASSES,
    PASSPHRASE_SLOT,
    Cost,
    cost_in,
    half_of_memory,
    least_memory,
    metadata_of,
)

log = logging.getLogger("paradux.vault")

CONTAINER_SIZE = 32 * 1024 * 1024
"""Bytes: a header of 16 MiB, as cryptsetup makes it, and 16 MiB for the file system."""

RECOVERY_SLOT = 1

_TIMEOUT = 300.0
_WEAK = Cost(memory=32, passes=4, threads=1)
_MOST_WORK = 64 << 20
"""KiB times passes: about half a minute."""
_XTS = "aes-xts-plain64"
_CIPHER = ("--cipher", _XTS, "--key-size", "512", "--sector-size", "4096")
_WRONG_PASSPHRASE = 2
"""cryptsetup(8), RETURN CODES: "No permission (bad passphrase)"."""


class Kdf(Enum):
    """How dear each guess of the operational passphrase is made."""

    DEFAULT = "default"
    """What cryptsetup measures to take about two seconds on this machine, and never less than the floor or than before."""

    WEAK = "weak"
    """Next to nothing; for tests only."""


@dataclass(frozen=True)
class Segment:
    """Where and how the payload lies: byte offset, size of an encrypted sector in bytes, tweak of the first one."""

    offset: int
    sector_size: int
    first_tweak: int


def format_container(path: Path, passphrase: bytes, recovery: bytes, wanted: Cost) -> bytes:
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
        _made(_stretch(format_command(path, second_path), [second]))
        key = volume_key(path, recovery)
        _made(_stretch(add_key_command(path, second_path, first_path, wanted), [first, second]))
        _made(run.run(prefer_command(path), timeout=_TIMEOUT))
    return key


def format_command(path: Path, key_file: str) -> list[str]:
    """`cryptsetup luksFormat` of a container file, with the recovery secret."""
    slot = ("--key-slot", str(RECOVERY_SLOT), "--key-file", key_file)
    options = ("--type", "luks2", "--batch-mode", *_CIPHER, *_stretched(_WEAK), *slot)
    return ["cryptsetup", "luksFormat", *options, "--", str(path)]


def add_key_command(path: Path, key_file: str, new_key_file: str, wanted: Cost) -> list[str]:
    """`cryptsetup luksAddKey` of the operational passphrase."""
    slot = ("--key-slot", str(PASSPHRASE_SLOT), "--key-file", key_file)
    options = ("--batch-mode", *slot, *_stretched(wanted))
    return ["cryptsetup", "luksAddKey", *options, "--", str(path), new_key_file]


def _stretched(wanted: Cost) -> tuple[str, ...]:
    passes, memory = ("--pbkdf-force-iterations", str(wanted.passes)), ("--pbkdf-memory", str(wanted.memory))
    return ("--pbkdf", "argon2id", *passes, *memory, "--pbkdf-parallel", str(wanted.threads))


def wanted_cost(kdf: Kdf, before: Cost | None = None) -> Cost:
    """What a guess of a new passphrase is to take. `before`: what it took so far; it never takes less, and nothing is measured again.

    It is decided before a keyslot is made, so that the passphrase is stretched once for it.
    """
    if kdf is Kdf.WEAK:
        return _WEAK
    now = before if before is not None and _is_bearable(before) else measured_cost()
    return Cost(max(now.memory, least_memory()), max(now.passes, LEAST_PASSES), now.threads)


def _is_bearable(before: Cost) -> bool:
    """Whether this machine has the memory for it, and the time: what a header says nobody vouches for."""
    return before.memory <= half_of_memory() and before.memory * before.passes <= _MOST_WORK


def measured_cost() -> Cost:
    """What cryptsetup measures to take about two seconds on this machine; on a busy one that is less."""
    return parse_benchmark(_made(run.run(["cryptsetup", "benchmark", "--pbkdf", "argon2id"], timeout=_TIMEOUT)))


def parse_benchmark(output: bytes) -> Cost:
    """The costs in "argon2id  4 iterations, 1048576 memory, 4 parallel threads (CPUs) for 256-bit key (...)"."""
    found = re.search(rb"argon2id\s+(\d+) iterations, (\d+) memory, (\d+) parallel threads", output)
    if found is None:
        raise ParaduxError(
            "cryptsetup",
            "cannot make the vault: cryptsetup does not tell what argon2id takes here",
            "see: cryptsetup benchmark",
        )
    passes, memory, threads = map(int, found.groups())
    return Cost(memory, passes, threads)


def cost(path: Path) -> Cost:
    """What a guess of the operational passphrase takes; raises `ParaduxError` "damaged-vault"."""
    try:
        return cost_in(metadata_of(check(run.run(_header_command(path), timeout=_TIMEOUT))))
    except ValueError:
        raise damaged("its header cannot be understood") from None


def keyslots(path: Path) -> frozenset[int]:
    """The numbers of the keyslots in use; raises `ParaduxError` "damaged-vault"."""
    try:
        return frozenset(map(int, metadata_of(check(run.run(_header_command(path), timeout=_TIMEOUT))).keyslots))
    except ValueError:
        raise damaged("its header cannot be understood") from None


def prefer_command(path: Path) -> list[str]:
    """`cryptsetup config` that lets the recovery secret's keyslot be tried first."""
    return ["cryptsetup", "config", "--priority", "prefer", "--key-slot", str(RECOVERY_SLOT), "--", str(path)]


def volume_key(path: Path, credential: bytes) -> bytes:
    """The volume key that the credential opens, whichever keyslot it fits.

    cryptsetup tells it on its standard output only, so it never lies in a file. (`luksDump` takes no notice of `--key-slot`; see
    `opens_slot`.) Raises `ParaduxError` "wrong-passphrase" or "damaged-vault".
    """
    with run.sealed_file(credential) as (descriptor, key_file):
        return parse_volume_key(check(_stretch(dump_key_command(path, key_file), [descriptor])))


def opens_slot(path: Path, credential: bytes, slot: int) -> None:
    """Raise `ParaduxError` "wrong-passphrase" unless the credential opens just this keyslot."""
    with run.sealed_file(credential) as (descriptor, key_file):
        check(_stretch(test_slot_command(path, key_file, slot), [descriptor]))


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
    return parse_segment(check(run.run(_header_command(path), timeout=_TIMEOUT)))


def _header_command(path: Path) -> list[str]:
    return ["cryptsetup", "luksDump", "--dump-json-metadata", "--", str(path)]


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


def _stretch(command: Sequence[str], descriptors: Sequence[int]) -> run.Outcome:
    """The one door to argon2id: each call stretches one credential, and the log counts them."""
    slot = command[command.index("--key-slot") + 1] if "--key-slot" in command else "that it opens"
    log.info("argon2id for the keyslot %s: cryptsetup %s", slot, command[1])
    return run.run(command, pass_fds=descriptors, timeout=_TIMEOUT)


def _made(outcome: run.Outcome) -> bytes:
    """The output of a cryptsetup that made something."""
    if outcome.code:
        reason = outcome.error_text()
        raise ParaduxError("cryptsetup", f"cannot make the vault: {reason}", "see whether cryptsetup works here")
    return outcome.output
