"""recover.html in Chromium, Firefox and, at full width, WebKitGTK: opened from a file, with real kits and real clicks (`web/browsers/`)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from paraduxd.keeper.kits.documents import build
from tests import width
from tests.page.node import node

SCREENS = Path(__file__).parent.parent.parent / "build" / "screens"
PAGE = Path(build.__file__).parent / "data" / "recover.html"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("browser", [*width.today(("chrome", "firefox"), 1), *(["webkit"] if width.FULL else [])])
def test_what_people_do(browser: str, material: Path) -> None:
    """Leaves a picture of every screen in `build/screens`."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    places = {"PARADUX_MATERIAL": str(material), "PARADUX_PAGE": str(PAGE), "PARADUX_SCREENS": str(SCREENS)}
    given = {"PARADUX_BROWSER": browser, **places}
    said = node(
        "--test", "--test-reporter=spec", "browsers/page.test.mjs", environment={**os.environ, **given}, timeout=880
    )
    print(said)
    counts = {name: int(number) for name, number in re.findall(r"^ℹ (\w+) (\d+)$", said, re.MULTILINE)}
    assert counts["pass"] == counts["tests"] >= 26
