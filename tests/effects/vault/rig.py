"""What the tests of the vault share: a cheap vault, stock programs, and a script that runs where it may be killed."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paraduxd.effects.process.run import PATH
from paraduxd.effects.vault.vault import Kdf, LockedVault, Mode

PASSPHRASE = b"correct horse battery staple"
RECOVERY = b"0123456789abcdef" * 4
DOCUMENT = b'{"name": "the config", "filler": "' + b"x" * 20_000 + b'"}\n'
OTHER_PASSPHRASE = b"quite another passphrase"
OTHER_RECOVERY = b"fedcba9876543210" * 4
CHEAP = ["--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel", "1"]


def locked(folder: Path) -> LockedVault:
    """The vault of a state directory, opened by our own decryption, cheap to guess."""
    return LockedVault(folder / "vault.luks", Mode.USERSPACE, Kdf.WEAK)


def stock(*command: str | Path, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a stock program, not through our door; `data` is its standard input."""
    return subprocess.run(command, input=data, capture_output=True, env={"PATH": PATH, "LC_ALL": "C"}, check=False)


def stock_opens(path: Path, credential: bytes, slot: int) -> bool:
    """Whether stock cryptsetup opens this keyslot with the credential."""
    options = ("--test-passphrase", "--key-slot", str(slot), "--key-file", "-")
    return stock("cryptsetup", "open", *options, path, data=credential).returncode == 0


def stock_header(path: Path) -> dict[str, Any]:
    """The LUKS2 header's JSON."""
    found: dict[str, Any] = json.loads(stock("cryptsetup", "luksDump", "--dump-json-metadata", path).stdout)
    return found


def change_header(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the JSON of both headers as an attacker would, with good checksums (LUKS2 specification 1.1, section 2.1)."""
    whole = bytearray(path.read_bytes())
    (size,) = struct.unpack_from(">Q", whole, 8)
    for start in (0, size):
        metadata = json.loads(whole[start + 4096 : start + size].rstrip(b"\0"))
        change(metadata)
        whole[start + 4096 : start + size] = json.dumps(metadata).encode().ljust(size - 4096, b"\0")
        whole[start + 448 : start + 512] = bytes(64)
        whole[start + 448 : start + 480] = hashlib.sha256(whole[start : start + size]).digest()
    path.write_bytes(whole)


def stock_volume_key(path: Path, credential: bytes) -> bytes:
    """What stock cryptsetup prints about the volume key."""
    dump = stock(
        "cryptsetup", "luksDump", "--dump-volume-key", "--batch-mode", "--key-file", "-", path, data=credential
    )
    return dump.stdout.partition(b"MK dump:")[2]


def script(text: str, *arguments: str | Path) -> list[str]:
    """The command line of a Python script; secrets reach it through standard input only."""
    return [sys.executable, "-c", text, *map(str, arguments)]


def document(number: int) -> bytes:
    """One of a row of documents of different lengths."""
    return f"document {number}\n".encode() * (1 + number * 37 % 2000)
