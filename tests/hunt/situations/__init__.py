"""What happens while the hunter looks: one small function for each situation, in a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.hunt.expected import Rule
from tests.hunt.house import House


@dataclass(frozen=True)
class Situation:
    """Does something to the house, and leaves it as it was: running, locked, with its passphrase. `rules` hold in it alone."""

    name: str
    do: Callable[[House], None]
    rules: tuple[Rule, ...] = ()


SITUATIONS: list[Situation] = []


def situation(name: str, *rules: Rule) -> Callable[[Callable[[House], None]], Callable[[House], None]]:
    """Put a function into the table."""

    def add(do: Callable[[House], None]) -> Callable[[House], None]:
        SITUATIONS.append(Situation(name, do, rules))
        return do

    return add


from tests.hunt.situations import editing, everyday, killing, kits, transfers, troubles  # noqa: E402, F401  (they fill the table)
