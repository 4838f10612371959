"""The vault keeps what it is given, opens with what it must open with, and says plainly when it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from paraduxd import linux
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.vault.vault import MAX_DOCUMENT, MAX_PASSPHRASE, LockedVault
from tests.effects.vault.rig import (
    DOCUMENT,
    OTHER_PASSPHRASE,
    OTHER_RECOVERY,
    PASSPHRASE,
    RECOVERY,
    locked,
    script,
    stock_header,
    stock_opens,
    stock_volume_key,
)


def test_what_was_saved_last_comes_back(vault: LockedVault) -> None:
    saved = vault.open(PASSPHRASE).save(b"second").save(b"third")
    assert saved.document == vault.open(PASSPHRASE).document == vault.open_with_recovery(RECOVERY).document == b"third"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        bytes(range(256)) * 100,
        b"\0" * 100_000,
        b"line\r\n\x1b[31m debugfs cat\n",
        os.urandom(MAX_DOCUMENT - 1) + b"\n",
        b"\0" * MAX_DOCUMENT,
    ],
    ids=["empty", "all bytes", "zeros", "control characters", "8 MiB", "8 MiB of zeros"],
)
def test_every_document_comes_back_byte_for_byte(vault: LockedVault, document: bytes) -> None:
    vault.open(PASSPHRASE).save(document)
    assert vault.open(PASSPHRASE).document == document


def test_a_document_that_is_too_long_is_refused(vault: LockedVault) -> None:
    with pytest.raises(ParaduxError, match=str(MAX_DOCUMENT)) as refused:
        vault.open(PASSPHRASE).save(b"x" * (MAX_DOCUMENT + 1))
    assert refused.value.code == "too-long"
    assert vault.open(PASSPHRASE).document == DOCUMENT


@pytest.mark.parametrize("wrong", [b"wrong", PASSPHRASE + b"\n", PASSPHRASE[:-1], b"x" * 10_000])
def test_a_wrong_passphrase_is_refused_and_changes_nothing(vault: LockedVault, wrong: bytes) -> None:
    before = vault.path.read_bytes()
    with pytest.raises(ParaduxError) as refused:
        vault.open(wrong)
    assert (refused.value.code, refused.value.exit_code) == ("wrong-passphrase", ExitCode.NOT_AUTHORIZED)
    assert vault.path.read_bytes() == before


@pytest.mark.parametrize(
    "passphrase",
    [
        b" spaces at both ends ",
        "Stra\u00dfe \u96fb\u6c17 \U0001f511".encode(),
        b"p" * 500,
        b"p" * MAX_PASSPHRASE,
        b"--key-slot=1",
        b"-",
        b"$(id) `id` \"'\\",
        b"\xff\xfe not text",
    ],
    ids=["spaces", "unicode", "500", "longest", "option", "dash", "shell", "bytes"],
)
def test_every_passphrase_that_can_be_typed_opens_and_stock_takes_it(vault: LockedVault, passphrase: bytes) -> None:
    vault.open(PASSPHRASE).rekey(b"new", passphrase, RECOVERY)
    assert vault.open(passphrase).document == b"new"
    typed = ["cryptsetup", "open", "--test-passphrase", "--key-slot", "0", str(vault.path)]
    assert subprocess.run(typed, input=passphrase + b"\n", capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("passphrase", [b"", b"two\nlines", b"nul\0", b"p" * (MAX_PASSPHRASE + 1)])
def test_a_passphrase_that_cannot_be_typed_is_refused(vault: LockedVault, passphrase: bytes) -> None:
    before = vault.path.read_bytes()
    with pytest.raises(ParaduxError) as refused:
        vault.open(PASSPHRASE).rekey(b"new", passphrase, RECOVERY)
    assert refused.value.code == "bad-passphrase"
    assert vault.path.read_bytes() == before


def test_the_recovery_way_takes_the_recovery_secret_only(vault: LockedVault) -> None:
    with pytest.raises(ParaduxError) as refused:
        vault.open_with_recovery(PASSPHRASE)
    assert refused.value.code == "wrong-passphrase"


def test_no_vault_is_not_a_wrong_passphrase(tmp_path: Path) -> None:
    for way in (locked(tmp_path).open, locked(tmp_path).open_with_recovery):
        with pytest.raises(ParaduxError) as refused:
            way(PASSPHRASE)
        assert refused.value.code == "no-vault"


def test_a_vault_is_never_made_over_another(vault: LockedVault) -> None:
    vault.open(PASSPHRASE).save(b"second")
    for _ in range(2):
        with pytest.raises(ParaduxError) as refused:
            vault.create(b"new", OTHER_PASSPHRASE, OTHER_RECOVERY)
        assert refused.value.code == "vault-exists"
        vault.path.unlink(missing_ok=True)
    vault.previous.rename(vault.path)
    assert vault.open(PASSPHRASE).document == DOCUMENT


def test_nobody_else_can_read_the_file_and_nothing_else_lies_there(vault: LockedVault) -> None:
    old = os.umask(0)
    try:
        vault.open(PASSPHRASE).save(b"second").rekey(b"third", OTHER_PASSPHRASE, OTHER_RECOVERY).save(b"fourth")
    finally:
        os.umask(old)
    assert {path.name: path.stat().st_mode & 0o777 for path in vault.path.parent.iterdir()} == {
        "vault.luks": 0o600,
        "vault.luks.previous": 0o600,
    }


def test_a_save_keeps_the_previous_vault(vault: LockedVault, tmp_path: Path) -> None:
    opened = vault.open(PASSPHRASE)
    for number in range(3):
        opened = opened.save(str(number).encode())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(vault.previous, elsewhere / "vault.luks")
    assert locked(elsewhere).open(PASSPHRASE).document == b"1"


def test_a_save_after_one_that_was_cut_off_leaves_no_odd_files(vault: LockedVault) -> None:
    """Between the two renames of a save the present and the previous vault are one file."""
    vault.open(PASSPHRASE).save(b"second")
    vault.previous.unlink()
    os.link(vault.path, vault.previous)
    os.link(vault.path, vault.aside)
    vault.path.with_name("vault.luks.new-0123456789abcdef").write_bytes(b"half of a container")
    vault.open(PASSPHRASE).save(b"third")
    assert sorted(path.name for path in vault.path.parent.iterdir()) == ["vault.luks", "vault.luks.previous"]
    vault.previous.rename(vault.path)
    assert vault.open(PASSPHRASE).document == b"second"


def test_after_a_change_of_passphrase_the_old_one_opens_nothing(vault: LockedVault) -> None:
    opened = vault.open(PASSPHRASE).save(b"second")
    os.link(vault.path, vault.aside)
    stolen_key = stock_volume_key(vault.path, PASSPHRASE)
    header = vault.path.read_bytes()[: 16 << 20]
    opened.rekey(b"third", OTHER_PASSPHRASE, OTHER_RECOVERY)
    assert [path.name for path in vault.path.parent.iterdir()] == ["vault.luks"]
    for old in (PASSPHRASE, RECOVERY):
        with pytest.raises(ParaduxError, match="wrong passphrase"):
            vault.open(old)
    assert vault.open(OTHER_PASSPHRASE).document == vault.open_with_recovery(OTHER_RECOVERY).document == b"third"
    assert stock_volume_key(vault.path, OTHER_PASSPHRASE) != stolen_key
    with vault.path.open("r+b") as file:
        file.write(header)
    with pytest.raises(ParaduxError) as refused:
        vault.open(PASSPHRASE)
    assert refused.value.code == "damaged-vault", "an old header opens the old key, which fits nothing"


def test_a_stale_holder_cannot_save_over_a_changed_passphrase(vault: LockedVault) -> None:
    stale = vault.open(PASSPHRASE)
    vault.open(PASSPHRASE).rekey(b"new", OTHER_PASSPHRASE, OTHER_RECOVERY)
    with pytest.raises(ParaduxError) as refused:
        stale.save(b"stale")
    assert refused.value.code == "wrong-passphrase"
    assert vault.open(OTHER_PASSPHRASE).document == b"new"


def test_a_stale_holder_is_noticed_even_when_the_passphrase_is_the_same(vault: LockedVault) -> None:
    stale = vault.open(PASSPHRASE)
    vault.open(PASSPHRASE).rekey(b"new", PASSPHRASE, RECOVERY)
    with pytest.raises(ParaduxError):
        stale.save(b"stale")
    assert vault.open(PASSPHRASE).document == b"new"


def test_the_recovery_secret_is_tried_first_so_that_it_opens_on_a_small_machine(vault: LockedVault) -> None:
    assert {slot: keyslot.get("priority", 1) for slot, keyslot in stock_header(vault.path)["keyslots"].items()} == {
        "0": 1,
        "1": 2,
    }


def test_a_disk_that_does_not_confirm_is_not_called_unchanged(
    vault: LockedVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = vault.open(PASSPHRASE)

    def broken(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(linux, "sync_directory", broken)
    with pytest.raises(ParaduxError, match="has taken its place") as told:
        opened.save(b"new")
    assert told.value.code == "not-confirmed"
    assert vault.open(PASSPHRASE).document == b"new"


def test_both_keyslots_are_argon2id(vault: LockedVault) -> None:
    header = stock_header(vault.path)
    assert {slot: keyslot["kdf"]["type"] for slot, keyslot in header["keyslots"].items()} == {
        "0": "argon2id",
        "1": "argon2id",
    }
    assert stock_opens(vault.path, PASSPHRASE, 0)
    assert stock_opens(vault.path, RECOVERY, 1)
    assert not stock_opens(vault.path, PASSPHRASE, 1)


def test_the_representation_of_an_open_vault_shows_nothing(vault: LockedVault) -> None:
    shown = repr(vault.open(PASSPHRASE))
    assert "the config" not in shown
    assert PASSPHRASE.decode() not in shown


UNPRIVILEGED = """
import os, sys, tempfile
from pathlib import Path
from tests.effects.vault.rig import *
from paraduxd.effects.vault.vault import available_mode
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
with tempfile.TemporaryDirectory(dir="/tmp") as folder:
    vault = locked(Path(folder))
    vault.create(b"1", PASSPHRASE, RECOVERY).save(b"2").rekey(b"3", OTHER_PASSPHRASE, OTHER_RECOVERY)
    print(available_mode(), vault.open(OTHER_PASSPHRASE).document.decode())
"""


def test_all_of_it_works_without_any_rights() -> None:
    done = subprocess.run(script(UNPRIVILEGED), capture_output=True, text=True, check=False)
    assert done.stdout == "userspace 3\n", done.stderr


@pytest.mark.slow
def test_the_default_stretching_costs_memory_and_time(tmp_path: Path) -> None:
    LockedVault(tmp_path / "vault.luks").create(DOCUMENT, PASSPHRASE, RECOVERY)
    slots = stock_header(tmp_path / "vault.luks")["keyslots"]
    assert slots["0"]["kdf"]["memory"] >= 32 * 1024, "KiB"
    assert slots["0"]["kdf"]["time"] >= 4
    assert slots["1"]["kdf"]["memory"] == 32
