"""The suite of a `Destination` that knows whose place it is: markers, numbers, and how slowly versions go.

Subclass it, override the fixture `place`, run it with pytest.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.recovery import machine_claim
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.protocols.base import Destination, Identity, PushRequest, PushResult, Version
from paraduxd.testing import samples

OWNER, PLACE, FIRST, SECOND = "a" * 32, "b" * 32, "1" * 32, "2" * 32
OURS = Identity(OWNER, PLACE, FIRST)
WEEK = 7 * 86_400
_PASSPHRASE = "passphrase"  # noqa: S105  (protects a key that lives for one test)


@dataclass
class PlaceCase:
    """A destination under test, made anew for every step, for whoever uses it; `folder` is a scratch directory of the test."""

    make: Callable[[Identity | None], Destination]
    folder: Path

    @property
    def staging(self) -> Path:
        """What is pushed."""
        return self.folder / "staging"

    def fill(self, count: int = 3) -> None:
        """Put files into staging, other ones each time, and a minute newer: rsync compares sizes and whole seconds."""
        before = [path.stat().st_mtime for path in self.staging.glob("f*")]
        samples.write_files(self.staging, count)
        stamp = max(before, default=time.time() - 86_400) + 60
        for path in self.staging.glob("f*"):
            os.utime(path, (stamp, stamp))

    def push(self, date: str, who: Identity | None = OURS, **more: Any) -> PushResult:
        """One push at noon of the date ("2026-01-31"); `more` are fields of the request."""
        destination = self.make(who)
        known = more.pop("known_versions", None)
        known = destination.versions() if known is None else known
        request = PushRequest(**{"keep": Keep(), "now": f"{date}T12:00:00Z", "known_versions": known, **more})
        return destination.push(self.staging, request)

    def versions(self, who: Identity | None = OURS) -> tuple[Version, ...]:
        """What is there."""
        return self.make(who).versions()

    def restored(self, version: Version, who: Identity | None = OURS) -> samples.Snapshot:
        """What a version holds."""
        with tempfile.TemporaryDirectory(dir=self.folder) as to:
            self.make(who).restore(version, Path(to), ())
            return samples.contents(Path(to))


class PlaceSuite:
    """What `Destination` promises about places."""

    @pytest.fixture
    def place(self) -> PlaceCase:
        """A destination that was never written; `folder` is an empty directory and stays with the test."""
        raise NotImplementedError("a subclass of this suite gives the fixture `place`: what is tested")

    # Numbers

    def test_numbers_increase_by_one(self, place: PlaceCase) -> None:
        place.fill()
        pushed = [place.push(f"2026-01-0{day}").version.number for day in (1, 2, 3)]
        assert pushed == [version.number for version in place.versions()] == [1, 2, 3]

    def test_a_number_is_not_used_again_when_the_newest_version_is_gone(self, place: PlaceCase) -> None:
        place.fill()
        first = place.push("2026-01-01").version
        gone = replace(first, id="gone", number=7)
        assert place.push("2026-01-02", known_versions=(first, gone)).version.number == 8

    def test_the_last_one_made_is_the_newest_whatever_the_clock_said(self, place: PlaceCase) -> None:
        place.fill()
        place.push("2028-05-05")
        place.fill()
        made = place.push("2026-01-02", keep=Keep(last=1))
        versions = place.versions()
        assert versions[-1] == made.version == made.versions[-1]
        assert len(versions) == 2, "what is dated in the future is of an unknown age, so that it stays"
        assert place.restored(versions[-1]) == samples.contents(place.staging)

    def test_what_is_missing_in_a_version_is_said(self, place: PlaceCase) -> None:
        place.fill()
        result = place.push("2026-01-01", unread=("secret/diary",), unread_count=3)
        assert (result.version.missing, result.unread) == (3, ("secret/diary",))
        assert place.versions()[-1].missing == 3

    # Whose place it is

    def test_the_place_is_marked(self, place: PlaceCase) -> None:
        place.fill()
        assert place.push("2026-01-01").marked
        assert place.push("2026-01-02", replace(OURS, marked=True)).marked

    @pytest.mark.parametrize(
        ("who", "code"),
        [(replace(OURS, owner="c" * 32), "other-owner"), (replace(OURS, place="d" * 32), "other-place")],
    )
    def test_another_owner_and_another_place_are_refused(self, place: PlaceCase, who: Identity, code: str) -> None:
        place.fill()
        ours = place.push("2026-01-01").version
        (to := place.folder / "to").mkdir()
        other = place.make(who)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: other.push(place.staging, PushRequest(Keep(last=1), "2026-03-01T12:00:00Z")),
            lambda: other.restore(ours, to, ()),
            lambda: other.verify(deep=False),
            other.versions,
        )
        for attempt in attempts:
            with pytest.raises(ParaduxError) as refused:
                attempt()
            assert refused.value.code == code
        assert list(to.iterdir()) == []
        assert place.versions() == (ours,)

    def test_who_only_asks_what_there_is_needs_to_be_nobody(self, place: PlaceCase) -> None:
        place.fill()
        ours = place.push("2026-01-01").version
        assert place.versions(who=None) == (ours,)
        assert place.restored(ours, who=None) == samples.contents(place.staging)

    def test_a_place_that_was_there_and_is_empty_now_is_not_begun_anew(self, place: PlaceCase) -> None:
        place.fill()
        with pytest.raises(ParaduxError) as refused:
            place.push("2026-01-01", replace(OURS, marked=True), known_versions=())
        assert refused.value.code == "not-mounted"
        assert place.versions() == ()

    @pytest.fixture
    def successor(self) -> Iterator[tuple[Identity, str]]:
        """The machine that took over, with a claim that is signed, and the public key with which it is."""
        with tempfile.TemporaryDirectory(prefix="paradux-") as home, private_gpg(Path(home)) as gpg:
            pair = gpg.generate("owner", _PASSPHRASE)
            text = machine_claim.machine(OWNER, SECOND, 2, "2026-02-01T12:00:00Z").to_json()
            claim = gpg.sign_clear(text, pair.fingerprint, _PASSPHRASE).decode()
            yield Identity(OWNER, PLACE, SECOND, 2, claim, pair.public_key), pair.public_key

    def test_a_machine_that_was_replaced_changes_nothing_any_more(
        self, place: PlaceCase, successor: tuple[Identity, str]
    ) -> None:
        place.fill()
        newer, keys = successor
        place.push("2026-01-01")
        place.push("2026-02-01", newer)
        there = place.versions(newer)
        with pytest.raises(ParaduxError) as refused:
            place.push("2026-03-01", replace(OURS, keys=keys), keep=Keep(last=1), known_versions=there)
        assert refused.value.code == machine_claim.SUPERSEDED
        assert place.versions(newer) == there

    def test_a_machine_that_says_so_without_a_signature_is_not_believed(
        self, place: PlaceCase, successor: tuple[Identity, str]
    ) -> None:
        place.fill()
        newer, keys = successor
        place.push("2026-02-01", replace(newer, claim=""))
        with pytest.raises(ParaduxError) as refused:
            place.push("2026-03-01", replace(OURS, keys=keys), known_versions=())
        assert refused.value.code == "unknown-machine"

    # Removing is slow

    def test_nothing_younger_than_the_grace_is_removed(self, place: PlaceCase) -> None:
        place.fill()
        old = [place.push(f"2026-01-0{day}", keep=Keep(last=1), grace=WEEK).version for day in (1, 2)]
        assert list(place.versions()) == old
        result = place.push("2026-01-08", keep=Keep(last=1), grace=WEEK)
        assert [gone.id for gone in result.removed] == [old[0].id]
        assert "7 days" in result.removed[0].reason
        assert place.versions() == result.versions == (old[1], result.version)
        assert result.pruned

    def test_nothing_is_removed_while_an_alarm_is_fresh(self, place: PlaceCase) -> None:
        place.fill()
        first = place.push("2026-01-01").version
        for day in ("2026-02-01", "2026-02-02"):
            result = place.push(day, keep=Keep(last=1), protected_until="2026-02-03T00:00:00Z")
            assert (result.removed, result.pruned) == ((), False)
        assert place.versions()[0] == first
        result = place.push("2026-02-04", keep=Keep(last=1), protected_until="2026-02-03T00:00:00Z")
        assert place.versions() == (result.version,)
        assert len(result.removed) == 3

    def test_versions_can_be_removed_without_a_new_one(self, place: PlaceCase) -> None:
        place.fill()
        pushed = [place.push(f"2026-01-0{day}").version for day in (1, 2, 3)]
        request = PushRequest(Keep(last=1), "2026-01-04T12:00:00Z", place.versions())
        result = place.make(OURS).prune(request)
        assert place.versions() == result.versions == (pushed[-1],) == (result.version,)
        assert {gone.id for gone in result.removed} == {version.id for version in pushed[:2]}
        again = place.make(OURS).prune(replace(request, known_versions=place.versions()))
        assert (again.removed, again.versions) == ((), (pushed[-1],))

    def test_where_no_version_is_none_can_be_removed(self, place: PlaceCase) -> None:
        with pytest.raises(ParaduxError) as refused:
            place.make(OURS).prune(PushRequest(Keep(last=1), "2026-01-04T12:00:00Z"))
        assert refused.value.code == "no-version"
