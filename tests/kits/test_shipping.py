"""The data files of a kit travel with the package, however it is installed."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest

from paraduxd.keeper.kits.documents import texts

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "paraduxd/keeper/kits/documents/data"


def test_the_package_declares_every_data_file() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["paraduxd"]
    shipped = {path for pattern in patterns for path in (ROOT / "paraduxd").glob(pattern)}
    assert {path for path in DATA.iterdir() if path.is_file()} <= shipped
    assert {path.suffix for path in DATA.iterdir() if path.is_file()} == {".py", ".txt", ".html", ".css", ".json"}


def test_languages_are_complete() -> None:
    assert texts.languages() == {"en", "de"}
    names = {field.name for field in dataclasses.fields(texts.Phrases)}
    for language in texts.languages():
        assert texts.phrases(language) and set(json.loads(texts.read(f"phrases.{language}.json"))) == names
        assert (DATA / f"start-here.{language}.html").is_file()


@pytest.mark.parametrize(
    ("wanted", "given"), [("en", "en"), ("de-AT", "de"), ("fr", "en"), ("pt-BR", "en"), ("", "en")]
)
def test_an_unknown_language_becomes_english(wanted: str, given: str) -> None:
    assert texts.choose(wanted) == given
