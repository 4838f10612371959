"""Passwords in addresses are found however they are spelt, and nothing else is taken for one."""

from __future__ import annotations

import time

import pytest

from paraduxd.api.typed.passwords_in_addresses import covered, passwords_in

WITH = [
    "sftp:fred:{}@host:/x",
    "sftp:fred:{}@host:x/y",
    "sftp::{}@host:/x",
    "sftp://fred:{}@host:22/x",
    "sftp://fred%3A{}@host/x",
    "rest:https://fred:{}@host:8000/",
    "rest:http://fred%3a{}@host/",
    "s3:http://key:{}@host/bucket",
    "s3://key:{}@bucket/prefix",
    "rclone:fred:{}@host:/x",
    "https://:{}@host/dav",
    "ftps://fred:{}@host/x",
]

WITHOUT = [
    "sftp:fred@host:/x",
    "sftp:host:/photos/me@home:2024",
    "sftp://fred@host:2222/a:b@c",
    "https://host:8080/~me@home",
    "http://[::1]:80/a@b",
    "rclone:drive:Backups/me",
    "file:///a:b@c:d",
    "rsync+ssh://host/a:b@c",
    "/srv/a:b@c:d",
    "call fred@example.org: at 10:30",
]


@pytest.mark.parametrize("password", ["pw", "p:w", "p@w", "p/w", "pä%40"])
@pytest.mark.parametrize("address", WITH)
def test_they_are_found_and_covered(address: str, password: str) -> None:
    assert passwords_in(address.format(password)) == (password,)
    assert covered(address.format(password), "***") == address.format("***")


@pytest.mark.parametrize("address", WITHOUT)
def test_nothing_else_is_one(address: str) -> None:
    assert passwords_in(address) == ()
    assert covered(address, "***") == address


def test_all_of_a_sentence_are_found() -> None:
    text = "cannot open sftp://fred:one@host/x, nor ftp://fred:two@host/y"
    assert passwords_in(text) == ("one", "two")
    assert covered(text, "***") == "cannot open sftp://fred:***@host/x, nor ftp://fred:***@host/y"


def test_a_long_text_is_searched_at_once() -> None:
    began = time.monotonic()
    for text in ("://a:" * 100_000, "sftp:a:" + "@b" * 200_000, "a" * 500_000):
        passwords_in(text)
    assert time.monotonic() - began < 30
