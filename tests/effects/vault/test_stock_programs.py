"""The vault is a plain LUKS2 container: stock programs and an independent reader open ours, and we open theirs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from dissect.fve.luks.luks import LUKS

from paraduxd.effects.vault import luks, userspace_payload
from paraduxd.effects.vault.vault import LockedVault
from tests.checkout import ROOT
from tests.effects.vault.rig import (
    CHEAP,
    DOCUMENT,
    PASSPHRASE,
    RECOVERY,
    locked,
    stock,
    stock_header,
    stock_opens,
    stock_volume_key,
)

MIB = 1 << 20


def stock_decrypt(vault: Path, credential: bytes, folder: Path) -> Path:
    """The payload in clear, decrypted by cryptsetup itself; it needs no kernel support for that."""
    clear = folder / "clear.img"
    shutil.copy(vault, clear)
    options = ("--batch-mode", "--force-offline-reencrypt", "--header", folder / "header", "--key-file", "-")
    assert stock("cryptsetup", "reencrypt", "--decrypt", *options, clear, data=credential).returncode == 0
    return clear


def stock_container(folder: Path, *options: str) -> Path:
    """A vault that only stock programs have had their hands on."""
    path, document = folder / "vault.luks", folder / "paradux.json"
    with path.open("wb") as file:
        file.truncate(48 * MIB)
    document.write_bytes(DOCUMENT)
    assert stock("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", path, "16M").returncode == 0
    assert stock("debugfs", "-w", "-R", f"write {document} paradux.json", path).returncode == 0
    fixed = ("--encrypt", "--type", "luks2", "--reduce-device-size", "32M", "--batch-mode", "--key-file", "-")
    encrypted = stock("cryptsetup", "reencrypt", *fixed, "--pbkdf", "argon2id", *CHEAP, *options, path, data=PASSPHRASE)
    assert encrypted.returncode == 0, encrypted.stderr
    return path


@pytest.mark.parametrize("credential", [PASSPHRASE, RECOVERY], ids=["passphrase", "recovery secret"])
def test_stock_programs_read_ours(vault: LockedVault, tmp_path: Path, credential: bytes) -> None:
    clear = stock_decrypt(vault.path, credential, tmp_path)
    assert stock("debugfs", "-R", "cat paradux.json", clear).stdout == DOCUMENT
    checksum = f"{hashlib.sha256(DOCUMENT).hexdigest()}  paradux.json\n".encode()
    assert stock("debugfs", "-R", "cat paradux.json.sha256", clear).stdout == checksum
    check = stock("e2fsck", "-f", "-n", clear)
    assert check.returncode == 0, check.stdout
    features = stock("debugfs", "-R", "features", clear).stdout.decode()
    assert "has_journal" in features
    assert "needs_recovery" not in features


def test_an_independent_reader_sees_the_same_bytes(vault: LockedVault) -> None:
    key, segment = luks.volume_key(vault.path, PASSPHRASE), luks.segment(vault.path)
    ours = userspace_payload.read(vault.path, segment, key)
    with vault.path.open("rb") as file:
        container = LUKS(file)
        container.unlock_with_passphrase(PASSPHRASE.decode(), keyslot=0)
        theirs = container.open()
        for offset in (0, 4096, MIB, ours.index(DOCUMENT[:4096]), len(ours) - 4096):
            theirs.seek(offset)
            assert theirs.read(8192) == ours[offset : offset + 8192]


@pytest.mark.parametrize("sector", [512, 4096])
def test_ours_reads_and_saves_what_stock_programs_made(tmp_path: Path, sector: int) -> None:
    path = stock_container(tmp_path, "--sector-size", str(sector))
    assert stock_header(path)["segments"]["0"]["sector_size"] == sector
    opened = locked(tmp_path).open(PASSPHRASE)
    assert opened.document == DOCUMENT
    opened.save(b"new")
    again = tmp_path / "again"
    again.mkdir()
    clear = stock_decrypt(path, PASSPHRASE, again)
    assert stock("debugfs", "-R", "cat paradux.json", clear).stdout == b"new"


def test_keyslots_changed_by_hand_stay_through_a_save(vault: LockedVault, tmp_path: Path) -> None:
    """Who adds a credential of his own with `cryptsetup luksAddKey` keeps it until the passphrase changes."""
    extra = tmp_path / "extra"
    extra.write_bytes(b"third credential")
    assert (
        stock("cryptsetup", "luksAddKey", "--key-file", "-", *CHEAP, vault.path, extra, data=PASSPHRASE).returncode == 0
    )
    vault.open(b"third credential").save(b"new")
    assert stock_opens(vault.path, b"third credential", 2)
    assert vault.open(PASSPHRASE).document == b"new"


def test_the_documented_decryption_by_hand_works(vault: LockedVault, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "reference" / "vault-format.md").read_text()
    (program,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    metadata, image = tmp_path / "metadata.json", tmp_path / "image"
    metadata.write_text(json.dumps(stock_header(vault.path)))
    key = stock_volume_key(vault.path, PASSPHRASE)
    image.write_bytes(stock(sys.executable, "-c", program, vault.path, metadata, data=key).stdout)
    assert stock("debugfs", "-R", "cat paradux.json", image).stdout == DOCUMENT


def test_the_documented_way_without_root_works(vault: LockedVault, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "reference" / "vault-format.md").read_text()
    (commands,) = [block for block in re.findall(r"```sh\n(.+?)```", text, re.DOTALL) if "reencrypt" in block]
    home = tmp_path / "home"
    home.mkdir()
    os.link(vault.path, home / "vault.luks")
    before = vault.path.read_bytes()
    unasked = commands.replace("--header header", "--header header --batch-mode --key-file -")
    there = unasked.replace("/var/lib/paradux", str(home))
    shown = stock("sh", "-euc", there, data=PASSPHRASE)
    assert shown.stdout == DOCUMENT + b"paradux.json: OK\n", shown.stderr
    assert vault.path.read_bytes() == before
