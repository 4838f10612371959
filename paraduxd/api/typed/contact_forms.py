"""What an e-mail address and a telephone number look like: for questions and for warnings, never a reason to refuse one."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+\.[^\s@<>,;:\".]+")
_PHONE = re.compile(r"\+?[0-9(][0-9 ()/.-]*( ?(ext\.?|x) ?[0-9]+)?")
_FEWEST_DIGITS = 4


def is_email(text: str) -> bool:
    """Whether mail can go there, by its form."""
    return _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """Whether it can be dialled, by its form."""
    return _PHONE.fullmatch(text) is not None and sum(map(str.isdecimal, text)) >= _FEWEST_DIGITS
