"""Damage to the container: what LUKS2 survives is survived, everything else is named and never read as a config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.vault import ext4_image, luks, userspace_payload
from paraduxd.effects.vault.vault import LockedVault
from tests.effects.vault.rig import DOCUMENT, PASSPHRASE, RECOVERY, change_header, stock, stock_header

MIB = 1 << 20


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def refused(vault: LockedVault) -> ParaduxError:
    with pytest.raises(ParaduxError) as error:
        vault.open(PASSPHRASE)
    assert error.value.hint
    return error.value


@pytest.mark.parametrize("offset", [0, 8, 4096], ids=["magic", "size", "metadata"])
def test_a_damaged_primary_header_is_survived(vault: LockedVault, offset: int) -> None:
    overwrite(vault.path, offset, b"\xff" * 64)
    assert vault.open(PASSPHRASE).document == DOCUMENT


def test_a_damaged_primary_header_is_survived_where_the_file_cannot_be_mended(vault: LockedVault) -> None:
    overwrite(vault.path, 4096, b"\xff" * 64)
    vault.path.chmod(0o400)
    assert vault.open(PASSPHRASE).document == DOCUMENT


def test_both_headers_damaged(vault: LockedVault) -> None:
    overwrite(vault.path, 0, b"\xff" * 32768)
    assert refused(vault).code == "damaged-vault"


@pytest.mark.parametrize("size", [0, 100, MIB, 16 * MIB, 16 * MIB + 4096], ids=lambda size: f"{size} bytes")
def test_a_file_that_was_cut(vault: LockedVault, size: int) -> None:
    with vault.path.open("r+b") as file:
        file.truncate(size)
    assert refused(vault).code == "damaged-vault"


def test_a_file_of_something_else(vault: LockedVault) -> None:
    vault.path.write_bytes(b"hello" * 1000)
    assert refused(vault).code == "damaged-vault"


def test_a_damaged_keyslot_is_a_wrong_passphrase_and_the_other_one_opens(vault: LockedVault) -> None:
    area = stock_header(vault.path)["keyslots"]["0"]["area"]
    overwrite(vault.path, int(area["offset"]), b"\xff" * 4096)
    assert refused(vault).code == "wrong-passphrase"
    assert vault.open_with_recovery(RECOVERY).document == DOCUMENT


def test_a_damaged_file_system(vault: LockedVault) -> None:
    overwrite(vault.path, 16 * MIB, b"\xff" * 65536)
    assert refused(vault).code == "damaged-vault"


def test_one_changed_byte_in_the_config_is_noticed(vault: LockedVault) -> None:
    """Neither AES-XTS nor ext4 would: the sum beside the config does."""
    key, segment = luks.volume_key(vault.path, PASSPHRASE), luks.segment(vault.path)
    at = userspace_payload.read(vault.path, segment, key).index(DOCUMENT[:16]) + segment.offset + 3 * 4096
    byte = vault.path.read_bytes()[at]
    overwrite(vault.path, at, bytes([byte ^ 1]))
    assert refused(vault).message == "cannot open the vault: the config in it is not what was saved"


def test_a_damaged_vault_is_not_replaced_by_a_save_that_does_not_prove_good(
    vault: LockedVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, before = vault.open(PASSPHRASE), vault.path.read_bytes()
    monkeypatch.setattr(ext4_image, "make", lambda size, document: bytes(size))
    with pytest.raises(ParaduxError) as error:
        opened.save(b"new")
    assert error.value.code == "damaged-vault"
    assert vault.path.read_bytes() == before
    assert [path.name for path in vault.path.parent.iterdir()] == ["vault.luks"]


def null_payload(header: dict[str, Any]) -> None:
    header["segments"]["0"]["encryption"] = "cipher_null-ecb"


def null_keyslot(header: dict[str, Any]) -> None:
    header["keyslots"]["0"]["area"]["encryption"] = "cipher_null-ecb"


@pytest.mark.parametrize("change", [null_payload, null_keyslot])
def test_a_header_changed_to_encrypt_nothing_is_refused_before_anything_is_done_with_it(
    vault: LockedVault, change: Callable[[dict[str, Any]], None]
) -> None:
    """Stock cryptsetup takes such a header: it has checksums, no signature."""
    opened = vault.open(PASSPHRASE)
    change_header(vault.path, change)
    assert stock("cryptsetup", "isLuks", vault.path).returncode == 0
    assert b"cipher_null-ecb" in stock("cryptsetup", "luksDump", vault.path).stdout
    assert "does not use" in refused(vault).message
    before = vault.path.read_bytes()
    with pytest.raises(ParaduxError, match="does not use"):
        opened.save(b"must never be written in clear")
    assert vault.path.read_bytes() == before


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (b"", "understood"),
        (b"[]", "understood"),
        (b'{"segments": {}}', "understood"),
        (b'{"segments": {"0": {"type": "crypt"}}}', "understood"),
        (b'{"segments": {"0": %s, "1": %s}}', "understood"),
        (b'{"segments": {"0": %s}}', "understood"),
        (b'{"segments": {"0": %s}, "keyslots": {"0": {}}}', "understood"),
        (b'{"segments": {"0": %s}, "keyslots": {}}', "does not use"),
        (b'{"segments": {"0": %(cipher)s}, %(slots)s}', "does not use"),
        (b'{"segments": {"0": %(linear)s}, %(slots)s}', "does not use"),
        (b'{"segments": {"0": %(part)s}, %(slots)s}', "does not use"),
        (b'{"segments": {"0": %(sector)s}, %(slots)s}', "does not use"),
        (b'{"segments": {"0": %(integrity)s}, %(slots)s}', "does not use"),
    ],
)
def test_a_container_of_another_kind_is_refused(metadata: bytes, reason: str) -> None:
    good = b'"type":"crypt","offset":"16777216","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":4096'
    kinds = {
        b"%(cipher)s": good.replace(b"aes-xts-plain64", b"aes-cbc-essiv:sha256"),
        b"%(linear)s": good.replace(b'"crypt"', b'"linear"'),
        b"%(part)s": good.replace(b'"dynamic"', b'"4096"'),
        b"%(sector)s": good.replace(b"4096", b"1024"),
        b"%(integrity)s": good + b',"integrity":{}',
        b"%s": good,
    }
    slots = b'"keyslots": {"0": {"area": {"encryption": "aes-xts-plain64", "key_size": 64}}}'
    for mark, segment in kinds.items():
        metadata = metadata.replace(mark, b"{" + segment + b"}").replace(b"%(slots)s", slots)
    with pytest.raises(ParaduxError, match=reason) as error:
        luks.parse_segment(metadata)
    assert error.value.code == "damaged-vault"


@pytest.mark.parametrize("output", [b"", b"MK dump:", b"MK dump:\t" + b"00 " * 32, b"ab " * 64])
def test_a_volume_key_of_another_size_is_refused(output: bytes) -> None:
    with pytest.raises(ParaduxError, match="unexpected length"):
        luks.parse_volume_key(output)
