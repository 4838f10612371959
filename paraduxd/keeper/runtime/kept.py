"""What a feature keeps from one request to the next, for as long as the keeper lives."""

from __future__ import annotations

import threading
from typing import TypeVar

T = TypeVar("T")


class Kept:
    """One value of each type, made when it is first asked for. Whose type it is, is its feature's business."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[type[object], object] = {}

    def of(self, kind: type[T]) -> T:
        """The value of this type, which needs no arguments to be made."""
        with self._lock:
            value = self._values.setdefault(kind, kind())
            assert isinstance(value, kind)  # noqa: S101  (for mypy: each stands under its type)
            return value
