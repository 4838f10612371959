"""What a feature keeps from one request to the next, for as long as the keeper lives."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """One value of each type, made when it is first asked for. Whose type it is, is its feature's business."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[type[Any], Any] = {}

    def of(self, kind: type[T]) -> T:
        """The value of this type, which needs no arguments to be made."""
        with self._lock:
            if kind not in self._values:
                self._values[kind] = kind()
            value: T = self._values[kind]
            return value
