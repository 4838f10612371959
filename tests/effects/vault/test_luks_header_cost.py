"""What a guess of a vault's passphrase takes shows without opening it, whoever made the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.effects.process import run
from paraduxd.effects.vault import luks, luks_header
from paraduxd.effects.vault.luks import Kdf
from paraduxd.effects.vault.luks_header import Cost, Look, Seen

PASSPHRASE, RECOVERY = b"correct horse battery staple", b"ab" * 32


@pytest.fixture
def container(tmp_path: Path) -> Path:
    path = tmp_path / "vault.luks"
    luks.format_container(path, PASSPHRASE, RECOVERY, Kdf.WEAK)
    return path


def test_a_vault_from_elsewhere_that_is_cheap_to_guess(container: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look(container)
    assert look.now().cost == luks.cost(container) == Cost(32, 4, 1) and look.now().is_cheap
    monkeypatch.setattr(luks_header, "LEAST_MEMORY", 32 * 1024)
    with run.sealed_file(PASSPHRASE) as passphrase:
        luks.raise_cost(container, passphrase, luks_header.least_memory())
    assert look.now().cost == luks.cost(container) == Cost(32 * 1024, 4, 1) and not look.now().is_cheap


@pytest.mark.parametrize(
    ("cost", "cheap"), [(Cost(1 << 30, 4, 1), False), (Cost(1 << 30, 3, 1), True), (Cost(32, 9, 4), True)]
)
def test_memory_and_passes_count(cost: Cost, cheap: bool) -> None:
    assert Seen("", "", cost).is_cheap == cheap


def test_what_no_header_says_is_no_warning(tmp_path: Path) -> None:
    (tmp_path / "vault.luks").write_bytes(b"LUKS\xba\xbe" + bytes(8192))
    assert Look(tmp_path / "vault.luks").now() == Seen("damaged") and not Seen("damaged").is_cheap
