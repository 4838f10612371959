"""When the owner is told, and what: problem once, its end once, a digest if wanted. Pure: it knows the plan and status, and no secret.

A problem is told when it has stayed for the grace time, and not again before it has ended or its level has changed. It has ended when it
has been away for the grace time; one that comes and goes is one problem. What an address was told is remembered when it has taken the
message, so that nothing is lost when it is out of reach, and what happened meanwhile comes in one message.

The journal keeps, as facts: `SEEN` {problem: {"since", "gone"}} and for each address `told_fact` {"told": {problem: text},
"safe": {"dataset/destination": time}, "digest": time, "sent": time}, where a problem is "level code subject".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from paraduxd.core.primitives import timestamps
from paraduxd.core.status.problems import Problem

SEEN = "notices/seen"

AT_MOST = 10
"""So many of a kind are listed in one message."""

GAP = 4
"""So many grace times lie between two messages to one address, unless something is critical or a disk can be taken out."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """`after`: grace time, seconds; `digest`: seconds between two digests, `None` for none."""

    after: int
    digest: int | None = None


@dataclass(frozen=True)
class Notice:
    """One message; `told` is what the address is remembered by when it has taken it."""

    title: str
    body: str
    told: Json


@dataclass(frozen=True)
class News:
    """What is told from: problems as of now, the headline, and since when disks ("dataset/destination") can be taken out."""

    headline: str
    problems: Sequence[Problem]
    safe: Mapping[str, str]


def told_fact(address: str) -> str:
    """Under which name the journal remembers what an address was told."""
    return f"notices/told/{address}"


def ident(problem: Problem) -> str:
    """What makes a problem the same as another one: not its text, which tells ages."""
    return f"{problem.level} {problem.code} {problem.subject}"


def watch(seen: Mapping[str, Any], problems: Sequence[Problem], now: datetime, after: int) -> Json:
    """What was seen since when, with this look at it; what has been away for the grace time is forgotten."""
    stamp = timestamps.stamp(now)
    there = {ident(problem) for problem in problems}
    current = {name: {"since": seen.get(name, {}).get("since") or stamp, "gone": None} for name in sorted(there)}
    away = {name: {**entry, "gone": entry.get("gone") or stamp} for name, entry in seen.items() if name not in there}
    return {**current, **{name: entry for name, entry in away.items() if not _is_over(entry["gone"], now, after)}}


def baseline(news: News, now: datetime) -> Json:
    """What a new address is remembered by: it need not be told what was long ago."""
    return {"told": {}, "safe": dict(news.safe), "digest": timestamps.stamp(now), "sent": None}


def notice(news: News, seen: Mapping[str, Any], told: Mapping[str, Any], rules: Rules, now: datetime) -> Notice | None:
    """What an address is told now; `None`: nothing. `seen` is the outcome of `watch`."""
    standing = {
        ident(problem): problem
        for problem in news.problems
        if _is_over(seen[ident(problem)]["since"], now, rules.after)
    }
    before: Mapping[str, str] = told.get("told") or {}
    fresh = [problem for name, problem in standing.items() if name not in before]
    ended = {name: text for name, text in before.items() if name not in seen}
    moved = {name.partition(" ")[2] for name in standing}
    over = [text for name, text in ended.items() if name.partition(" ")[2] not in moved]
    safe = [name for name, since in news.safe.items() if (told.get("safe") or {}).get(name) != since]
    digest = rules.digest is not None and _is_over(told.get("digest"), now, rules.digest)
    urgent = digest or bool(safe) or any(problem.level == "critical" for problem in fresh)
    if not (fresh or over or urgent) or not (urgent or _is_over(told.get("sent"), now, GAP * rules.after)):
        return None
    stamp = timestamps.stamp(now)
    remembered = {
        "told": {name: text for name, text in before.items() if name in seen}
        | {name: problem.text for name, problem in standing.items()},
        "safe": dict(news.safe),
        "digest": stamp if digest else told.get("digest"),
        "sent": stamp,
    }
    listed = list(standing.values()) if digest else fresh
    return Notice(_title(fresh, over, safe, digest=digest), _body(news.headline, listed, over, safe), remembered)


def _is_over(since: Any, now: datetime, seconds: int) -> bool:
    """Whether so much time has passed; what is no time, or lies in the future, is long ago."""
    moment = timestamps.parse(since)
    return moment is None or moment > now + timedelta(minutes=5) or now - moment >= timedelta(seconds=seconds)


def _title(fresh: Sequence[Problem], over: Sequence[str], safe: Sequence[str], *, digest: bool) -> str:
    if fresh:
        level = min(problem.level for problem in fresh)
        return f"Paradux: {level}: {fresh[0].subject}" + (f" and {len(fresh) - 1} more" if fresh[1:] else "")
    if over:
        return "Paradux: over: " + (over[0] if len(over) == 1 else f"{len(over)} problems")[:80]
    return f"Paradux: {safe[0]} is written, its disk is safe to remove" if safe and not digest else "Paradux: digest"


def _body(headline: str, problems: Sequence[Problem], over: Sequence[str], safe: Sequence[str]) -> str:
    lines = [
        f"{problem.level}: {problem.text}" + (f"\n    {problem.hint}" if problem.hint else "") for problem in problems
    ]
    parts = [headline, _some(lines), _some([f"over: {text}" for text in over])]
    parts.append(_some([f"{name} has its new version; its disk is unmounted and safe to remove" for name in safe]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _some(lines: Sequence[str]) -> str:
    more = [f"... and {len(lines) - AT_MOST} more: paraductl status"] if len(lines) > AT_MOST else []
    return "\n".join([*lines[:AT_MOST], *more])
