"""Confirmation codes: what a steward reads out after a look at a kit at home, and whose, of which day and kind a code is.

Pure. The format is in docs/reference/formats.md, "Confirmation codes"; schema/vectors/confirmations.json has the vectors, which the page
in the kits (web/src/confirmation) passes as well.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import date, datetime, timedelta

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies import kits
from paraduxd.core.primitives import timestamps

PURPOSE = "paradux.seen/1"
WORDS, SHARE, WHOLE = KINDS = ("words", "share", "whole")
"""From the least to the most that a code can say."""

DIGITS, CHALLENGE_DIGITS = 11, 6
DAYS = 61
"""A code of today, or of one of the 60 days before it, is taken."""

OPEN_FOR = timedelta(days=60)
MOST_OPEN = 5
"""Challenges of one steward: how long each is good, and how many at once."""

TRIES, TRIES_WITHIN = 10, timedelta(days=1)
"""So many codes of nobody's are tried within that time: a guess succeeds with 61 days * 3 kinds * (1 + challenges) in 10^11 per steward."""

_SPACES = re.compile(r"[\s.,/_-]+")
_TABLE = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip
"""H. M. Damm, "Total anti-symmetrische Quasigruppen" (2004), page 111."""


@dataclass(frozen=True)
class SeenKey:
    """What checks the codes of one steward's share; `key` in hex. It is one-way: nothing of the share comes out of it."""

    steward: str
    epoch: int
    member: int
    key: str = field(repr=False)


@dataclass(frozen=True)
class SeenKeys:
    """The keys of one owner's stewards, as they lie in the state directory."""

    owner: str
    keys: tuple[SeenKey, ...] = ()
    format: str = "paradux.seen-keys/1"


@dataclass(frozen=True)
class AskedChallenge:
    """Six digits that a steward was asked to give to the page; `asked` in RFC 3339."""

    digits: str
    asked: str


@dataclass(frozen=True)
class Said:
    """What a code says. `epoch` and `kit_sha256` count for a whole kit only; `challenge` is empty if nothing was asked."""

    date: str
    kind: str
    member: int
    epoch: int = 0
    kit_sha256: str = ""
    challenge: str = ""


@dataclass(frozen=True)
class Found:
    """Whose code it is."""

    steward: str
    epoch: int
    said: Said
    challenge: AskedChallenge | None = None


@dataclass(frozen=True)
class CodeRecord:
    """The last code of a steward that was taken. `heard`: when, in RFC 3339. `asked`: it answered a challenge, so that it was new then.

    `latest`: the latest day of any code that was taken; `taken`: SHA-256 of those of the last days, which are not taken again.
    """

    date: str
    kind: str
    heard: str
    epoch: int
    asked: bool = False
    latest: str = ""
    taken: tuple[str, ...] = ()


def key_of(words: str) -> bytes:
    """The key of a share: its lower-case words, joined by single spaces.

    The words are the message and never the key: HMAC hashes a long key, and SHA-256 of the words stands in every kit.json.
    """
    return hmac.digest(PURPOSE.encode(), words.encode(), "sha256")


def code_of(key: bytes, owner: str, said: Said) -> str:
    """The twelve digits."""
    whole = (owner, str(said.epoch), said.kit_sha256) if said.kind == WHOLE else ("", "", "")
    texts = (PURPOSE, *whole[:2], str(said.member), said.date, said.kind, whole[2], said.challenge)
    digest = hmac.digest(key, "\n".join(texts).encode(), "sha256")
    digits = f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"
    return digits + check_digit(digits)


def check_digit(digits: str) -> str:
    """It notices every wrong digit, and every two neighbours that have changed places."""
    interim = 0
    for digit in digits:
        interim = int(_TABLE[interim][int(digit)])
    return str(interim)


def spoken(digits: str) -> str:
    """As it is read out."""
    return " ".join(digits[start : start + 3] for start in range(0, len(digits), 3))


def parse(untrusted_text: str) -> str:
    """The twelve digits of what a person typed; raises `ParaduxError` "mistyped-code"."""
    digits = _SPACES.sub("", untrusted_text)
    if not re.fullmatch(rf"[0-9]{{{DIGITS + 1}}}", digits):
        raise ParaduxError(
            "mistyped-code", "a confirmation code has twelve digits", "ask for it again, three digits at a time"
        )
    if check_digit(digits[:-1]) != digits[-1]:
        raise ParaduxError(
            "mistyped-code",
            "this code is mistyped: its digits do not fit together",
            "ask for it again, three digits at a time",
        )
    return digits


def find(
    code: str,
    known: SeenKeys,
    written: Mapping[tuple[str, int], str],
    challenges: Mapping[str, tuple[AskedChallenge, ...]],
    today: date,
) -> Found | None:
    """Whose code it is; `written`: SHA-256 of the kit.json that was written, by steward and epoch."""
    for each in known.keys:
        key = bytes.fromhex(each.key)
        for said, challenge in _possible(each, written.get((each.steward, each.epoch)), challenges, today):
            if hmac.compare_digest(code_of(key, known.owner, said), code):
                return Found(each.steward, each.epoch, said, challenge)
    return None


def _possible(
    key: SeenKey, kit: str | None, challenges: Mapping[str, tuple[AskedChallenge, ...]], today: date
) -> Iterator[tuple[Said, AskedChallenge | None]]:
    for back in range(DAYS):
        day = (today - timedelta(days=back)).isoformat()
        for challenge in (None, *challenges.get(key.steward, ())):
            digits = challenge.digits if challenge else ""
            for kind in KINDS:
                if kind != WHOLE:
                    yield Said(day, kind, key.member, challenge=digits), challenge
                elif kit:
                    yield Said(day, kind, key.member, key.epoch, kit, digits), challenge


def still_open(challenges: tuple[AskedChallenge, ...], now: datetime) -> tuple[AskedChallenge, ...]:
    """Those that can be answered."""
    return tuple(each for each in challenges if _age(each.asked, now) <= OPEN_FOR)[-MOST_OPEN:]


def recent(tries: tuple[str, ...], now: datetime) -> tuple[str, ...]:
    """The tries that still count, each a moment and, since 0.2, a uid; one from the future counts."""
    return tuple(each for each in tries if _age(each.partition(" ")[0], now) <= TRIES_WITHIN)[-TRIES:]


def users(tries: tuple[str, ...]) -> tuple[str, ...]:
    """Who they were, as far as that is known."""
    uids = (each.partition(" ")[2] for each in tries)
    return tuple(dict.fromkeys(f"uid {uid}" if uid != "0" else "root" for uid in uids if uid))


def _age(moment: str, now: datetime) -> timedelta:
    then = timestamps.parse(moment)
    return now - then if then else timedelta()


def taken(found: Found, code: str, last: CodeRecord | None, heard: str) -> CodeRecord:
    """What is remembered once the code is taken; raises `ParaduxError` "code-taken" unless it is newer than the last."""
    digest = hashlib.sha256(code.encode()).hexdigest()
    before = last.taken if last else ()
    if digest in before:
        raise ParaduxError("code-taken", f"this code of {found.steward} was taken before", "ask for a new one")
    if last and not _is_newer(found, last):
        raise ParaduxError(
            "code-taken",
            f"this code of {found.steward} is of {found.said.date}, and one of {last.latest or last.date} was taken before",
            f"ask for a new one; paraductl stewards --ask {found.steward} gives a number with which it is known to be new",
        )
    latest = max(found.said.date, last.latest or last.date) if last else found.said.date
    asked = found.challenge is not None
    kept = (*before, digest)[-2 * DAYS :]
    return CodeRecord(found.said.date, found.said.kind, heard, found.epoch, asked, latest, kept)


def shown(seen: CodeRecord | None) -> kits.SeenByCode | None:
    """As status and clients see it."""
    if seen is None:
        return None
    heard = timestamps.stamp(timestamps.parse(seen.heard))
    return kits.SeenByCode(seen.date, seen.kind, seen.asked, heard, seen.epoch)


def _is_newer(found: Found, last: CodeRecord) -> bool:
    """Of a later day; of the same day, and saying more; or an answer to what was asked after the last one was heard."""
    if found.challenge is not None and found.challenge.asked >= last.heard:
        return True
    latest = last.latest or last.date
    more = KINDS.index(found.said.kind) > KINDS.index(last.kind) or (found.challenge is not None and not last.asked)
    return found.said.date > latest or (found.said.date == latest == last.date and more)
