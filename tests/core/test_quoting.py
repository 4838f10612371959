"""What others said becomes a harmless part of one line."""

from __future__ import annotations

import pytest

from paraduxd.core.primitives import quoting


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", ""),
        ("\r\n \n", ""),
        ("Keep out.\r\n\n  Go  home.\n", ", it says: Keep out.; Go home"),
        ("\x1b[31mred\x07\u202e", ", it says: [31mred"),
        ('Head "https://fred:secret@nas:8000/x": 401', ', it says: Head "https://nas:8000/x": 401'),
        ("x" * 5000, f", it says: {'x' * quoting.LONGEST}…"),
    ],
)
def test_words_of_others(said: str, told: str) -> None:
    assert quoting.says([said]) == told
