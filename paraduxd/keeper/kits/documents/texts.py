"""The texts of a kit, which are data files: one page and one table of phrases per language."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.frozen import dataclass

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


@dataclass(frozen=True)
class Phrases:
    """The short texts of one language; what is in braces is filled in."""

    share_of: str
    share_epoch: str
    keep_secret: str
    others_unknown: str
    phone: str
    email: str
    address: str
    call_owner: str
    sheet_title: str
    sheet_for: str
    sheet_what: str
    sheet_when: str
    sheet_steps: str
    sheet_foot: str
    sheet_copies: str
    sheet_no_copies: str


def phrases(language: str) -> Phrases:
    """Those of a language, or of English."""
    return from_json_value(Phrases, json.loads(read(f"phrases.{choose(language)}.json")))
