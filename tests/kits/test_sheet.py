"""The printed sheet: one page, words to read, a code that a decoder reads back from an ordinary print."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.managed import managed_of
from paraduxd.core.config.models import Config
from paraduxd.keeper.kits.documents import sheet
from paraduxd.keeper.kits.documents.kit_facts import facts_of
from tests.kits.kit_rig import WRITTEN, Family

Kits = dict[str, dict[str, bytes]]


def program(*command: str | Path) -> str:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


def written(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / "sheet.pdf"
    path.write_bytes(files["sheet.pdf"])
    return path


def words_of(family: Family, steward: str) -> str:
    shares = family.document["managed"]["shares"]
    return str(shares["words"][shares["issued"][steward]])


@pytest.mark.parametrize("steward", ["alice", "boeb"])
def test_a_decoder_reads_the_words_from_a_print_of_150_dots_per_inch(
    family: Family, kits: Kits, steward: str, tmp_path: Path
) -> None:
    program("pdftoppm", "-r", "150", "-gray", "-png", written(kits[steward], tmp_path), tmp_path / "page")
    (page,) = tmp_path.glob("page*.png")
    read = program("zbarimg", "--quiet", "--raw", "--nodbus", page)
    assert read.strip() == words_of(family, steward).upper()


def test_it_is_one_page_of_a4_with_embedded_fonts(kits: Kits, tmp_path: Path) -> None:
    path = written(kits["boeb"], tmp_path)
    told = program("pdfinfo", path)
    assert re.search(r"^Pages: +1$", told, re.MULTILINE)
    assert "A4" in told
    fonts = program("pdffonts", path).splitlines()[2:]
    assert fonts and all("DejaVu" in line for line in fonts)


def test_the_words_are_numbered_and_the_names_whole(family: Family, kits: Kits, tmp_path: Path) -> None:
    text = program("pdftotext", "-layout", written(kits["boeb"], tmp_path), "-")
    numbered = dict(re.findall(r"\b(\d{1,2})\. +([a-z]+)\b", text))
    words = words_of(family, "boeb").split()
    assert {str(number): word for number, word in enumerate(words, 1)}.items() <= numbered.items()
    assert "Böb Müller" in text and "Fred Myself" in text and "+1 999 888 7777" in text


def test_long_names_stay_on_the_page(family: Family, tmp_path: Path) -> None:
    document = copy.deepcopy(family.document)
    document["owner"] = dict.fromkeys(("name", "phone", "email"), "W" * 4000)
    document["stewards"][1]["name"] = "Ж" * 4000
    made = sheet.sheet(facts_of(Config.model_validate(document), managed_of(document), "boeb", family.epoch, WRITTEN))
    path = written({"sheet.pdf": made}, tmp_path)
    boxes = program("pdftotext", "-bbox", path, "-")
    assert max(float(edge) for edge in re.findall(r'yMax="([0-9.]+)"', boxes)) < 842
    assert max(float(edge) for edge in re.findall(r'xMax="([0-9.]+)"', boxes)) < 596
    program("pdftoppm", "-r", "150", "-gray", "-png", path, tmp_path / "page")
    (page,) = tmp_path.glob("page*.png")
    assert program("zbarimg", "--quiet", "--raw", "--nodbus", page).strip() == words_of(family, "boeb").upper()


def test_a_missing_font_is_named_with_its_package(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "FONTS", Path("/nonexistent"))
    with pytest.raises(ParaduxError, match="font") as refused:
        sheet.sheet(
            facts_of(
                Config.model_validate(family.document), managed_of(family.document), "alice", family.epoch, WRITTEN
            )
        )
    assert "fonts-dejavu-core" in str(refused.value.hint)


def test_it_leads_to_newer_copies_and_gives_nothing_away(family: Family, kits: Kits, tmp_path: Path) -> None:
    text = program("pdftotext", "-layout", written(kits["alice"], tmp_path), "-")
    for stash in family.document["metadata_stashes"]:
        if access := stash.get("kit_access"):
            assert access["url"] in text
            for secret in access["credentials"].values():
                assert secret not in text
        assert stash["url"] not in text
    assert re.search(r"3 of 5 parts", text)


def test_without_a_published_copy_it_says_where_the_file_is(family: Family, tmp_path: Path) -> None:
    config = Config.model_validate(family.document).model_copy(update={"metadata_stashes": ()})
    facts = facts_of(config, managed_of(family.document), "alice", family.epoch, WRITTEN)
    (tmp_path / "sheet.pdf").write_bytes(sheet.sheet(facts))
    assert "is on each stick" in program("pdftotext", "-layout", tmp_path / "sheet.pdf", "-")
