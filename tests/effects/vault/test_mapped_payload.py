"""The way through the kernel, as far as it shows without device-mapper: the commands, their order, and that all is closed again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.devices import device_mapper
from paraduxd.effects.process import run as process
from paraduxd.effects.vault import luks, mapped_payload, userspace_payload
from paraduxd.effects.vault.luks_header import Cost
from paraduxd.effects.vault.vault import Kdf, LockedVault, Mode
from tests.effects.vault.rig import DOCUMENT, OTHER_PASSPHRASE, OTHER_RECOVERY, PASSPHRASE, RECOVERY, locked

VAULT = Path("/state/vault.luks")
KEY = "/proc/self/fd/9"


def test_reading_opens_read_only_and_keeps_the_key_out_of_the_keyring() -> None:
    assert mapped_payload.open_command(VAULT, "paradux-1-ab", KEY, writable=False) == [
        *("cryptsetup", "open", "--type", "luks2", "--disable-keyring", "--readonly"),
        *("--volume-key-file", KEY, "--", "/state/vault.luks", "paradux-1-ab"),
    ]


def test_writing_differs_only_in_that() -> None:
    reading, writing = (mapped_payload.open_command(VAULT, "n", KEY, writable=each) for each in (False, True))
    assert [part for part in reading if part != "--readonly"] == writing


def test_closing_names_the_mapping() -> None:
    assert device_mapper.close_command("paradux-1-ab") == ["cryptsetup", "close", "--", "paradux-1-ab"]


def test_only_our_mappings_of_processes_that_are_gone_are_left_open() -> None:
    living, ours, others = (
        f"paradux-7-{'a' * 16}",
        f"paradux-8-{'b' * 16}",
        ["paradux-8", "paradux-8-home", "root", "control"],
    )
    assert device_mapper.left_open([living, ours, *others], lambda pid: pid == 7) == [ours]


def test_what_a_killed_process_left_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, living = (
        f"paradux-{2**22 + 1}-{'a' * 16}",
        f"paradux-{os.getpid()}-{'b' * 16}",
    )  # no process has so high a number
    for name in (gone, living, "home"):
        (tmp_path / name).touch()
    monkeypatch.setattr(device_mapper, "MAPPINGS", tmp_path)
    closed: list[list[str]] = []
    device_mapper.close_left_open(closed.append)
    assert closed == [device_mapper.close_command(gone)]


def test_making_a_container_names_cipher_slots_and_stretching() -> None:
    assert " ".join(luks.format_command(VAULT, KEY)) == (
        "cryptsetup luksFormat --type luks2 --batch-mode --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 "
        "--pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1 "
        "--key-slot 1 --key-file /proc/self/fd/9 -- /state/vault.luks"
    )
    assert " ".join(luks.add_key_command(VAULT, KEY, "/proc/self/fd/10", Cost(1048576, 5, 4))) == (
        "cryptsetup luksAddKey --batch-mode --key-slot 0 --key-file /proc/self/fd/9 "
        "--pbkdf argon2id --pbkdf-force-iterations 5 --pbkdf-memory 1048576 --pbkdf-parallel 4 "
        "-- /state/vault.luks /proc/self/fd/10"
    )
    assert " ".join(luks.prefer_command(VAULT)) == (
        "cryptsetup config --priority prefer --key-slot 1 -- /state/vault.luks"
    )


def test_stock_cryptsetup_takes_the_volume_key_and_refuses_another(vault: LockedVault) -> None:
    """All of `open` but the mapping, which needs the kernel."""
    key = luks.volume_key(vault.path, PASSPHRASE)
    for given, code in ((key, 0), (key[::-1], 2)):
        with process.sealed_file(given) as (descriptor, key_file):
            command = mapped_payload.open_command(vault.path, "n", key_file, writable=False)[:-1]
            command.insert(2, "--test-passphrase")
            assert process.run(command, pass_fds=[descriptor]).code == code


def test_only_root_with_a_working_device_mapper_gets_mappings() -> None:
    try:
        os.close(os.open(device_mapper.CONTROL, os.O_RDWR))
        works = True
    except OSError:
        works = False
    expected = "mapped" if works and os.geteuid() == 0 else "userspace"
    assert device_mapper.available_mode() == expected


class Kernel:
    """Stands in for device-mapper: `open` puts the decrypted payload where the device would be, `close` encrypts it back."""

    def __init__(self, devices: Path) -> None:
        self.devices = devices
        self.real_run = process.run
        self.open: dict[str, tuple[Path, bytes, bool]] = {}
        self.history: list[str] = []
        self.close_code = 0

    def run(self, command: Sequence[str], **options: Any) -> process.Outcome:
        action = command[1]
        if command[0] != "cryptsetup" or action not in ("open", "close") or "--test-passphrase" in command:
            return self.real_run(command, **options)
        self.history.append(action + (" read-only" if "--readonly" in command else ""))
        return self._opened(command, options["pass_fds"]) if action == "open" else self._closed(command[-1])

    def _opened(self, command: Sequence[str], descriptors: Sequence[int]) -> process.Outcome:
        path, name = Path(command[-2]), command[-1]
        key = os.pread(descriptors[0], 1000, 0)
        (self.devices / name).write_bytes(userspace_payload.read(path, luks.segment(path), key))
        self.open[name] = (path, key, "--readonly" not in command)
        return process.Outcome(0, b"", b"")

    def _closed(self, name: str) -> process.Outcome:
        if self.close_code:
            return process.Outcome(self.close_code, b"", b"Device is still in use.")
        path, key, writable = self.open.pop(name)
        if writable:
            userspace_payload.write(path, luks.segment(path), key, (self.devices / name).read_bytes())
        (self.devices / name).unlink()
        return process.Outcome(0, b"", b"")


@pytest.fixture
def kernel(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel(tmp_path_factory.mktemp("mapper"))
    monkeypatch.setattr(process, "run", made.run)
    monkeypatch.setattr(device_mapper, "MAPPINGS", made.devices)
    return made


def through_the_kernel(folder: Path) -> LockedVault:
    return LockedVault(folder / "vault.luks", Mode.MAPPED, Kdf.WEAK)


def test_each_way_opens_what_the_other_wrote(kernel: Kernel, tmp_path: Path) -> None:
    through_the_kernel(tmp_path).create(b"1", PASSPHRASE, RECOVERY)
    locked(tmp_path).open(PASSPHRASE).save(b"2")
    opened = through_the_kernel(tmp_path).open(PASSPHRASE)
    assert opened.document == b"2"
    opened.rekey(b"3", OTHER_PASSPHRASE, OTHER_RECOVERY)
    assert locked(tmp_path).open(OTHER_PASSPHRASE).document == b"3"
    assert through_the_kernel(tmp_path).open_with_recovery(OTHER_RECOVERY).document == b"3"
    assert kernel.open == {}


def test_a_save_writes_once_and_proves_read_only(kernel: Kernel, vault: LockedVault) -> None:
    through_the_kernel(vault.path.parent).open(PASSPHRASE).save(b"new")
    assert kernel.history == ["open read-only", "close", "open", "close", "open read-only", "close"]


def test_a_wrong_passphrase_maps_nothing(kernel: Kernel, vault: LockedVault) -> None:
    with pytest.raises(ParaduxError, match="wrong passphrase"):
        through_the_kernel(vault.path.parent).open(b"wrong")
    assert kernel.history == []


def test_a_device_of_another_size_is_not_written(kernel: Kernel, vault: LockedVault) -> None:
    segment, key = luks.segment(vault.path), luks.volume_key(vault.path, PASSPHRASE)
    with pytest.raises(ValueError, match="does not fit"):
        mapped_payload.write(vault.path, segment, key, b"short")
    assert kernel.open == {}
    assert locked(vault.path.parent).open(PASSPHRASE).document == DOCUMENT


def test_a_failure_in_between_closes_the_mapping(kernel: Kernel, vault: LockedVault) -> None:
    with vault.path.open("r+b") as file:
        file.seek(16 << 20)
        file.write(b"\xff" * 65536)
    with pytest.raises(ParaduxError) as damaged:
        through_the_kernel(vault.path.parent).open(PASSPHRASE)
    assert damaged.value.code == "damaged-vault"
    assert kernel.open == {}


def test_a_mapping_that_cannot_be_closed_is_told(kernel: Kernel, vault: LockedVault) -> None:
    kernel.close_code = 5
    with pytest.raises(ParaduxError, match=f"cannot close the mapping paradux-{os.getpid()}-") as told:
        through_the_kernel(vault.path.parent).open(PASSPHRASE)
    assert told.value.code == "still-mapped"


def test_the_next_use_closes_what_a_killed_process_left_open(kernel: Kernel, vault: LockedVault) -> None:
    left = f"paradux-{2**22 + 1}-{'a' * 16}"
    (kernel.devices / left).write_bytes(b"")
    kernel.open[left] = (vault.path, b"", False)
    assert through_the_kernel(vault.path.parent).open(PASSPHRASE).document == DOCUMENT
    assert kernel.history == ["close", "open read-only", "close"]
    assert kernel.open == {}
