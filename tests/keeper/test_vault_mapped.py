"""What the vault tells the kernel, as far as it shows without one: the commands, and which mappings were left open."""

from __future__ import annotations

import os
from pathlib import Path

from paraduxd.effects import device_mapper, luks, mapped
from paraduxd.effects.vault import Kdf

VAULT = Path("/state/vault.luks")
KEY = "/proc/self/fd/9"


def test_reading_opens_read_only_and_keeps_the_key_out_of_the_keyring() -> None:
    assert mapped.open_command(VAULT, "paradux-1-ab", KEY, writable=False) == [
        *("cryptsetup", "open", "--type", "luks2", "--disable-keyring", "--readonly"),
        *("--key-file", KEY, "--", "/state/vault.luks", "paradux-1-ab"),
    ]


def test_writing_differs_only_in_that() -> None:
    reading, writing = (mapped.open_command(VAULT, "n", KEY, writable=each) for each in (False, True))
    assert [part for part in reading if part != "--readonly"] == writing


def test_closing_names_the_mapping() -> None:
    assert mapped.close_command("paradux-1-ab") == ["cryptsetup", "close", "--", "paradux-1-ab"]


def test_only_our_mappings_of_processes_that_are_gone_are_left_open() -> None:
    living, ours, others = (
        f"paradux-7-{'a' * 16}",
        f"paradux-8-{'b' * 16}",
        ["paradux-8", "paradux-8-home", "root", "control"],
    )
    assert mapped.left_open([living, ours, *others], lambda pid: pid == 7) == [ours]


def test_making_a_container_names_cipher_slots_and_stretching() -> None:
    made = luks.format_command(VAULT, KEY, Kdf.DEFAULT)
    assert " ".join(made) == (
        "cryptsetup luksFormat --type luks2 --batch-mode --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 "
        "--pbkdf argon2id --key-slot 0 --key-file /proc/self/fd/9 -- /state/vault.luks"
    )
    assert "--pbkdf-force-iterations" in luks.format_command(VAULT, KEY, Kdf.WEAK)
    added = luks.add_key_command(VAULT, KEY, "/proc/self/fd/10")
    assert added[added.index("--key-slot") + 1] == "1"
    assert added[-2:] == ["/state/vault.luks", "/proc/self/fd/10"]


def test_only_root_with_a_working_device_mapper_gets_mappings() -> None:
    try:
        os.close(os.open(device_mapper.CONTROL, os.O_RDWR))
        works = True
    except OSError:
        works = False
    expected = "mapped" if works and os.geteuid() == 0 else "userspace"
    assert device_mapper.available_mode() == expected
