"""The page that is shipped is what its sources make, to the byte."""

from __future__ import annotations

import re
from pathlib import Path

from paraduxd.keeper.kits.documents import texts
from paraduxd.keeper.kits.documents.start_here import page_sha256
from tests.page.node import WEB, node

LARGEST = 500_000


def test_the_sources_make_the_very_page_that_is_shipped(tmp_path: Path) -> None:
    node("build.mjs", tmp_path / "recover.html")
    assert (tmp_path / "recover.html").read_text() == texts.read("recover.html"), "run: (cd web && node build.mjs)"


def test_its_hash_is_published() -> None:
    assert f"\n    {page_sha256()}\n" in (WEB.parent / "docs/development/recover-page.md").read_text()


def test_it_is_one_file_that_names_no_other() -> None:
    page = texts.read("recover.html")
    assert len(page.encode()) <= LARGEST
    head, _, rest = page.partition("<script>")
    assert not re.search(r"<(link|img|iframe|script)\b|@import|url\(", head)
    assert rest.count("<script") == 0
    assert "default-src 'none'" in head


def test_everything_bundled_is_named_with_its_licence() -> None:
    page = texts.read("recover.html")
    for name in ("openpgp", "@noble/ciphers", "@noble/hashes", "fzstd", "qr"):
        assert re.search(rf"<summary>{name} \d+\.\d+\.\d+ · .*(LGPL|MIT)", page), name
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in page and "GNU GENERAL PUBLIC LICENSE" in page


def test_versions_are_exact() -> None:
    package = (WEB / "package.json").read_text()
    versions = re.findall(r'^    "[@\w/-]+": "([^"]+)"', package.split('"dependencies"')[1], re.MULTILINE)
    assert len(versions) >= 7 and all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
