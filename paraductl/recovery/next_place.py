"""Where else a restore can come from when the place that was asked first does not give it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from paraduxd.api.replies.state import DatasetState
from paraduxd.api.replies.transfer_runs import Run

_ELSEWHERE_AS_WELL = frozenset(
    {"bad-path", "bad-target", "no-such-path", "not-allowed", "not-empty", "unsafe-directory"}
)
"""Codes of errors that another place would answer with as well: they lie in what was asked."""


def may_help(run: Run, paths: Sequence[str]) -> bool:
    """Whether this restore, of these paths or of everything, failed for a reason that lies in the place."""
    if run.state != "failed" or run.error is None or run.error.code in _ELSEWHERE_AS_WELL:
        return False
    return not (paths and run.error.code == "not-found")  # probably a name that was mistyped


def places(dataset: DatasetState, asked: Collection[str]) -> tuple[str, ...]:
    """The destinations that have not been asked yet, the last pushed first; then staging, unless it is held.

    A machine that has just been recovered knows of no push: then all of them, in the order of the config.
    """
    found = [each.id for each in sorted(dataset.destinations, key=lambda each: each.last_success or "", reverse=True)]
    if dataset.staging.files and dataset.state != "held":
        found.append("staging")
    return tuple(name for name in found if name not in asked)
