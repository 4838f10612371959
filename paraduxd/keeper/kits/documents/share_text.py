"""share.txt: the words of one share, for programs and people alike."""

from __future__ import annotations

from paraduxd.keeper.kits.documents.kit_facts import KitFacts
from paraduxd.keeper.kits.documents.texts import phrases

PER_LINE = 3


def share_text(facts: KitFacts) -> bytes:
    """Comment lines (`#`) that say whose share it is, then the numbered words, three in a line."""
    said = phrases(facts.language)
    head = (
        said.share_of.format(owner=one_line(facts.owner.name), steward=one_line(facts.steward.name)),
        said.share_epoch.format(epoch=facts.number, day=facts.day),
        said.keep_secret.format(owner=one_line(facts.owner.name)),
    )
    numbered = [f"{number:2}. {word:<12}" for number, word in enumerate(facts.words, 1)]
    lines = ["".join(numbered[start : start + PER_LINE]).rstrip() for start in range(0, len(numbered), PER_LINE)]
    return ("".join(f"# {line}\n" for line in head) + "\n".join(lines) + "\n").encode()


def one_line(text: str, longest: int = 200) -> str:
    """A name that stays on its line, whatever is in it."""
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
