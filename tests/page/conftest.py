"""One family, one set of kits and data for all tests of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.material import make_material

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kits, sheets and data, with the golden kits beside them."""
    folder = tmp_path_factory.mktemp("page")
    make_material(folder / "material")
    (folder / "golden").mkdir()
    for version in GOLDEN.glob("*/"):
        if version.name[0].isdigit():
            (folder / "golden" / version.name).symlink_to(version)
    return folder / "material"
