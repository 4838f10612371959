"""What a guess of the operational passphrase costs at least, however busy the machine was; and it never gets cheaper."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.vault import luks, luks_header
from paraduxd.effects.vault.luks import Kdf
from paraduxd.effects.vault.luks_header import LEAST_PASSES, Cost
from paraduxd.effects.vault.vault import LockedVault, Mode
from tests.effects.vault.rig import DOCUMENT, OTHER_PASSPHRASE, PASSPHRASE, RECOVERY

FLOOR = 48 * 1024
BUSY, IDLE = Cost(8 * 1024, 1, 1), Cost(64 * 1024, 5, 1)


@pytest.fixture(autouse=True)
def small_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(luks, "least_memory", lambda: FLOOR)


def measures(monkeypatch: pytest.MonkeyPatch, cost: Cost) -> None:
    """From now on the machine is so fast."""
    monkeypatch.setattr(luks, "measured_cost", lambda: cost)


def test_a_busy_machine_takes_the_floor_and_an_idle_one_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    measures(monkeypatch, BUSY)
    assert luks.wanted_cost(Kdf.DEFAULT) == Cost(FLOOR, LEAST_PASSES, 1)
    measures(monkeypatch, IDLE)
    assert luks.wanted_cost(Kdf.DEFAULT) == IDLE


def test_a_cost_that_was_measured_once_stays_and_one_below_the_floor_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    measures(monkeypatch, BUSY)
    assert luks.wanted_cost(Kdf.DEFAULT, IDLE) == IDLE
    assert luks.wanted_cost(Kdf.DEFAULT, Cost(32, 9, 2)) == Cost(FLOOR, 9, 2)


@pytest.mark.parametrize("header", [Cost(1 << 40, 4, 1), Cost(FLOOR, 1 << 30, 1)], ids=["memory", "passes"])
def test_what_a_header_says_is_not_followed_beyond_what_a_machine_can_do(
    monkeypatch: pytest.MonkeyPatch, header: Cost
) -> None:
    measures(monkeypatch, IDLE)
    assert luks.wanted_cost(Kdf.DEFAULT, header) == IDLE


def test_what_cryptsetup_measures_is_understood() -> None:
    said = b"argon2id      4 iterations, 1048576 memory, 4 parallel threads (CPUs) for 256-bit key (requested 2000 ms time)\n"
    assert luks.parse_benchmark(b"# Tests are approximate using memory only (no storage IO).\n" + said) == Cost(
        1048576, 4, 4
    )
    with pytest.raises(ParaduxError, match="does not tell"):
        luks.parse_benchmark(b"argon2id N/A\n")


def test_the_floor_is_half_of_the_memory_at_most() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1])
    assert 0 < luks_header.least_memory() <= luks_header.LEAST_MEMORY
    assert luks_header.least_memory() <= total


def test_a_vault_keeps_its_cost_under_a_new_passphrase_and_new_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures(monkeypatch, IDLE)
    vault = LockedVault(tmp_path / "vault.luks", Mode.USERSPACE, Kdf.DEFAULT)
    opened = vault.create(DOCUMENT, PASSPHRASE, RECOVERY)
    assert luks.cost(vault.path) == IDLE
    measures(monkeypatch, BUSY)
    opened.rekey(DOCUMENT, OTHER_PASSPHRASE, RECOVERY)
    assert luks.cost(vault.path) == IDLE
    luks.opens_slot(vault.path, OTHER_PASSPHRASE, luks_header.PASSPHRASE_SLOT)
    with pytest.raises(ParaduxError, match="wrong passphrase"):
        luks.volume_key(vault.path, PASSPHRASE)
    assert luks.segment(vault.path).sector_size == 4096
