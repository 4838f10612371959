"""What was proven by one derivation is not derived again, and what was not proven by it is."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import atomic
from paraduxd.effects.vault import luks
from paraduxd.effects.vault.vault import LockedVault, OpenVault
from tests.effects.vault.rig import (
    CHEAP,
    DOCUMENT,
    OTHER_PASSPHRASE,
    OTHER_RECOVERY,
    PASSPHRASE,
    RECOVERY,
    stock,
    stock_header,
    stock_opens,
)

DOOR = "paradux.vault"


@contextlib.contextmanager
def stretched(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What is stretched meanwhile: for each derivation the keyslot, and what cryptsetup does with it."""
    found: list[str] = []
    with caplog.at_level("INFO", DOOR):
        caplog.clear()
        yield found
        found += [text.removeprefix("argon2id for the keyslot ") for _, _, text in caplog.record_tuples]


OPENING = "that it opens: cryptsetup luksDump"
MAKING = ["1: cryptsetup luksFormat", OPENING, "0: cryptsetup luksAddKey", "1: cryptsetup open", OPENING]
"""The recovery secret's keyslot costs nothing: of these the passphrase is stretched by `luksAddKey` and the last one, which proves it."""


def test_a_save_stretches_nothing_and_is_proven(vault: LockedVault, caplog: pytest.LogCaptureFixture) -> None:
    with stretched(caplog) as opening:
        opened = vault.open(PASSPHRASE)
    with stretched(caplog) as saving:
        saved = opened.save(b"first").save(b"second")
    assert (opening, saving) == ([OPENING], [])
    assert saved.document == vault.open(PASSPHRASE).document == vault.open_with_recovery(RECOVERY).document == b"second"


def test_what_was_made_is_saved_without_stretching_it(vault: LockedVault, caplog: pytest.LogCaptureFixture) -> None:
    made = vault.open(PASSPHRASE).rekey(DOCUMENT, OTHER_PASSPHRASE, OTHER_RECOVERY)
    with stretched(caplog) as saving:
        made.save(b"more")
    assert saving == [] and vault.open(OTHER_PASSPHRASE).document == b"more"


def test_new_keys_are_made_and_proven_and_the_old_ones_not_asked_again(
    vault: LockedVault, caplog: pytest.LogCaptureFixture
) -> None:
    opened = vault.open(PASSPHRASE)
    with stretched(caplog) as renewing:
        renewed = opened.renew(b"renewed", OTHER_RECOVERY)
    with stretched(caplog) as changing:
        renewed.rekey(b"rekeyed", OTHER_PASSPHRASE, OTHER_RECOVERY)
    assert renewing == ["1: cryptsetup open", *MAKING]
    assert changing == MAKING


@pytest.mark.parametrize("where", [4096 + 100, 32768, 16 * 2**20 - 1], ids=["metadata", "keyslot", "last byte"])
def test_a_header_that_the_disk_gives_back_otherwise_is_derived_again_or_refused(
    vault: LockedVault, where: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A byte of the new container flips on its way to the disk."""
    opened, before = vault.open(PASSPHRASE), vault.path.read_bytes()
    sync = atomic.sync_and_forget

    def flips(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(where)
            byte = file.read(1)[0]
            file.seek(where)
            file.write(bytes([byte ^ 1]))
        sync(path)

    monkeypatch.setattr(atomic, "sync_and_forget", flips)
    with stretched(caplog) as saving, contextlib.suppress(ParaduxError):
        opened.save(b"new")
    assert saving == [OPENING]
    assert vault.path.read_bytes() == before or vault.open(PASSPHRASE).document == b"new"


def test_a_keyslot_that_was_damaged_after_it_was_opened_lets_nothing_be_saved(vault: LockedVault) -> None:
    opened = vault.open(PASSPHRASE)
    area = stock_header(vault.path)["keyslots"]["0"]["area"]
    with vault.path.open("r+b") as file:
        file.seek(int(area["offset"]))
        file.write(b"\xff" * 4096)
    before = vault.path.read_bytes()
    with pytest.raises(ParaduxError, match="wrong passphrase"):
        opened.save(b"new")
    assert vault.path.read_bytes() == before and not vault.previous.exists()


def test_a_passphrase_that_was_changed_by_hand_meanwhile_lets_nothing_be_saved(
    vault: LockedVault, tmp_path: Path
) -> None:
    opened = vault.open(PASSPHRASE)
    new = tmp_path / "new"
    new.write_bytes(OTHER_PASSPHRASE)
    changed = stock(
        "cryptsetup", "luksChangeKey", "--batch-mode", *CHEAP, "--key-file", "-", vault.path, new, data=PASSPHRASE
    )
    assert changed.returncode == 0, changed.stderr
    with pytest.raises(ParaduxError, match="wrong passphrase"):
        opened.save(b"new")
    assert vault.open(OTHER_PASSPHRASE).document == DOCUMENT


def test_another_vault_that_has_taken_its_place_is_not_saved_over(vault: LockedVault, tmp_path: Path) -> None:
    opened = vault.open(PASSPHRASE)
    (tmp_path / "other").mkdir()
    other = LockedVault(tmp_path / "other" / "vault.luks", vault.mode, vault.kdf)
    other.create(b"of somebody else", OTHER_PASSPHRASE, OTHER_RECOVERY)
    shutil.copyfile(other.path, vault.path)
    with pytest.raises(ParaduxError, match="wrong passphrase"):
        opened.save(b"new")
    assert vault.open(OTHER_PASSPHRASE).document == b"of somebody else"


def with_third_keyslot(vault: LockedVault, tmp_path: Path) -> OpenVault:
    """Opened with a passphrase that the owner has added by hand."""
    new = tmp_path / "third"
    new.write_bytes(OTHER_PASSPHRASE)
    stock("cryptsetup", "luksAddKey", "--batch-mode", *CHEAP, "--key-file", "-", vault.path, new, data=PASSPHRASE)
    assert stock_opens(vault.path, OTHER_PASSPHRASE, 2)
    return vault.open(OTHER_PASSPHRASE)


def test_what_opened_a_third_keyslot_is_not_taken_for_the_passphrase(vault: LockedVault, tmp_path: Path) -> None:
    opened = with_third_keyslot(vault, tmp_path)
    with pytest.raises(ParaduxError) as error:
        opened.renew(b"new", OTHER_RECOVERY)
    assert error.value.code == "passphrase-needed"
    assert opened.save(b"new").document == b"new" and luks.keyslots(vault.path) == {0, 1, 2}
