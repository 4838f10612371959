"""START-HERE.html: the page for a steward who has never heard of this."""

from __future__ import annotations

from html import escape
from string import Template

from paraduxd.keeper.kits.documents.facts import KitFacts, Person
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
    }
    return page.substitute(values).encode()


def _others(facts: KitFacts, language: str) -> str:
    if not facts.others:
        return f"<p>{escape(phrases(language)['others_unknown'])}</p>"
    return "".join(_card(person, language) for person in facts.others)


def _card(person: Person, language: str) -> str:
    said = phrases(language)
    lines = [(said["phone"], person.phone), (said["email"], person.email), (said["address"], person.address)]
    known = "".join(f"<br>{escape(label)}: {_safe(value)}" for label, value in lines if value)
    return f'<p class="card"><strong>{_safe(person.name)}</strong>{known}</p>'


def _safe(text: str) -> str:
    return escape(one_line(text))
