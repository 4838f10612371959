"""sheet.pdf: one page of A4 to print, with the words and a QR code of them. Made in memory."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from paraduxd.api.errors import ParaduxError
from paraduxd.keeper.kits.documents.kit_facts import KitFacts, Person
from paraduxd.keeper.kits.documents.share_text import one_line
from paraduxd.keeper.kits.documents.texts import Phrases, phrases

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = Path("/usr/share/fonts/truetype/dejavu")
"""Of Debian's fonts-dejavu-core: the fonts that every PDF reader has know no letters beyond Western Europe's."""

LEFT, WIDTH = 20.0, 170.0
QR_SIZE = 74.0
COLUMNS = 3
"""Measures in millimetres."""

MOST_PLACES, LONGEST_ADDRESS = 3, 100
"""Of the places with newer copies: so many are named, with so many characters."""


logging.getLogger("fontTools").setLevel(logging.WARNING)
"""At INFO it tells the log which letters are on the page: those of the share."""


def qr_text(words: tuple[str, ...]) -> str:
    """What the QR code says: the words in upper case, one space between them."""
    return " ".join(words).upper()


def sheet(facts: KitFacts) -> bytes:
    """The PDF; raises `ParaduxError` "missing-font" when the font is not installed."""
    said = phrases(facts.language)
    pdf = _page(facts)
    _heading(pdf, facts, said)
    _words(pdf, facts.words, top=74.0)
    _code(pdf, qr_text(facts.words), top=152.0)
    _beside_code(pdf, facts, said, top=152.0)
    _copies(pdf, facts, said, top=234.0)
    _line(pdf, said.sheet_foot.format(fingerprint=facts.fingerprint), top=272.0, size=7)
    return bytes(pdf.output())


def _page(facts: KitFacts) -> FPDF:
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_creation_date(datetime.fromisoformat(facts.written))
    pdf.set_auto_page_break(False)
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        if not (FONTS / file).is_file():
            raise ParaduxError(
                "missing-font", f"the font {file} is not installed", "install it: apt install fonts-dejavu-core"
            )
        pdf.add_font("sans", style, str(FONTS / file))
    pdf.set_title("Paradux")
    pdf.add_page()
    return pdf


def _heading(pdf: FPDF, facts: KitFacts, said: Phrases) -> None:
    names = {"owner": one_line(facts.owner.name, 60), "steward": one_line(facts.steward.name, 60)}
    _line(pdf, said.sheet_title.format(**names), top=16.0, size=15, style="B")
    _line(pdf, said.sheet_for.format(**names), top=31.0, size=11)
    _line(pdf, said.share_epoch.format(epoch=facts.number, day=facts.day), top=42.0, size=9)
    text = said.sheet_what.format(needed=facts.threshold, holders=facts.issued)
    _line(pdf, text, top=49.0, size=9)


def _words(pdf: FPDF, words: tuple[str, ...], top: float) -> None:
    """The words in columns, read from top to bottom, each with its number."""
    rows = -(-len(words) // COLUMNS)
    pdf.rect(LEFT - 3, top - 3, WIDTH + 6, rows * 6.4 + 5)
    for place, word in enumerate(words):
        pdf.set_xy(LEFT + (place // rows) * (WIDTH / COLUMNS), top + (place % rows) * 6.4)
        pdf.set_font("sans", size=9)
        pdf.cell(9, 6, f"{place + 1}.", align="R")
        pdf.set_font("sans", style="B", size=12)
        pdf.cell(45, 6, word)


def _code(pdf: FPDF, text: str, top: float) -> None:
    import segno

    code = segno.make_qr(text, error="m")
    rows = [list(row) for row in code.matrix]
    size = QR_SIZE / len(rows)
    for y, row in enumerate(rows):
        start = 0
        for x in range(len(row) + 1):
            dark = x < len(row) and row[x]
            if not dark:
                if x > start:
                    pdf.rect(LEFT + start * size, top + y * size, (x - start) * size, size, style="F")
                start = x + 1


def _beside_code(pdf: FPDF, facts: KitFacts, said: Phrases, top: float) -> None:
    left = LEFT + QR_SIZE + 8
    width = WIDTH - QR_SIZE - 8
    _line(pdf, said.sheet_when, top=top, size=10, style="B", left=left, width=width)
    text = said.sheet_steps.format(owner=one_line(facts.owner.name, 40))
    _line(pdf, text, top=pdf.get_y() + 2, size=9, left=left, width=width)
    contact = f"{said.call_owner}\n{_contact(facts.owner)}"
    _line(pdf, contact, top=pdf.get_y() + 3, size=9, left=left, width=width)


def _copies(pdf: FPDF, facts: KitFacts, said: Phrases, top: float) -> None:
    """Where newer copies of the config lie, without what logs in there."""
    if not facts.access:
        _line(pdf, said.sheet_no_copies, top=top, size=9)
        return
    _line(pdf, said.sheet_copies, top=top, size=9)
    for place in facts.access[:MOST_PLACES]:
        _line(pdf, one_line(place.url, LONGEST_ADDRESS), top=pdf.get_y() + 1, size=8, style="B")


def _contact(person: Person) -> str:
    return "\n".join(one_line(part, 60) for part in (person.name, person.phone, person.email, person.address) if part)


def _line(
    pdf: FPDF, text: str, *, top: float, size: int, style: str = "", left: float = LEFT, width: float = WIDTH
) -> None:
    pdf.set_font("sans", style=style, size=size)
    pdf.set_xy(left, top)
    pdf.multi_cell(width, size * 0.46, text, align="L", new_x="LMARGIN", new_y="NEXT")
