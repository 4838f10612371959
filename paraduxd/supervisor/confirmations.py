"""Confirmation codes on this machine: challenges, tries and what was heard are in the journal, and so survive a restart."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies import kits
from paraduxd.core.plan.model import Plan, StewardPlan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recovery import confirmation
from paraduxd.core.recovery.confirmation import AskedChallenge, CodeRecord, SeenKeys
from paraduxd.effects.files import bounded
from paraduxd.effects.journal.journal import Journal

log = logging.getLogger("paradux.confirmations")

_TRIES, _ASKED, _SEEN = "confirmation-tries", "confirmation-asked/", "confirmation-seen/"
"""Facts of the journal, the last two with the steward's id behind them."""


@dataclass
class Confirmations:
    """Asks for codes and takes them, one at a time."""

    state: StatePlaces
    journal: Journal
    now: Callable[[], datetime]
    plan: Callable[[], Plan]
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, steward: str) -> kits.Challenge:
        """A challenge for this steward, who is named by id or name. The oldest of too many is no longer good."""
        who, moment = self._steward(steward), self.now()
        self._keys()
        with self._one_at_a_time:
            digits = f"{secrets.randbelow(10**confirmation.CHALLENGE_DIGITS):0{confirmation.CHALLENGE_DIGITS}}"
            made = AskedChallenge(digits, timestamps.stamp(moment) or "")
            left = (*self._open(who.id, moment), made)[-confirmation.MOST_OPEN :]
            self.journal.set_fact(_ASKED + who.id, to_json_value(left))
        until = timestamps.stamp(moment + confirmation.OPEN_FOR) or ""
        return kits.Challenge(who.id, who.name, digits, until)

    def confirm(self, code: str, uid: int) -> kits.CodeTaken:
        """Take a code that `uid` gives: whose it is, and what it says.

        Raises `ParaduxError` "mistyped-code", "unknown-code", "code-taken", and "too-many-codes" when too many were of nobody.
        """
        digits, known, moment = confirmation.parse(code), self._keys(), self.now()
        with self._one_at_a_time:
            self._count_try(moment, uid)  # before it is looked at: ending the daemon does not give another one
            asked = {each.id: self._open(each.id, moment) for each in self.plan().stewards}
            written = {(kit.steward, kit.epoch): kit.kit_sha256 for kit in self.journal.kits() if kit.kit_sha256}
            found = confirmation.find(digits, known, written, asked, moment.date())
            if found is None:
                raise _unknown(len(self._tries(moment)))
            self._forget_try(moment)
            seen = confirmation.taken(found, digits, self._seen(found.steward), timestamps.stamp(moment) or "")
            with self.journal.batch():
                self.journal.set_fact(_SEEN + found.steward, to_json_value(seen))
                left = [each for each in asked[found.steward] if each != found.challenge]
                self.journal.set_fact(_ASKED + found.steward, to_json_value(left))
        log.info("A confirmation code of %s was taken: %s", found.steward, seen.kind)
        name = self._steward(found.steward).name
        return kits.CodeTaken(found.steward, name, seen.date, seen.kind, seen.asked, seen.heard, seen.epoch)

    def seen(self) -> dict[str, CodeRecord]:
        """The last code of each steward."""
        plan_of = {each.id for each in self.plan().stewards}
        return {steward: seen for steward in plan_of if (seen := self._seen(steward))}

    def _steward(self, name: str) -> StewardPlan:
        for each in self.plan().stewards:
            if name.casefold() in (each.id.casefold(), each.name.casefold()):
                return each
        raise ParaduxError("unknown-steward", "there is no such steward", "see: paraductl stewards")

    def _keys(self) -> SeenKeys:
        """Raises `ParaduxError` "no-seen-keys" before this version has saved or opened the config."""
        try:
            plain = bounded_json.parse(bounded.content(self.state.seen_keys), "the keys of confirmation codes")
            return from_json_value(SeenKeys, plain)
        except (OSError, ValueError):
            raise ParaduxError(
                "no-seen-keys",
                "what checks confirmation codes is not there yet",
                "open the vault once: paraductl unlock",
            ) from None

    def _open(self, steward: str, moment: datetime) -> tuple[AskedChallenge, ...]:
        try:
            found = from_json_value(_Asked, {"challenges": self.journal.fact(_ASKED + steward) or []})
        except ValueError:
            return ()
        return confirmation.still_open(found.challenges, moment)

    def _seen(self, steward: str) -> CodeRecord | None:
        return self.journal.fact_as(CodeRecord, _SEEN + steward)

    def _tries(self, moment: datetime) -> tuple[str, ...]:
        plain = self.journal.fact(_TRIES)
        return confirmation.recent(tuple(map(str, plain if isinstance(plain, list) else ())), moment)

    def _count_try(self, moment: datetime, uid: int) -> None:
        tries = self._tries(moment)
        if len(tries) >= confirmation.TRIES:
            raise ParaduxError(
                "too-many-codes",
                f"{confirmation.TRIES} codes that belong to none of your kits were given within a day",
                f"wait a day; they were given by {', '.join(confirmation.users(tries)) or 'somebody'}",
            )
        self.journal.set_fact(_TRIES, [*tries, f"{timestamps.stamp(moment)} {uid}"])

    def _forget_try(self, moment: datetime) -> None:
        self.journal.set_fact(_TRIES, list(self._tries(moment)[:-1]))


@dataclass(frozen=True)
class _Asked:
    challenges: tuple[AskedChallenge, ...] = ()


def _unknown(tries: int) -> ParaduxError:
    left = confirmation.TRIES - tries
    return ParaduxError(
        "unknown-code",
        f"the code is well formed, but belongs to none of your kits of the last {confirmation.DAYS} days;"
        f" {left} more {'try' if left == 1 else 'tries'} today",
        "ask for today's code; if it is the same, write that kit again",
    )
