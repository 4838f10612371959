"""What the tools on a kit can read is told by their own bytes, and is all that the places may hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paraduxd.core.recovery import kit_tools, published_config
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.kits.make import has_old_tools
from paraduxd.keeper.runtime.shipped_tools import tools
from paraduxd.protocols.archive import chain

OURS = kit_tools.reads(tools())
RECORD = KitRecord("alice", 1, reads=OURS)


def test_our_tools_read_every_format_that_we_write() -> None:
    assert {chain.FORMAT, chain.FIRST_FORMAT, published_config.FORMAT} <= set(OURS)
    assert chain.FORMAT == kit_tools.ARCHIVE


def test_a_kit_without_a_page_reads_no_archive() -> None:
    """Those of version 0.1.0 have none."""
    assert kit_tools.reads({"recover.py": tools()["recover.py"]}) == ("paradux.config/1",)
    assert kit_tools.reads({"recover.html": b"\xff paradux-archive/1 x paradux-archive/" + b"9" * 99}) == (
        "paradux-archive/1",
        "paradux-archive/999999999",
    )


@pytest.mark.parametrize(
    ("reads", "old"),
    [(OURS, False), ((*OURS, "paradux-archive/3"), False), (OURS[:-1], True), ((), True), (None, False)],
)
def test_a_kit_is_written_anew_if_its_tools_lack_what_ours_know(reads: tuple[str, ...] | None, old: bool) -> None:
    assert has_old_tools(replace(RECORD, reads=reads)) == old
