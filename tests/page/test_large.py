"""A large archive through the page, once: 1 GB at full width, little of it on other days."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from paraduxd.protocols.base import PushRequest
from paraduxd.protocols.disk import DiskBlobs
from tests import width
from tests.page.data import KEEP, contents, identity
from tests.page.node import node
from tests.page.test_browsers import PAGE
from tests.protocols.archive.rig import archive

MEGABYTES = width.times(1000, 40)
MOST_MEMORY = {"chrome": 500 + MEGABYTES, "firefox": 700}
"""Megabytes more than before: Chromium keeps a zip in memory until it is saved, Firefox has a place for it on the disk."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("browser", width.today(("firefox", "chrome"), 1))
def test_a_large_archive(browser: str, material: Path, tmp_path: Path) -> None:
    for kit in ("alice", "boeb", "carol"):
        (tmp_path / "material/kits").mkdir(parents=True, exist_ok=True)
        (tmp_path / "material/kits" / kit).symlink_to(material / "kits" / kit)
    expected = _make(tmp_path)
    (tmp_path / "material/large.json").write_text(json.dumps(expected))
    given = {"PARADUX_BROWSER": browser, "PARADUX_MATERIAL": str(tmp_path / "material"), "PARADUX_PAGE": str(PAGE)}
    most = {"PARADUX_MOST_MEMORY": str(MOST_MEMORY[browser])}
    said = node(
        "--test",
        "--test-reporter=spec",
        "browsers/large.test.mjs",
        environment={**os.environ, **given, **most},
        timeout=880,
    )
    print(said)


def _make(folder: Path) -> dict[str, str]:
    """An archive in `folder`/material/large, in volumes as the daemon makes them; what is in it."""
    staging = folder / "staging"
    staging.mkdir()
    for number in range(MEGABYTES // 10):
        (staging / f"{number:04}.jpg").write_bytes(os.urandom(10_000_000))
    place = archive(DiskBlobs(folder / "material/large"), folder / "machine", volume=32 << 20, identity=identity())
    place.push(staging, PushRequest(KEEP, "2026-11-01T06:00:00Z", read_back=False))
    expected = contents(staging)
    shutil.rmtree(staging)
    return expected
