"""The texts of a kit, which are data files: one page and one table of phrases per language."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

FALLBACK = "en"


@cache
def read(name: str, package: str = __package__) -> str:
    """The text of a package's data file, with line ends as LF."""
    return (files(package) / "data" / name).read_text(encoding="utf-8")


@cache
def languages() -> frozenset[str]:
    """The languages that kits can be written in."""
    names = (entry.name for entry in (files(__package__) / "data").iterdir())
    return frozenset(name.split(".")[1] for name in names if name.startswith("phrases."))


def choose(language: str) -> str:
    """The language to write in: the steward's, without its country, or English."""
    plain = language.partition("-")[0]
    return plain if plain in languages() else FALLBACK


def phrases(language: str) -> dict[str, str]:
    """The short texts of a language, by name."""
    table: dict[str, str] = json.loads(read(f"phrases.{choose(language)}.json"))
    return table
