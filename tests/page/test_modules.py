"""The modules of recover.html, in node: driven by the vectors of schema/vectors, and by the golden kits."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.page.node import node


@pytest.mark.long
@pytest.mark.timeout(400)
def test_what_the_vectors_expect_is_what_comes_out(material: Path) -> None:
    said = node("test.mjs", environment={**os.environ, "PARADUX_DATA": str(material / "data")}, timeout=380)
    print(said)
    counts = {name: int(number) for name, number in re.findall(r"^ℹ (\w+) (\d+)$", said, re.MULTILINE)}
    assert counts["pass"] == counts["tests"] > 338
    assert counts["skipped"] == counts["todo"] == counts["fail"] == 0


def test_types_are_right() -> None:
    node("node_modules/typescript/bin/tsc", "--noEmit")
