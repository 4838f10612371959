"""When the owner is told, and what: problem once, its end once, a digest if wanted. Pure: it knows the plan and status, and no secret.

A problem is told when it has stayed for the grace time, and not again before it has ended or its level has changed. It has ended when it
has been away for the grace time; one that comes and goes is one problem. What an address was told is remembered when it has taken the
message, so that nothing is lost when it is out of reach, and what happened meanwhile comes in one message.

The journal keeps, as facts: `SEEN` {problem: `Sighting`} and for each address `told_fact` `Told`, where a problem is "level code subject".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps
from paraduxd.core.status.problems import Problem

SEEN = "notices/seen"

AT_MOST = 10
"""So many of a kind are listed in one message."""

GAP = 4
"""So many grace times lie between two messages to one address, unless something is critical or a disk can be taken out."""


@dataclass(frozen=True)
class Sighting:
    """Since when a problem is there, and since when it is away, if it is."""

    since: str | None = None
    gone: str | None = None


Seen = Mapping[str, Sighting]
"""Problem -> when it was there."""


@dataclass(frozen=True)
class _Kept:
    seen: Seen = field(default_factory=dict)


def seen_before(fact: object) -> Seen:
    """What was seen, from the fact `SEEN`; nothing where it cannot be read."""
    try:
        return from_json_value(_Kept, {"seen": fact or {}}).seen
    except ValueError:
        return {}


@dataclass(frozen=True)
class Told:
    """What an address is remembered by: problem -> text, "dataset/destination" -> since when its disk can be taken out, when it was sent
    the last digest, and the last message."""

    told: Mapping[str, str] = field(default_factory=dict)
    safe: Mapping[str, str] = field(default_factory=dict)
    digest: str | None = None
    sent: str | None = None


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
    told: Told


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


def watch(seen: Seen, problems: Sequence[Problem], now: datetime, after: int) -> Seen:
    """What was seen since when, with this look at it; what has been away for the grace time is forgotten."""
    stamp = timestamps.stamp(now)
    there = {ident(problem) for problem in problems}
    current = {name: Sighting(seen.get(name, Sighting()).since or stamp) for name in sorted(there)}
    away = {name: replace(each, gone=each.gone or stamp) for name, each in seen.items() if name not in there}
    return {**current, **{name: each for name, each in away.items() if not _is_over(each.gone, now, after)}}


def baseline(news: News, now: datetime) -> Told:
    """What a new address is remembered by: it need not be told what was long ago."""
    return Told(safe=dict(news.safe), digest=timestamps.stamp(now))


def notice(news: News, seen: Seen, told: Told, rules: Rules, now: datetime) -> Notice | None:
    """What an address is told now; `None`: nothing. `seen` is the outcome of `watch`."""
    standing = {
        ident(problem): problem for problem in news.problems if _is_over(seen[ident(problem)].since, now, rules.after)
    }
    fresh = [problem for name, problem in standing.items() if name not in told.told]
    ended = {name: text for name, text in told.told.items() if name not in seen}
    moved = {name.partition(" ")[2] for name in standing}
    over = [text for name, text in ended.items() if name.partition(" ")[2] not in moved]
    safe = [name for name, since in news.safe.items() if told.safe.get(name) != since]
    digest = rules.digest is not None and _is_over(told.digest, now, rules.digest)
    urgent = digest or bool(safe) or any(problem.level == "critical" for problem in fresh)
    if not (fresh or over or urgent) or not (urgent or _is_over(told.sent, now, GAP * rules.after)):
        return None
    stamp = timestamps.stamp(now)
    kept = {name: text for name, text in told.told.items() if name in seen}
    kept |= {name: problem.text for name, problem in standing.items()}
    remembered = Told(kept, dict(news.safe), stamp if digest else told.digest, stamp)
    listed = list(standing.values()) if digest else fresh
    return Notice(_title(fresh, over, safe, digest=digest), _body(news.headline, listed, over, safe), remembered)


def _is_over(since: str | None, now: datetime, seconds: int) -> bool:
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
