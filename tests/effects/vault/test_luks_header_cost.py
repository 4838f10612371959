"""What a guess of a vault's passphrase takes shows without opening it, whoever made the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.effects.vault import luks, luks_header
from paraduxd.effects.vault.luks import Kdf
from paraduxd.effects.vault.luks_header import Cost, Look, Seen

PASSPHRASE, RECOVERY = b"correct horse battery staple", b"ab" * 32


def test_a_vault_from_elsewhere_that_is_cheap_to_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(luks_header, "LEAST_MEMORY", 32 * 1024)
    for name, cost, cheap in (("cheap", luks.wanted_cost(Kdf.WEAK), True), ("dear", Cost(32 * 1024, 4, 1), False)):
        luks.format_container(tmp_path / name, PASSPHRASE, RECOVERY, cost)
        seen = Look(tmp_path / name).now()
        assert seen.cost == luks.cost(tmp_path / name) == cost and seen.is_cheap == cheap


@pytest.mark.parametrize(
    ("cost", "cheap"), [(Cost(1 << 30, 4, 1), False), (Cost(1 << 30, 3, 1), True), (Cost(32, 9, 4), True)]
)
def test_memory_and_passes_count(cost: Cost, cheap: bool) -> None:
    assert Seen("", "", cost).is_cheap == cheap


def test_what_no_header_says_is_no_warning(tmp_path: Path) -> None:
    (tmp_path / "vault.luks").write_bytes(b"LUKS\xba\xbe" + bytes(8192))
    assert Look(tmp_path / "vault.luks").now() == Seen("damaged") and not Seen("damaged").is_cheap
