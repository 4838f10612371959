"""What runs have found for one person: kept in memory for a while, never recorded, and given to nobody else."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import Done

PAGE = "page"
"""The key of a result with it."""

MOST = 32
"""So many are kept; each has some hundred kilobytes at most."""


class Pages:
    """The latest pages, by run."""

    def __init__(self) -> None:
        self._pages: OrderedDict[int, tuple[int, object]] = OrderedDict()

    def keep(self, run: int, uid: int, done: Done) -> Done:
        """Keep the page for who asked, if there is one; gives the result without it."""
        if (page := done.result.get(PAGE)) is not None:
            self._pages[run] = (uid, page)
        while len(self._pages) > MOST:
            self._pages.popitem(last=False)
        return replace(done, result={name: value for name, value in done.result.items() if name != PAGE})

    def get(self, run: int, uid: int) -> object:
        """The page of a run for `uid` (0: the owner). Raises `ParaduxError` "no-page"."""
        whose, page = self._pages.get(run, (-1, None))
        if whose == -1 or uid not in (0, whose):
            raise ParaduxError("no-page", f"there is no answer of run {run} any more", "ask again")
        return page
