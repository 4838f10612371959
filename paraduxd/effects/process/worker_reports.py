"""What a worker reports, read from its output as that comes: for whoever follows one, in whatever process.

A worker writes one JSON object a line (`core/runs/orders.py`). What it writes is untrusted: a transfer may have been taken over.
"""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.core.runs.orders import Report, report_from_json


class OverlongError(Exception):
    """A line is longer than any report: nothing that this worker writes is to be read any more."""


class ReportLines:
    """Makes reports of pieces of output; `longest`: bytes of a line."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = bytearray()

    def take(self, piece: bytes) -> Iterator[Report | None]:
        """The reports that end in this piece, in order; `None` for a line that is none. Raises `OverlongError`."""
        first, *more = piece.split(b"\n")
        self._rest += first
        for following in more:
            line, self._rest = bytes(self._rest), bytearray(following)
            yield _report(line)
        if len(self._rest) > self._longest:
            self._rest.clear()
            raise OverlongError


def _report(line: bytes) -> Report | None:
    try:
        return report_from_json(line)
    except ValueError:
        return None
