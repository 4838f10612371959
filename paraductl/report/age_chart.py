"""How old the newest copy of a dataset was, day by day, as a picture with its text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from paraductl.terminal.whatif_page import short
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.transfer_runs import Run

DAYS = 30
WIDTH, HEIGHT, LEFT, BOTTOM = 480, 140, 56, 24
HOUR = 3600


@dataclass(frozen=True)
class Push:
    """A push that ended well."""

    dataset: str
    ended: datetime


def of_runs(runs: Sequence[Run]) -> tuple[Push, ...]:
    """The pushes among the runs of the history, oldest first."""
    good = [
        Push(run.dataset, _moment(run.started))
        for run in runs
        if run.step == "push" and run.state == "done" and run.started
    ]
    return tuple(sorted(good, key=lambda each: each.ended))


def ages(dataset: str, pushes: Sequence[Push], now: str) -> tuple[str, str]:
    """An SVG and the sentence that says the same."""
    end = _moment(now)
    begin = end - timedelta(days=DAYS)
    times = [each.ended for each in pushes if each.dataset == dataset and each.ended <= end]
    before = [time for time in times if time < begin]
    inside = [time for time in times if time >= begin]
    if not times:
        return "", f"{dataset}: nothing is known of the last {DAYS} days."
    points = _points([*before[-1:], *inside], begin, end)
    oldest = max(age for _, age in points)
    text = (
        f"{dataset}: the newest copy is {short(int(points[-1][1]))} old; it was never older than {short(int(oldest))}."
    )
    return _svg(points, oldest, text), text


def _points(times: list[datetime], begin: datetime, end: datetime) -> list[tuple[float, float]]:
    """(Seconds since the beginning, age in seconds): before and after each push, and now."""
    points: list[tuple[float, float]] = []
    last = times[0]
    if last < begin:
        points.append((0.0, (begin - last).total_seconds()))
    else:
        points.append(((last - begin).total_seconds(), 0.0))
    for time in times[1:]:
        at = (time - begin).total_seconds()
        points += [(at, (time - last).total_seconds()), (at, 0.0)]
        last = time
    points.append(((end - begin).total_seconds(), (end - last).total_seconds()))
    return points


def _svg(points: list[tuple[float, float]], oldest: float, text: str) -> str:
    across, up = (WIDTH - LEFT) / (DAYS * 86_400), (HEIGHT - BOTTOM - 8) / max(oldest, HOUR)
    drawn = " ".join(f"{LEFT + at * across:.1f},{HEIGHT - BOTTOM - age * up:.1f}" for at, age in points)
    floor = HEIGHT - BOTTOM
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(text, quote=True)}">'
        f'<line x1="{LEFT}" y1="{floor}" x2="{WIDTH}" y2="{floor}" stroke="#777"/>'
        f'<line x1="{LEFT}" y1="8" x2="{WIDTH}" y2="8" stroke="#ccc" stroke-dasharray="4 4"/>'
        f'<polyline points="{drawn}" fill="none" stroke="#1a56c4" stroke-width="2"/>'
        f'<g font-size="16" fill="#333"><text x="0" y="20">{short(int(max(oldest, HOUR)))}</text><text x="0" y="{floor}">0</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 5}">{DAYS} days ago</text><text x="{WIDTH}" y="{HEIGHT - 5}" text-anchor="end">now</text></g></svg>'
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
