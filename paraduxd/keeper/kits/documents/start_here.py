"""START-HERE.html: the page for a steward who has never heard of this."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from html import escape
from string import Template
from urllib.parse import quote

from paraduxd.keeper.kits.documents.kit_facts import KitFacts, Person
from paraduxd.keeper.kits.documents.share_text import one_line
from paraduxd.keeper.kits.documents.texts import choose, phrases, read


def start_here(facts: KitFacts) -> bytes:
    """One file that needs no other and loads nothing; whatever is in a name stays text."""
    language = choose(facts.language)
    page = Template(read(f"start-here.{language}.html"))
    values = {
        "style": read("start-here.css"),
        "owner": _safe(facts.owner.name),
        "steward": _safe(facts.steward.name),
        "needed": str(facts.threshold),
        "holders": str(facts.issued),
        "more": str(facts.threshold - 1),
        "day": facts.day,
        "epoch": str(facts.number),
        "fingerprint": _safe(facts.fingerprint),
        "owner_card": _card(facts.owner, language),
        "steward_cards": _others(facts, language),
        "page_sha256": page_sha256(),
    }
    return page.substitute(values).encode()


@cache
def page_sha256() -> str:
    """Of recover.html, which is the same in every kit."""
    return hashlib.sha256(read("recover.html").encode()).hexdigest()


def _others(facts: KitFacts, language: str) -> str:
    if not facts.others:
        return f"<p>{escape(phrases(language).others_unknown)}</p>"
    return "".join(_card(person, language) for person in facts.others)


def _card(person: Person, language: str) -> str:
    said = phrases(language)
    lines = [
        (said.phone, _link("tel", _PHONE, person.phone)),
        (said.email, _link("mailto", _EMAIL, person.email)),
        (said.address, _safe(person.address)),
    ]
    known = "".join(f"<br>{escape(label)}: {value}" for label, value in lines if value)
    return f'<p class="card"><strong>{_safe(person.name)}</strong>{known}</p>'


_PHONE = re.compile(r"[+0-9][0-9 ()/.-]*")
_EMAIL = re.compile(r"[^\s@<>?&\"]+@[^\s@<>?&\"]+")


def _link(scheme: str, form: re.Pattern[str], text: str) -> str:
    """A link for a text that looks as it should, else the text."""
    if not form.fullmatch(text):
        return _safe(text)
    target = re.sub(r"[^+0-9]", "", text) if scheme == "tel" else quote(text, safe="@+")
    return f'<a href="{scheme}:{target}">{_safe(text)}</a>'


def _safe(text: str) -> str:
    return escape(one_line(text))
