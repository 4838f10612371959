"""What goes wrong by force, in turns: on one day the power is cut, on the next somebody kills the keeper or pulls out a stick too early."""

from __future__ import annotations

import pytest

from tests.width import today

POWER, HANDS = "power", "hands"
_TODAY = today((POWER, HANDS), 1)


def marks(kind: str) -> list[pytest.MarkDecorator]:
    """On the other days a test of this kind is among the slow ones, which `contrib/test --system` and `--all` run as well."""
    return [] if kind in _TODAY else [pytest.mark.slow]
