"""Addresses for notices that begin with what no service has."""

from __future__ import annotations

import logging

import pytest

from paraduxd.core.config.validation import notify_addresses
from paraduxd.core.config.validation.plain_notifications import PLAIN


def test_the_beginnings_are_those_of_the_installed_apprise() -> None:
    from apprise.manager_plugins import NotificationManager

    logging.disable(logging.CRITICAL)
    manager = NotificationManager()
    manager.load_modules()
    logging.disable(logging.NOTSET)
    assert set(manager.schemas()) <= notify_addresses.SCHEMES
    assert notify_addresses.SCHEMES >= PLAIN


def test_the_nearest_beginning_is_named_and_nothing_else_of_the_address() -> None:
    message, hint = notify_addresses.why("mailtoo://fred:canary@mail.example")
    assert message == "no service has addresses that begin with mailtoo://: nothing can be sent there"
    assert "mailto" in hint and "canary" not in message + hint


@pytest.mark.parametrize("address", ["MAILTO://x", "ntfys://topic", "https://discord.com/api/webhooks/1/x"])
def test_what_there_is_is_known(address: str) -> None:
    assert notify_addresses.unknown([address]) == []
