"""What a person names without saying what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraductl.recovery import materials

KITS = Path(__file__).parent.parent / "golden" / "0.1.0" / "whole" / "kits"


@pytest.mark.parametrize("steward", ["alice", "dietrich"])
def test_a_share_file_is_one_whoever_it_names(steward: str) -> None:
    (material,) = materials.anything(KITS / steward / "PARADUX" / "share.txt")
    assert material.share_text
    assert material.config is None


def test_an_encrypted_config_brings_the_key_beside_it() -> None:
    message, key = materials.anything(KITS / "alice" / "PARADUX" / "config.gpg")
    assert message.config
    assert message.share_text is None
    assert key.key
