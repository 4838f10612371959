"""The names object is read record by record, whatever the names are."""

from __future__ import annotations

import os

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.archive import file_list

NAMES = b"z first\0f a\nz b\0f z c\0d x\0x x/unread\0z cut\noff\0f cut\noff\0h0 x/one\0h0 two\0f not \xff utf-8\0"


def test_what_is_not_to_its_end_is_known() -> None:
    assert file_list.padded(NAMES) == ("first", "cut\noff")
    assert file_list.padded(b"") == ()


def test_what_can_be_restored_is_told() -> None:
    paths = [each.path for each in file_list.entries(NAMES)]
    assert paths == ["a\nz b", "z c", "x", "x/one", "two", os.fsdecode(b"not \xff utf-8")]


def test_other_names_of_the_same_file_come_along() -> None:
    assert file_list.select(NAMES, ["x"]) == file_list.Selection(("x", "two"), ("two",))


@pytest.mark.parametrize("path", ["x/unread", "cut\noff", "first/below"])
def test_what_could_not_be_read_is_called_that(path: str) -> None:
    with pytest.raises(ParaduxError, match="could not be read"):
        file_list.select(NAMES, [path])
