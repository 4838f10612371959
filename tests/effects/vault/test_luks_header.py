"""What can be seen of a LUKS2 container without opening it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.effects.vault import luks, luks_header
from paraduxd.effects.vault.luks_header import Look, Seen

PASSPHRASE, RECOVERY = b"a passphrase", b"ab" * 32


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("luks") / "vault.luks"
    luks.format_container(path, PASSPHRASE, RECOVERY, luks.wanted_cost(luks.Kdf.WEAK))
    return path.read_bytes()


@pytest.fixture
def vault(tmp_path: Path, container: bytes) -> Path:
    path = tmp_path / "vault.luks"
    path.write_bytes(container)
    return path


def change(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_whole_container_has_a_hash(vault: Path) -> None:
    look = Look(vault)
    seen = look.now()
    assert seen.state == "" and len(seen.sha256) == 64
    assert look.now() == seen


@pytest.mark.parametrize(
    ("offset", "data"),
    [
        (0, bytes(4096)),
        (0, b"LUKT"),
        (6, b"\0\1"),
        (8, bytes(8)),
        (5000, b"\xff"),
        (450, b"\xff\xfe"),
        (0x4000, bytes(512)),
    ],
)
def test_either_header_that_is_not_whole_is_damage(vault: Path, offset: int, data: bytes) -> None:
    change(vault, offset, data)
    assert Look(vault).now() == Seen("damaged")


def test_gone_empty_zeros_cut_off_and_rubbish(vault: Path, container: bytes) -> None:
    look = Look(vault)
    assert look.now().state == ""
    for content, state in (
        (b"", "empty"),
        (bytes(len(container)), "damaged"),
        (container[:9000], "damaged"),
        (b"rubbish" * 10_000, "damaged"),
        (container, ""),
    ):
        vault.write_bytes(content)
        assert look.now().state == state
    vault.unlink()
    assert look.now() == Seen("missing")


@pytest.mark.parametrize("offset", [0x8000 + 100, 20 << 20])
def test_another_keyslot_or_payload_has_another_hash(vault: Path, offset: int) -> None:
    look = Look(vault)
    before = look.now()
    change(vault, offset, b"\xa5" * 32)
    after = look.now()
    assert after.state == "" and after.sha256 != before.sha256


def test_what_has_not_changed_is_not_read_again(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look(vault)
    look.now()
    monkeypatch.setattr(luks_header, "_seen", lambda *_: pytest.fail("it was read again"))
    assert look.now().state == ""
