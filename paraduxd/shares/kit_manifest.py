"""kit.json: what a kit says of itself and of the set that its share belongs to. Untrusted until its signature is checked."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.api import bounded_json
from paraduxd.api.frozen import dataclass

FORMAT = "paradux.kit/1"
SET_FORMAT = "paradux.set/1"

LONGEST = 256 * 1024
"""Bytes; a manifest of 16 stewards has a tenth of it."""

_NAME = 200


@dataclass(frozen=True)
class Member:
    """One share of the set: SHA-256 of its words, and who holds it (empty: nobody, or not told)."""

    member: int
    sha256: str
    steward: str


@dataclass(frozen=True)
class SetInfo:
    """A set of shares: `created` RFC 3339 in UTC, `threshold` of `issued` shares are needed, `identifier` is SLIP-0039's."""

    epoch: int
    created: str
    threshold: int
    issued: int
    identifier: int
    shares: tuple[Member, ...]

    def member(self, number: int) -> Member | None:
        """The share with this SLIP-0039 member index."""
        return next((share for share in self.shares if share.member == number), None)


@dataclass(frozen=True)
class KitInfo:
    """A kit: whose config, whose kit, and when it was written. Sizes are bytes."""

    owner_id: str
    owner_name: str
    instance: str
    epoch: int
    serial: int
    written: str
    steward_id: str
    steward_name: str
    language: str
    share_sha256: str
    fingerprint: str
    set: SetInfo
    files: tuple[tuple[str, int, str], ...]
    """(name, bytes, SHA-256) of every other file."""

    @classmethod
    def from_json(cls, text: bytes) -> KitInfo:
        """The kit of a `kit.json`; raises `ValueError` "not a kit manifest: ..."."""
        if len(text) > LONGEST:
            raise ValueError("not a kit manifest: it is too long")
        try:
            return _consistent(_kit(_object(bounded_json.parse(text, "a kit's manifest"))))
        except (KeyError, TypeError, ValueError) as problem:
            reason = str(problem) if type(problem) is ValueError else "a part is missing or of another kind"
            raise ValueError(f"not a kit manifest: {reason}") from None


def _kit(kit: Mapping[str, object]) -> KitInfo:
    if kit["format"] != FORMAT:
        raise ValueError("it is of an unknown format")
    owner, steward, share = _object(kit["owner"]), _object(kit["steward"]), _object(kit["share"])
    return KitInfo(
        owner_id=_hex(owner["id"], 32),
        owner_name=_name(owner["name"]),
        instance=_hex(kit["instance"], 32),
        epoch=_whole(kit["epoch"]),
        serial=_whole(kit["serial"]),
        written=_name(kit["written"]),
        steward_id=_name(steward["id"]),
        steward_name=_name(steward["name"]),
        language=_name(steward["language"]),
        share_sha256=_hex(share["sha256"], 64),
        fingerprint=_name(kit["fingerprint"]),
        set=_set(_object(kit["set"])),
        files=tuple(
            (_name(name), _whole(entry["bytes"], least=0), _hex(entry["sha256"], 64))
            for name, entry in ((name, _object(entry)) for name, entry in _object(kit["files"]).items())
        ),
    )


def _consistent(kit: KitInfo) -> KitInfo:
    """The kit, if what it says in two places is the same."""
    shares = kit.set.shares
    if kit.set.epoch != kit.epoch or kit.share_sha256 not in {share.sha256 for share in shares}:
        raise ValueError("its share is none of its set")
    if len({share.member for share in shares}) < len(shares):
        raise ValueError("two shares of its set are the same")
    return kit


def _set(found: Mapping[str, object]) -> SetInfo:
    if found["format"] != SET_FORMAT:
        raise ValueError("its set of shares is of an unknown format")
    shares = found["shares"]
    if not isinstance(shares, list) or len(shares) > 16:
        raise ValueError("a set has at most 16 shares")
    return SetInfo(
        epoch=_whole(found["epoch"]),
        created=_name(found["created"]),
        threshold=_whole(found["threshold"], least=2, most=16),
        issued=_whole(found["issued"], most=16),
        identifier=_whole(found["identifier"], least=0, most=2**15 - 1),
        shares=tuple(_member(_object(share)) for share in shares),
    )


def _member(share: Mapping[str, object]) -> Member:
    steward = share["steward"]
    name = _name(_object(steward)["name"]) if steward is not None else ""
    return Member(_whole(share["member"], least=0, most=15), _hex(share["sha256"], 64), name)


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _name(value: object) -> str:
    """A text that goes on one line of a report, whatever is in it."""
    if type(value) is not str:
        raise TypeError
    return "".join(letter if letter.isprintable() else " " for letter in value[:_NAME])


def _hex(value: object, length: int) -> str:
    if type(value) is not str or len(value) != length or not set(value) <= set("0123456789abcdef"):
        raise TypeError
    return value


def _whole(value: object, least: int = 1, most: int = 10**12 - 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise TypeError
    return value
