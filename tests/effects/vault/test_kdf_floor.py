"""What a guess of the operational passphrase costs at least, however busy the machine was at the setup."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run
from paraduxd.effects.vault import luks, luks_header
from paraduxd.effects.vault.luks import Kdf
from paraduxd.effects.vault.luks_header import Cost

PASSPHRASE, RECOVERY = b"correct horse battery staple", b"ab" * 32
FLOOR = 48 * 1024


@pytest.fixture
def container(tmp_path: Path) -> Path:
    path = tmp_path / "vault.luks"
    luks.format_container(path, PASSPHRASE, RECOVERY, Kdf.WEAK)
    return path


def raised(path: Path, floor: int) -> Cost:
    with run.sealed_file(PASSPHRASE) as passphrase:
        luks.raise_cost(path, passphrase, floor)
    return luks.cost(path)


def test_a_passphrase_that_is_stretched_too_little_is_stretched_more(container: Path) -> None:
    key = luks.volume_key(container, PASSPHRASE)
    assert luks.cost(container) == Cost(32, 4, 1)
    assert raised(container, FLOOR) == Cost(FLOOR, luks_header.LEAST_PASSES, 1)
    assert luks.volume_key(container, PASSPHRASE) == key == luks.volume_key(container, RECOVERY)
    luks.opens_slot(container, PASSPHRASE, luks_header.PASSPHRASE_SLOT)
    with pytest.raises(ParaduxError, match="wrong passphrase"):
        luks.volume_key(container, b"another passphrase")
    assert luks.segment(container).sector_size == 4096


def test_one_that_is_stretched_enough_stays_as_it_is(container: Path) -> None:
    dear = raised(container, FLOOR)
    before = container.read_bytes()
    assert raised(container, FLOOR // 2) == dear
    assert container.read_bytes() == before


def test_the_floor_is_half_of_the_memory_at_most() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1])
    assert 0 < luks_header.least_memory() <= luks_header.LEAST_MEMORY
    assert luks_header.least_memory() <= total


def test_a_vault_made_on_a_busy_machine_has_the_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One so busy that cryptsetup measures next to nothing."""
    make = luks.add_key_command
    monkeypatch.setattr(luks, "add_key_command", lambda path, file, new, _: make(path, file, new, Kdf.WEAK))
    monkeypatch.setattr(luks, "least_memory", lambda: FLOOR)
    luks.format_container(tmp_path / "vault.luks", PASSPHRASE, RECOVERY, Kdf.DEFAULT)
    assert luks.cost(tmp_path / "vault.luks") == Cost(FLOOR, luks_header.LEAST_PASSES, 1)
