"""What is wrong with the ground that the daemon stands on. No hint advises to set up anew: what is missing here was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paraduxd.core.facts import Facts
from paraduxd.core.ground import JOURNAL_LOST, Ground
from paraduxd.core.troubles import Trouble


def of_ground(facts: Facts) -> Iterator[Trouble]:
    """What is missing or broken; critical things first."""
    yield from _of_journal(facts.ground, facts.holds)


def _of_journal(ground: Ground, holds: Mapping[str, Mapping[str, Any]]) -> Iterator[Trouble]:
    held = sorted(name for name, hold in holds.items() if hold.get("reason") == JOURNAL_LOST)
    if held:
        loss = ground.loss.sentence if ground.loss else "the journal was lost"
        text = f"{loss}; so that nothing that was held goes out, {_are(held)} held"
        hint = f"look at each source; if it is as it should be: paraductl approve {held[0]}"
        yield Trouble(
            "critical", JOURNAL_LOST, "daemon", text, hint, "the journal was lost, and the owner has not looked yet"
        )
    if ground.aside:
        text = f"a journal that could not be read is kept in the state directory: {', '.join(ground.aside)}"
        hint = "check the destinations (paraductl verify), then remove it"
        yield Trouble("warning", "journal-damaged", "daemon", text, hint)


def _are(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"
