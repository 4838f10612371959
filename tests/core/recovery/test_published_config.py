"""The envelope of published configs and the names of published objects."""

from __future__ import annotations

import pytest

from paraduxd.core.recovery import published_config
from paraduxd.core.recovery.published_config import Header

HEADER = Header(published_config.FORMAT, "a" * 32, "b" * 32, 2, 42, "2026-11-01T10:00:00Z")


def test_an_envelope_gives_back_header_and_config() -> None:
    config = {"serial": 42, "owner": {"name": "Fred Müller\n"}}
    assert published_config.open_envelope(published_config.envelope(HEADER, config)) == (HEADER, config)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"header": {}, "config": {}}', b'{"header": null, "config": {"a": 1}}', b"\xff\xfe"],
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        published_config.open_envelope(text)


def test_an_unknown_format_is_refused() -> None:
    text = published_config.envelope(HEADER, {}).replace(b"paradux.config/1", b"paradux.config/9")
    with pytest.raises(ValueError, match="unknown format"):
        published_config.open_envelope(text)


def test_names_are_read_back() -> None:
    assert published_config.parse_config_name(published_config.config_name(2, 42)) == (2, 42)
    for name in ("config-2.gpg", "config-2-042.gpg", "config-0-1.gpg", "config-1-2.gpg.tmp", "x-config-1-2.gpg"):
        assert published_config.parse_config_name(name) is None


def test_only_configs_beyond_the_newest_ten_of_the_epoch_go() -> None:
    names = [published_config.config_name(1, serial) for serial in range(95, 107)] + [
        published_config.config_name(2, 1)
    ]
    assert published_config.superseded(
        [*reversed(names), "README.txt", "holiday.jpg", "recovery-key-1.asc"], (1, 106)
    ) == (
        "config-1-95.gpg",
        "config-1-96.gpg",
    )
    assert published_config.superseded(names[:10], (1, 104)) == ()
    assert published_config.superseded(names, (2, 1)) == ()


def test_a_config_that_was_just_published_never_goes_before_older_installations_higher_ones() -> None:
    others = [published_config.config_name(1, serial) for serial in range(50, 70)]
    assert published_config.superseded([*others, published_config.config_name(1, 3)], (1, 3)) == ()


def test_the_readme_names_the_key_and_the_steps() -> None:
    text = published_config.readme(3).decode()
    assert "gpg --import recovery-key-3.asc" in text
    assert "gpg --decrypt config-3-<serial>.gpg" in text
