#!/usr/bin/env python3
"""Opens an emergency file that Paradux made, with nothing but Python (3.8 or newer) and gpg (GnuPG 2.2 or newer).

    python3 recover.py KIT KIT KIT             writes config.json, and prints what the family must know
    python3 recover.py                         begins with the kit it lies in, and asks for the others
    python3 recover.py --secret-only KIT ...   only combines the shares, and prints the secret: 64 hexadecimal digits

A KIT is the folder PARADUX of a stick, a share.txt, or any text file with the words of a share (the text of the QR code,
too); "-" is the standard input. Files named config...gpg and recovery-key...asc, or a folder with them, may be given
besides. Any number of them, in any order, also too many, twice, old or wrong ones: what does not fit is named and left out.
Nothing is sent anywhere, and no kit is changed.

How it works, for whoever has to do it again without this program:

1. Every kit has a share of the recovery secret: 33 words. The shares are SLIP-39 (one group, k of 16, no passphrase). Any k
   of one set give the recovery secret, 32 bytes. Written as 64 lower-case hexadecimal digits it is the passphrase of
   recovery-key.asc.
2. recovery-key.asc is an OpenPGP private key. config.gpg is a message that is encrypted to it and signed by it.
3. The text of the message is JSON: {"header": {owner, instance, epoch, serial, date}, "config": {...}}. The highest serial
   is the newest (of the highest "generation" in "managed", if there are several). "config" has "inventory" (what the family
   must know), "stewards" (people), and "datasets" (where the data is and what opens it).
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import hmac
import itertools
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Sequence

LARGEST_FILE, LARGEST_OUTPUT, LARGEST_ALL = 16 * 1024 * 1024, 16 * 1024 * 1024, 96 * 1024 * 1024
"""Bytes: what is read of a file, what may come out of an encrypted one, and what all files may have together."""

LARGEST_TEXT, DEEPEST, MOST_ENTRIES, MOST_SHARES, MOST_TRIALS = 256 * 1024, 110, 400000, 64, 20000
"""Bytes of a share, a key or a kit.json; levels and entries of JSON; shares of one set, and combinations of them, that are tried."""


class Problem(Exception):
    """Something a person should read; the text never holds a secret."""


@dataclass(frozen=True)
class Share:
    """One SLIP-39 share, taken apart."""

    identifier: int
    extendable: bool
    exponent: int
    group: int
    group_threshold: int
    group_count: int
    member: int
    threshold: int
    value: bytes = field(repr=False)
    words: tuple[str, ...] = field(repr=False)

    @property
    def common(self) -> tuple[int, bool, int, int, int, int]:
        """What all shares of one secret have in common."""
        return (
            self.identifier,
            self.extendable,
            self.exponent,
            self.group_threshold,
            self.group_count,
            len(self.value),
        )

    @property
    def sha256(self) -> str:
        """The hash by which kit.json knows it."""
        return hashlib.sha256(" ".join(self.words).encode()).hexdigest()


def read_words(text: str) -> tuple[str, ...]:
    """The words in a text: lines with # are comments, numbers and punctuation do not count, four letters of a word are enough."""
    lines = (line for line in text.lstrip("\ufeff").splitlines() if not line.lstrip().startswith("#"))
    return tuple(full_word(word) for word in re.findall(r"[^\W\d_]+", " ".join(lines).lower()))


def full_word(word: str) -> str:
    """The word of the list that begins like this, if four letters or more are given; otherwise what was given."""
    if word in NUMBER or len(word) < 4:
        return word
    matching = [candidate for candidate in WORDS if candidate.startswith(word)]
    return matching[0] if len(matching) == 1 else word


def decode(words: Sequence[str]) -> Share:
    """The share that these words are; raises Problem that says what is wrong and, if possible, which word."""
    if len(words) < 20:
        raise Problem(f"a share of a kit has 33 words, here are {len(words)}")
    unknown = [place for place, word in enumerate(words) if word not in NUMBER]
    if unknown:
        raise Problem("; ".join(_unknown_word(place + 1, words[place]) for place in unknown[:5]))
    values = [NUMBER[word] for word in words]
    if _checksum(values) != 1:
        raise Problem(
            _wrong_word(values)
            or f"the {len(words)} words do not fit together: some are wrong, missing or in the wrong order"
        )
    head = _number(values[:4], 10)
    identifier, extendable, exponent = head >> 25, bool(head >> 24 & 1), head >> 20 & 15
    group, group_threshold, group_count = head >> 16 & 15, (head >> 12 & 15) + 1, (head >> 8 & 15) + 1
    if group_count < group_threshold:
        raise Problem("this share asks for more groups than there are")
    return Share(
        identifier=identifier,
        extendable=extendable,
        exponent=exponent,
        group=group,
        group_threshold=group_threshold,
        group_count=group_count,
        member=head >> 4 & 15,
        threshold=(head & 15) + 1,
        value=_value(values[4:-3]),
        words=tuple(words),
    )


def _unknown_word(place: int, word: str) -> str:
    near = difflib.get_close_matches(word, WORDS, n=3, cutoff=0.6)
    return f"word {place} is not in the list" + (f" (perhaps {', '.join(near)})" if near else "")


def _number(digits: Sequence[int], bits: int) -> int:
    number = 0
    for digit in digits:
        number = number << bits | digit
    return number


def _value(values: Sequence[int]) -> bytes:
    padding = 10 * len(values) % 16
    number = _number(values, 10)
    length = (10 * len(values) - padding) // 8
    if padding > 8 or number >> 8 * length or length < 16:
        raise Problem("this share has a wrong length")
    return number.to_bytes(length, "big")


def _checksum(values: Sequence[int]) -> int:
    """RS1024 over the words; 1 for a correct share."""
    return _rs1024([*_PURPOSE[values[1] >> 4 & 1], *values], 1)


_PURPOSE = (b"shamir", b"shamir_extendable")
"""What the checksum begins with: the second word says which."""


def _rs1024(values: Sequence[int], state: int) -> int:
    generators = (
        0xE0E040, 0x1C1C080, 0x3838100, 0x7070200, 0xE0E0009, 0x1C0C2412, 0x38086C24, 0x3090FC48, 0x21B1F890, 0x3F3F120,
    )  # fmt: skip
    for value in values:
        top = state >> 20
        state = (state & 0xFFFFF) << 10 ^ value
        for bit, generator in enumerate(generators):
            if top >> bit & 1:
                state ^= generator
    return state


def _wrong_word(values: Sequence[int]) -> str | None:
    """Which single word is wrong, if that can be told."""
    found = _corrections(values)
    return f"word {found[0][0] + 1} is wrong: it should probably be {WORDS[found[0][1]]}" if len(found) == 1 else None


def _corrections(values: Sequence[int]) -> list[tuple[int, int]]:
    """Each change of one word (place, and the right word) that makes the checksum right. The checksum is linear, so each bit of each
    word changes it in its own way."""
    wanted = [_rs1024([*purpose, *values], 1) ^ 1 for purpose in _PURPOSE]
    found = []
    for place, value in enumerate(values):
        after = [0] * (len(values) - place - 1)
        effects = [_rs1024([1 << bit, *after], 0) for bit in range(10)]
        for right in range(1024):
            effect = 0
            for bit in range(10):
                if (right ^ value) >> bit & 1:
                    effect ^= effects[bit]
            second = right if place == 1 else values[1]
            if effect == wanted[second >> 4 & 1]:
                found.append((place, right))
    return found


def combine(shares: Sequence[Share], passphrase: bytes = b"") -> bytes:
    """The secret of exactly as many shares as are needed; raises Problem when they do not give one."""
    if not shares:
        raise Problem("there is no share")
    first = shares[0]
    if len({share.common for share in shares}) != 1:
        raise Problem("these shares do not belong together")
    groups = {share.group: {other for other in shares if other.group == share.group} for share in shares}
    if len(groups) != first.group_threshold:
        raise Problem("this is not the number of groups that is needed")
    points = [(group, _group_secret(members)) for group, members in groups.items()]
    encrypted = _join(first.group_threshold, points)
    return _decrypt(encrypted, passphrase, first)


def _group_secret(members: set[Share]) -> bytes:
    thresholds = {share.threshold for share in members}
    if len(thresholds) != 1 or len({share.member for share in members}) != len(members):
        raise Problem("these shares do not belong together")
    threshold = thresholds.pop()
    if len(members) != threshold:
        raise Problem(f"{threshold} shares are needed, here are {len(members)}")
    return _join(threshold, [(share.member, share.value) for share in members])


def _join(threshold: int, points: Sequence[tuple[int, bytes]]) -> bytes:
    """Shamir's secret, at 255; the digest at 254 tells whether it is right."""
    if threshold == 1:
        return points[0][1]
    secret, digest = interpolate(points, 255), interpolate(points, 254)
    if hmac.new(digest[4:], secret, "sha256").digest()[:4] != digest[:4]:
        raise Problem("these shares do not fit together: one of them is wrong")
    return secret


def interpolate(points: Sequence[tuple[int, bytes]], where: int) -> bytes:
    """The value at `where` of the polynomial over GF(256) through the points (Lagrange)."""
    for place, value in points:
        if place == where:
            return value
    total = sum(LOG[place ^ where] for place, _ in points)
    result = bytes(len(points[0][1]))
    for place, value in points:
        basis = total - LOG[place ^ where] - sum(LOG[place ^ other] for other, _ in points)
        result = bytes(old ^ (EXP[(LOG[byte] + basis) % 255] if byte else 0) for old, byte in zip(result, value))
    return result


def _decrypt(encrypted: bytes, passphrase: bytes, share: Share) -> bytes:
    """Four Feistel rounds with PBKDF2, backwards."""
    half = len(encrypted) // 2
    left, right = encrypted[:half], encrypted[half:]
    salt = b"" if share.extendable else b"shamir" + share.identifier.to_bytes(2, "big")
    for number in reversed(range(4)):
        rounds = (10000 << share.exponent) // 4
        key = hashlib.pbkdf2_hmac("sha256", bytes([number]) + passphrase, salt + right, rounds, half)
        left, right = right, bytes(a ^ b for a, b in zip(left, key))
    return right + left


def _tables() -> tuple[list[int], list[int]]:
    """Powers and logarithms in GF(256), polynomial x^8 + x^4 + x^3 + x + 1, generator x + 1."""
    powers, logarithms, power = [], [0] * 256, 1
    for exponent in range(255):
        powers.append(power)
        logarithms[power] = exponent
        power = power << 1 ^ power ^ (0x11B if power & 0x80 else 0)
    return powers, logarithms


EXP, LOG = _tables()


@dataclass
class Gathered:
    """All that was brought: shares with where they come from, manifests (kit.json, not yet proven), keys and configs."""

    shares: dict[Share, str] = field(default_factory=dict, repr=False)
    manifests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[tuple[str, bytes]] = field(default_factory=list)
    configs: list[tuple[str, bytes]] = field(default_factory=list)
    size: int = 0

    def count(self, content: bytes) -> None:
        """Raises Problem when this is more than any recovery has."""
        self.size += len(content)
        if self.size > LARGEST_ALL:
            raise Problem("too much was given: no recovery needs more than 96 MiB")


def take(gathered: Gathered, path: Path) -> None:
    """Take a kit's folder, or a file of any kind that is useful; says what it found."""
    if not path.exists():
        raise Problem(f"{clean(path)}: there is no such file or folder")
    if path.is_dir():
        for folder in kit_folders(path):
            _take_folder(gathered, folder)
    else:
        _take_file(gathered, path)


def kit_folders(path: Path) -> list[Path]:
    """This folder, and all in it that look like a kit: a copy of one may be called "PARADUX (1)", or "paradux"."""
    kits = [entry for entry in _entries(path) if entry.name.lower() not in ("previous", "copies") and _is_kit(entry)]
    with_previous = [(kit, _named(kit, "previous")) for kit in (path, *kits)]
    return [folder for both in with_previous for folder in both if folder]


def _is_kit(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and any(entry.name.lower() in KIT for entry in _entries(path))


KIT = ("share.txt", "kit.json", "config.gpg", "recovery-key.asc")


def _entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing of what is none or cannot be read."""
    try:
        return sorted(itertools.islice(folder.iterdir(), 1000))
    except OSError:
        return []


def _named(folder: Path, name: str) -> Path | None:
    """The folder of this name in any case."""
    found = [each for each in _entries(folder) if each.name.lower() == name and each.is_dir() and not each.is_symlink()]
    return found[0] if found else None


def _take_folder(gathered: Gathered, folder: Path) -> None:
    for path in _entries(folder):
        if re.fullmatch(r"kit\.json|config.*\.gpg|recovery-key.*\.asc", path.name.lower()):
            _quietly(_take_file, gathered, path)
    copies = [path for path in _entries(folder) if re.fullmatch(r"share.*\.txt", path.name.lower())]
    more = _named(folder, "copies")
    copies += [path for path in (_entries(more) if more else []) if re.fullmatch(r"share.*\.txt", path.name.lower())]
    _take_copies(gathered, folder, copies[:12])


def _take_copies(gathered: Gathered, folder: Path, copies: Sequence[Path]) -> None:
    """Take the share that a kit holds several times, and any other that lies in its place. The hash in kit.json tells which it is."""
    expected = _expected(folder)
    texts: list[str] = []
    found: dict[Share, Path] = {}
    for path in copies:
        try:
            texts.append(read_file(path, LARGEST_TEXT).decode("utf-8", "replace"))
            found.setdefault(decode(read_words(texts[-1])), path)
        except (Problem, OSError) as problem:
            tell(f"not used: {clean(path)}: {clean(getattr(problem, 'strerror', None) or problem)}")
    if expected not in {share.sha256 for share in found} and (expected or not found):
        share = put_together(texts, expected)
        if share:
            tell(
                f"put together from the {len(texts)} copies in {clean(folder)}, each of which is damaged or another share"
            )
            found[share] = folder
    for share, path in found.items():
        _add(gathered, share, str(path))


def _expected(folder: Path) -> str:
    """The hash of the kit's share by its kit.json; empty if that does not tell."""
    try:
        (path,) = [entry for entry in _entries(folder) if entry.name.lower() == "kit.json"]
        return str(parse(read_file(path, LARGEST_TEXT))["share"]["sha256"])
    except (Problem, OSError, ValueError, KeyError, TypeError):
        return ""


def put_together(copies: Sequence[str], expected: str) -> Share | None:
    """The share with this hash (empty: any) that the words of several damaged copies make; with a hash one word may be wrong in all."""
    rows = [row for row in map(_places, copies) if row]
    known = [[row[place] for row in rows if row[place] in NUMBER] or ["?"] for place in range(33)]
    options = [sorted(dict.fromkeys(some), key=some.count, reverse=True) for some in known]
    for words in itertools.islice(itertools.product(*options), 8192):
        if "?" not in words and _checksum([NUMBER[word] for word in words]) == 1 and _fits(words, expected):
            return decode(words)
    for row in [[some[0] for some in options], *rows]:
        for corrected in _corrected(row, expected):
            if _fits(corrected, expected):
                return decode(corrected)
    return None


def _corrected(words: Sequence[str], expected: str) -> Iterator[Sequence[str]]:
    """The words with another one in the place of the one that is unknown, or, if a hash will tell, of any."""
    unknown = [place for place, word in enumerate(words) if word not in NUMBER]
    if not unknown and expected:
        values = [NUMBER[word] for word in words]
        for place, right in _corrections(values):
            yield [*words[:place], WORDS[right], *words[place + 1 :]]
    elif len(unknown) == 1:
        changed = ([*words[: unknown[0]], word, *words[unknown[0] + 1 :]] for word in WORDS)
        yield from (each for each in changed if _checksum([NUMBER[word] for word in each]) == 1)


def _fits(words: Sequence[str], expected: str) -> bool:
    return not expected or hashlib.sha256(" ".join(words).encode()).hexdigest() == expected


def _places(text: str) -> Sequence[str]:
    """The word at each of the 33 places, by the numbers before them, else by order; nothing if neither tells."""
    lines = " ".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    numbered: dict[int, str] = {}
    for number, token in re.findall(r"(?<!\S)([0-9]{1,2})[.):]\s*(\S+)", lines):
        numbered.setdefault(int(number), full_word(re.sub(r"[^a-z]", "", token.lower())))
    if sum(1 <= number <= 33 for number in numbered) >= 25:
        return [numbered.get(number, "") for number in range(1, 34)]
    words = read_words(text)
    return words if len(words) == 33 else ()


def _quietly(action: Any, gathered: Gathered, path: Path) -> bool:
    """Whether it went well; otherwise the reason is told."""
    try:
        action(gathered, path)
    except (Problem, OSError, ValueError) as problem:
        tell(f"not used: {clean(path)}: {clean(getattr(problem, 'strerror', None) or problem)}")
        return False
    return True


def _take_file(gathered: Gathered, path: Path) -> None:
    content = read_file(path, LARGEST_FILE if path.suffix.lower() == ".gpg" else LARGEST_TEXT)
    gathered.count(content)
    if b"BEGIN PGP PRIVATE KEY BLOCK" in content[:1000]:
        gathered.keys.append((str(path), content))
    elif path.suffix == ".gpg" or content.startswith(b"-----BEGIN PGP MESSAGE"):
        gathered.configs.append((str(path), content))
    elif content.lstrip().startswith(b"{"):
        _take_manifest(gathered, content)
    else:
        take_words(gathered, content.decode("utf-8-sig"), str(path))


def _take_manifest(gathered: Gathered, content: bytes) -> None:
    manifest = parse(content)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("set"), dict):
        raise Problem("this is not the description of a kit")
    gathered.manifests.append(manifest)


def take_words(gathered: Gathered, text: str, label: str) -> None:
    """Take the words of one share; the same share again counts once."""
    _add(gathered, decode(read_words(text)), label)


def _add(gathered: Gathered, share: Share, label: str) -> None:
    if share in gathered.shares:
        tell(f"the same share again, counted once: {clean(label)}")
    gathered.shares.setdefault(share, label)


def parse(text: bytes) -> Any:
    """A JSON text that is not too deep and has not too much in it; raises ValueError."""
    depth = entries = 0
    for match in re.finditer(rb'"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[][{},]', text):
        sign = match.group()
        depth += (sign in b"[{") - (sign in b"]}")
        entries += sign in b"[{,"
        if depth > DEEPEST or entries > MOST_ENTRIES:
            raise ValueError("more than any kit or config holds")
    return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _whole(text: str) -> int:
    if len(text) > 18:
        raise ValueError("a number that is too large")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not abs(number) < 1e300:
        raise ValueError("a number that is too large")
    return number


def read_file(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of an ordinary file that is not too large."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > largest:
            raise Problem("not an ordinary file, or too large")
        return file.read(largest)


@dataclass
class ShareSet:
    """The shares at hand of one set, with what the kits say about the set."""

    shares: list[Share]
    manifest: dict[str, Any]

    @property
    def epoch(self) -> int:
        """The number of the set; 0 when no kit tells."""
        epoch = self.manifest.get("epoch")
        return epoch if type(epoch) is int else 0

    @property
    def needed(self) -> int:
        """How many shares open it."""
        return self.shares[0].threshold

    @property
    def held(self) -> int:
        """How many different shares are at hand."""
        return len({share.member for share in self.shares})

    @property
    def name(self) -> str:
        """For people."""
        owner = self.manifest.get("owner")
        of = f" of {clean(owner.get('name'))}" if isinstance(owner, dict) else ""
        return (
            f"set {self.epoch}{of}"
            if self.epoch
            else f"a set that no kit here describes (SLIP-39 id {self.shares[0].identifier})"
        )

    def steward(self, share: Share) -> str:
        """Who holds a share, or its number."""
        for entry in self._entries():
            if entry.get("member") == share.member and isinstance(entry.get("steward"), dict):
                return clean(entry["steward"].get("name"))
        return f"share {share.member + 1}"

    def is_listed(self, share: Share) -> bool:
        """Whether the kits know this very share, or know nothing."""
        entries = self._entries()
        return not entries or share.sha256 in [entry.get("sha256") for entry in entries]

    def others(self) -> list[str]:
        """Who else holds a share of it, as far as the kits tell."""
        held = [share.member for share in self.shares]
        entries = [entry for entry in self._entries() if entry.get("member") not in held]
        return [clean(entry["steward"].get("name")) for entry in entries if isinstance(entry.get("steward"), dict)]

    def _entries(self) -> list[dict[str, Any]]:
        listed = self.manifest.get("set", {}).get("shares")
        return [entry for entry in listed[:16] if isinstance(entry, dict)] if isinstance(listed, list) else []

    def secrets(self) -> Iterator[tuple[bytes, Sequence[Share]]]:
        """Every secret that some of the shares give, and those shares. A wrong share among enough good ones does no harm."""
        trusted_first = sorted(self.shares, key=lambda share: not self.is_listed(share))
        for some in itertools.islice(itertools.combinations(trusted_first[:MOST_SHARES], self.needed), MOST_TRIALS):
            if len({share.member for share in some}) == self.needed:
                try:
                    yield combine(some), some
                except Problem:
                    continue


def share_sets(gathered: Gathered) -> list[ShareSet]:
    """The shares by set, the newest set first."""
    groups: dict[Any, list[Share]] = {}
    for share in gathered.shares:
        groups.setdefault((share.common, share.group, share.threshold), []).append(share)
    sets = [ShareSet(shares, _manifest_of(gathered, shares)) for shares in groups.values()]
    return sorted(sets, key=lambda found: (-found.epoch, -found.held))


def _manifest_of(gathered: Gathered, shares: Sequence[Share]) -> dict[str, Any]:
    """What the kits say of this set: of several descriptions the one that knows most of the shares."""
    about = [each for each in gathered.manifests if each["set"].get("identifier") == shares[0].identifier]
    known = {id(each): sum(ShareSet([share], each).is_listed(share) for share in shares) for each in about}
    return max(about, key=lambda each: known[id(each)], default={})


def report(gathered: Gathered, sets: Sequence[ShareSet]) -> None:
    """Say what there is of each set, share by share."""
    newest: dict[str, ShareSet] = {}
    for found in sets:
        owner = json.dumps(found.manifest.get("owner"))
        newer = newest.setdefault(owner, found)
        of = (
            f"replaced by set {newer.epoch} on {clean(newer.manifest.get('set', {}).get('created'))[:10]}; "
            if found.epoch < newer.epoch
            else ""
        )
        tell(f"{found.name}: {of}{found.held} of {found.needed} shares that are needed")
        for share in found.shares:
            doubt = "" if found.is_listed(share) else ", NOT the share that was issued: wrong or forged"
            tell(f"  {found.steward(share)} ({clean(gathered.shares[share])}){doubt}")
        if found.held < found.needed and found.others():
            tell(f"  {found.needed - found.held} more of: {', '.join(found.others())}")


def name_strangers(found: ShareSet, good: Sequence[Share], gathered: Gathered) -> None:
    """Name every share of the set that does not lie on the polynomial of the good ones."""
    points = [(share.member, share.value) for share in good]
    for share in found.shares:
        if interpolate(points, share.member) != share.value:
            tell(f"WRONG OR FORGED, left out: the share of {found.steward(share)} ({clean(gathered.shares[share])})")


EDDSA = "22"
"""The kind of the key, as gpg names it in VALIDSIG (RFC 9580, section 9.1)."""

TRIES = 4
"""So often gpg is asked to take a key."""


class NotTaken(Problem):
    """It may be the agent of this computer, or the key: another one may be good."""


class Gpg:
    """gpg in a home of its own, in memory if this computer has such a place, removed at the end. Only locked things lie in it."""

    def __init__(self) -> None:
        self.program = shutil.which("gpg") or shutil.which("gpg2")
        if not self.program:
            raise Problem("gpg is not installed (on Debian: apt install gnupg; on macOS: brew install gnupg)")
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = Path(tempfile.mkdtemp(prefix="recover-", dir=memory))
        # An agent that remembers would make a wrong passphrase look right. The secret needs no stretching: it is random.
        settings = (
            "default-cache-ttl 0\nmax-cache-ttl 0\nallow-loopback-pinentry\nno-allow-external-cache\ns2k-count 65536\n"
        )
        (self.home / "gpg-agent.conf").write_text(settings)

    def __enter__(self) -> Gpg:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def stop(self) -> None:
        """Stop its agent."""
        killer = shutil.which("gpgconf")
        if killer:
            subprocess.run([killer, "--homedir", str(self.home), "--kill", "all"], capture_output=True, check=False)

    def renew(self) -> None:
        """Take the locked half of the key anew: rarely the agent of gpg 2.2 does not open one with its very passphrase."""
        self.stop()
        shutil.rmtree(self.home / "private-keys-v1.d", ignore_errors=True)
        self.take_key()

    def run(self, passphrase: str, *arguments: str) -> tuple[bytes, list[list[str]]]:
        """What gpg wrote, and its status lines in words. The passphrase goes through a pipe. The clock of this computer may be wrong."""
        options = ["--homedir", str(self.home), "--batch", "--no-tty", "--status-fd", "2", "--no-auto-key-locate"]
        options += [
            "--pinentry-mode",
            "loopback",
            "--passphrase-fd",
            "0",
            "--no-auto-check-trustdb",
            "--trust-model",
            "always",
            "--ignore-time-conflict",
            "--ignore-valid-from",
        ]
        environment = {name: value for name, value in os.environ.items() if name != "GNUPGHOME"}
        done = subprocess.run(
            [str(self.program), *options, *arguments],
            input=f"{passphrase}\n".encode(),
            capture_output=True,
            check=False,
            env={**environment, "LC_ALL": "C"},
        )
        lines = done.stderr.decode(errors="replace").splitlines()
        if any("exceeded --max-output" in line for line in lines):
            raise Problem("it holds more than any config does")
        return done.stdout, [line.split()[1:] for line in lines if line.startswith("[GNUPG:] ")]

    def put(self, name: str, content: bytes) -> str:
        """A file for gpg to read."""
        path = self.home / name
        path.write_bytes(content)
        return str(path)

    def import_key(self, key: bytes) -> str:
        """The fingerprint of the one key in a file."""
        self.put("key", key)
        fingerprints = {line[2] for line in self.take_key() if line[0] == "IMPORT_OK" and len(line) > 2}
        if len(fingerprints) != 1:
            raise Problem("gpg does not find one key in it")
        return fingerprints.pop()

    def take_key(self) -> list[list[str]]:
        """Import what was put there as "key"; gives the status lines.

        Where its agent does not come up, as on a busy machine, gpg takes the public half alone, and is asked again.
        """
        for _ in range(TRIES):
            _, status = self.run("", "--import", str(self.home / "key"))
            counts = next((list(map(int, line[10:13])) for line in status if line[0] == "IMPORT_RES"), [0, 0, 0])
            locked_read, locked_taken, locked_there = counts
            if locked_read <= locked_taken + locked_there:
                return status
        raise NotTaken("gpg does not take the locked half of a key: if all else is right, restart this computer")

    def is_locked_by(self, fingerprint: str, secret: str) -> bool:
        """Whether the key, which must be an EdDSA one as Paradux makes them, signs with this secret and without it does not.

        Who knows a key's locked half could hang it below a signing key of his own, or put a public half of his own before it, and
        sign a config of his own with that. So what the locked half signs must be verified by the public one.
        """
        test, signature = self.put("test", b"test"), self.home / "signature"
        arguments = ("--local-user", f"{fingerprint}!", "--output", "-", "--detach-sign", test)
        signed = self.run(secret, *arguments)[0]
        if not signed:
            self.renew()
            signed = self.run(secret, *arguments)[0]
        signature.write_bytes(signed)
        _, status = self.run("", "--verify", str(signature), test)
        valid = [line for line in status if line[0] == "VALIDSIG"]
        proven = [(line[-1], line[7]) for line in valid] == [(fingerprint, EDDSA)]
        return proven and not self.run("not the secret", *arguments)[0]

    def open(self, message: bytes, fingerprint: str, secret: str) -> bytes:
        """The text of a message that this very key signed."""
        bounded = ("--max-output", str(LARGEST_OUTPUT))  # a small message can hold a very long text
        arguments = (*bounded, "--output", "-", "--decrypt", self.put("message", message))
        text, status = self.run(secret, *arguments)
        if not any(line[0] == "DECRYPTION_OKAY" for line in status):
            self.renew()
            text, status = self.run(secret, *arguments)
        said = [line[0] for line in status]
        signed = [line[-1] for line in status if line[0] == "VALIDSIG"]
        if "DECRYPTION_OKAY" not in said or "DECRYPTION_FAILED" in said:
            raise Problem("it cannot be opened with this secret")
        once = said.count("GOODSIG") == said.count("PLAINTEXT") == 1 and not {"ERRSIG", "BADSIG"} & set(said)
        if signed != [fingerprint] or not once:
            raise Problem("it is not signed by the owner's recovery key: do not trust it")
        return text


@dataclass(frozen=True)
class Opened:
    """A config that was opened, with its proven signature; `text` is the whole JSON."""

    label: str
    fingerprint: str
    text: bytes = field(repr=False)
    header: dict[str, Any]
    config: dict[str, Any] = field(repr=False)

    @property
    def generation(self) -> int:
        """How many machines the owner had had when it was saved."""
        found = self.config.get("managed", {}).get("generation", 1)
        return found if type(found) is int else 1


def open_all(gathered: Gathered, secret: bytes, why: dict[str, str]) -> list[Opened]:
    """Every config that the secret opens; `why` gets a sentence for each that it does not."""
    opened = []
    for key in {content for _, content in gathered.keys}:
        with Gpg() as gpg:
            try:
                fingerprint = gpg.import_key(key)
                if not gpg.is_locked_by(fingerprint, secret.hex()):
                    continue
            except NotTaken as problem:
                why["a recovery key"] = str(problem)
                continue
            except Problem:
                continue
            for label, message in gathered.configs:
                try:
                    opened.append(_opened(label, fingerprint, gpg.open(message, fingerprint, secret.hex())))
                except (Problem, ValueError) as problem:
                    why[label] = str(problem)
    return opened


def newest_first(opened: Sequence[Opened]) -> list[Opened]:
    """A machine that has taken over counts more than what the one before it still saved; then the serial; the clock counts last."""
    return sorted(opened, key=lambda each: (each.generation, each.header["serial"], each.header["date"]), reverse=True)


def tell_newer(gathered: Gathered, opened: Sequence[Opened]) -> None:
    """Say that something newer exists than the newest that was opened, if a kit tells of it."""
    newest, known = opened[0], {(each.header["epoch"], each.header["serial"]) for each in opened}
    managed = newest.config.get("managed", {})
    for manifest in gathered.manifests:
        epoch, serial, owner = manifest.get("epoch"), manifest.get("serial"), manifest.get("owner")
        if not isinstance(owner, dict) or owner.get("id") != newest.header.get("owner"):
            continue
        if type(epoch) is not int or type(serial) is not int or (epoch, serial) in known:
            continue
        if serial > newest.header["serial"] or epoch > max(managed.get("highest_epoch", 0), newest.header["epoch"]):
            tell(
                f"CAREFUL: something newer exists than what could be opened: a kit has serial {serial} of set {epoch},"
                f" the newest here is serial {newest.header['serial']} of set {newest.header['epoch']}."
                f" Bring more kits of set {epoch}."
            )
            return


def _opened(label: str, fingerprint: str, text: bytes) -> Opened:
    unknown = Problem("it is of a format that this program does not know")
    try:
        document = parse(text)
        header, config = dict(document["header"]), dict(document["config"])
        if (
            header["format"] != "paradux.config/1"
            or type(header["serial"]) is not int
            or type(header["epoch"]) is not int
        ):
            raise unknown
        return Opened(label, fingerprint, text, {**header, "date": str(header["date"])}, config)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise unknown from None


def show(newest: Opened, opened: Sequence[Opened]) -> None:
    """Which copies were opened, and how old the newest is; if they disagree, that too."""
    for each in opened:
        tell(f"opened: {clean(each.label)}: serial {each.header['serial']} of {clean(each.header['date'])}")
    same = [each for each in opened if each.header["serial"] == newest.header["serial"]]
    if len({json.dumps(each.config, sort_keys=True) for each in same}) > 1:
        tell("CAREFUL: copies with the same serial differ. The first one is used; look at the others, too.")
    days = (datetime.now(timezone.utc) - _moment(newest.header["date"])).days
    age = f"{days} days old" if days >= 0 else "dated in the future (is the clock of this computer right?)"
    tell(
        f"used: {clean(newest.label)}, serial {newest.header['serial']}, {age}, signed by the recovery key {newest.fingerprint}"
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.now(timezone.utc)


def summary(config: dict[str, Any]) -> str:
    """What the family must know, then the people, then where the data is."""
    lines = ["", "WHAT THE FAMILY MUST KNOW"]
    for entry in config.get("inventory", []):
        lines += _entry(entry, ("name", "url", "username", "password", "notes"))
    lines += ["", "PEOPLE"]
    for person in [config.get("owner", {}), *config.get("stewards", [])]:
        lines += _entry(person, ("name", "phone", "email", "address"))
    lines += ["", "WHERE THE DATA IS (how to fetch it: BY-HAND.txt; passwords and keys: in the config)"]
    for dataset in config.get("datasets", []):
        lines.append(f"  {clean(dataset.get('id'))}: {clean(dataset.get('description', ''))}")
        for place in dataset.get("destinations", []):
            name = f"{dataset.get('id')}/{place.get('id')}"
            lines.append(
                f"    {clean(place.get('protocol'))}: {clean(place.get('url') or place.get('repository') or place.get('id'))}"
            )
            keys = config.get("managed", {}).get("data_keys", {})
            if any(name in (uid, key.get("name")) for uid, key in keys.items()):
                lines.append(f"      password: in the config, managed, data_keys, the entry of {clean(name)}")
    return "\n".join(lines)


def _entry(entry: dict[str, Any], names: Sequence[str]) -> list[str]:
    present = [(name, str(entry[name])) for name in names if entry.get(name)]
    first, *rest = present or [("", "?")]
    lines = [f"  {clean(first[1])}"]
    for name, value in rest:
        lines += [
            f"    {name if not number else ' ' * len(name)}  {clean(line)}"
            for number, line in enumerate(value.splitlines())
        ]
    return lines


def clean(value: object) -> str:
    """A text without characters that would steer the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))


def tell(text: str) -> None:
    """A message for the person; the result itself goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def write(path: Path, text: bytes) -> None:
    """A new file that only this user can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise Problem(f"{clean(path)} exists already: move it away, or give another name with --output") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    tell(f"written: {clean(path)}. It holds every password: keep it where nobody else can read it.")


def ask(gathered: Gathered) -> bool:
    """Ask the person for one more kit or share; whether anything was given."""
    tell(
        '\nMore is needed. Give the folder of another stick, or the words of a share (an empty line after the last, "q" to stop):'
    )
    text = ""
    while len(read_words(text)) < 33:
        line = sys.stdin.readline(LARGEST_TEXT)
        if line.strip().lower() == "q" or (not line.strip() and not text):
            return False
        if not text and Path(line.strip()).exists():
            _quietly(take, gathered, Path(line.strip()))
            return True
        if not line.strip():
            break
        text += line
    try:
        take_words(gathered, text, "typed words")
    except Problem as problem:
        tell(f"not used: {problem}")
    return True


def gather(given: Sequence[str]) -> Gathered:
    """Everything that the person named."""
    gathered = Gathered()
    for name in given or [str(Path(__file__).resolve().parent)]:
        if name == "-":
            take_words(gathered, sys.stdin.read(LARGEST_TEXT), "standard input")
        else:
            _quietly(take, gathered, Path(name))
    return gathered


def recover(gathered: Gathered, secret_only: bool) -> tuple[bytes, list[Opened]]:
    """A secret, and all that every set of which there is enough opens, newest first; raises Problem when there is not enough."""
    sets = share_sets(gathered)
    report(gathered, sets)
    opened: list[Opened] = []
    first = b""
    why: dict[str, str] = {}
    for found in sets:
        for secret, good in found.secrets() if found.held >= found.needed else ():
            more = [] if secret_only else open_all(gathered, secret, why)
            if more or secret_only:
                name_strangers(found, good, gathered)
                first, opened = first or secret, [*opened, *more]
                break
        if first and secret_only:
            return first, []
    for label in sorted(set(why) - {each.label for each in opened}):
        tell(f"not used: {clean(label)}: {clean(why[label])}")
    if opened:
        ordered = newest_first(opened)
        tell_newer(gathered, ordered)
        return first, ordered
    if any(found.held >= found.needed for found in sets):
        raise Problem(
            "there are enough shares, but they open no config here: bring one more share, or another config.gpg with its key"
        )
    raise Problem("there are not enough shares of one set")


def main() -> int:
    """Exit code 0: done; 1: not enough, or wrong; 2: the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kit", nargs="*", help="folder of a kit, or a file")
    parser.add_argument("--secret-only", action="store_true", help="only combine the shares, and print the secret")
    parser.add_argument("--output", default="config.json", help="file to write (default: config.json)")
    parser.add_argument("--print", action="store_true", help="print the config instead of writing it")
    given = parser.parse_args()
    try:
        gathered = gather(given.kit)
        while True:
            try:
                secret, opened = recover(gathered, given.secret_only)
                break
            except Problem as problem:
                if not sys.stdin.isatty() or not ask(gathered):
                    raise
                tell(f"({problem})")
        if given.secret_only:
            print(secret.hex())
            return 0
        show(opened[0], opened)
        if given.print:
            sys.stdout.buffer.write(opened[0].text)
            return 0
        write(Path(given.output), opened[0].text)
        print(summary(opened[0].config))
    except (Problem, OSError, UnicodeDecodeError) as problem:
        tell(f"recover.py: {clean(problem)}")
        return 1
    return 0


WORDS = """
academic acid acne acquire acrobat activity actress adapt adequate adjust admit adorn adult advance advocate afraid
again agency agree aide aircraft airline airport ajar alarm album alcohol alien alive alpha already alto aluminum
always amazing ambition amount amuse analysis anatomy ancestor ancient angel angry animal answer antenna anxiety apart
aquatic arcade arena argue armed artist artwork aspect auction august aunt average aviation avoid award away axis axle
beam beard beaver become bedroom behavior being believe belong benefit best beyond bike biology birthday bishop black
blanket blessing blimp blind blue body bolt boring born both boundary bracelet branch brave breathe briefing broken
brother browser bucket budget building bulb bulge bumpy bundle burden burning busy buyer cage calcium camera campus
canyon capacity capital capture carbon cards careful cargo carpet carve category cause ceiling center ceramic champion
change charity check chemical chest chew chubby cinema civil class clay cleanup client climate clinic clock clogs
closet clothes club cluster coal coastal coding column company corner costume counter course cover cowboy cradle craft
crazy credit cricket criminal crisis critical crowd crucial crunch crush crystal cubic cultural curious curly custody
cylinder daisy damage dance darkness database daughter deadline deal debris debut decent decision declare decorate
decrease deliver demand density deny depart depend depict deploy describe desert desire desktop destroy detailed
detect device devote diagnose dictate diet dilemma diminish dining diploma disaster discuss disease dish dismiss
display distance dive divorce document domain domestic dominant dough downtown dragon dramatic dream dress drift drink
drove drug dryer duckling duke duration dwarf dynamic early earth easel easy echo eclipse ecology edge editor educate
either elbow elder election elegant element elephant elevator elite else email emerald emission emperor emphasis
employer empty ending endless endorse enemy energy enforce engage enjoy enlarge entrance envelope envy epidemic
episode equation equip eraser erode escape estate estimate evaluate evening evidence evil evoke exact example exceed
exchange exclude excuse execute exercise exhaust exotic expand expect explain express extend extra eyebrow facility
fact failure faint fake false family famous fancy fangs fantasy fatal fatigue favorite fawn fiber fiction filter
finance findings finger firefly firm fiscal fishing fitness flame flash flavor flea flexible flip float floral fluff
focus forbid force forecast forget formal fortune forward founder fraction fragment frequent freshman friar fridge
friendly frost froth frozen fumes funding furl fused galaxy game garbage garden garlic gasoline gather general genius
genre genuine geology gesture glad glance glasses glen glimpse goat golden graduate grant grasp gravity gray greatest
grief grill grin grocery gross group grownup grumpy guard guest guilt guitar gums hairy hamster hand hanger harvest
have havoc hawk hazard headset health hearing heat helpful herald herd hesitate hobo holiday holy home hormone
hospital hour huge human humidity hunting husband hush husky hybrid idea identify idle image impact imply improve
impulse include income increase index indicate industry infant inform inherit injury inmate insect inside install
intend intimate invasion involve iris island isolate item ivory jacket jerky jewelry join judicial juice jump junction
junior junk jury justice kernel keyboard kidney kind kitchen knife knit laden ladle ladybug lair lamp language large
laser laundry lawsuit leader leaf learn leaves lecture legal legend legs lend length level liberty library license
lift likely lilac lily lips liquid listen literary living lizard loan lobe location losing loud loyalty luck lunar
lunch lungs luxury lying lyrics machine magazine maiden mailman main makeup making mama manager mandate mansion manual
marathon march market marvel mason material math maximum mayor meaning medal medical member memory mental merchant
merit method metric midst mild military mineral minister miracle mixed mixture mobile modern modify moisture moment
morning mortgage mother mountain mouse move much mule multiple muscle museum music mustang nail national necklace
negative nervous network news nuclear numb numerous nylon oasis obesity object observe obtain ocean often olympic omit
oral orange orbit order ordinary organize ounce oven overall owner paces pacific package paid painting pajamas pancake
pants papa paper parcel parking party patent patrol payment payroll peaceful peanut peasant pecan penalty pencil
percent perfect permit petition phantom pharmacy photo phrase physics pickup picture piece pile pink pipeline pistol
pitch plains plan plastic platform playoff pleasure plot plunge practice prayer preach predator pregnant premium
prepare presence prevent priest primary priority prisoner privacy prize problem process profile program promise
prospect provide prune public pulse pumps punish puny pupal purchase purple python quantity quarter quick quiet race
racism radar railroad rainbow raisin random ranked rapids raspy reaction realize rebound rebuild recall receiver
recover regret regular reject relate remember remind remove render repair repeat replace require rescue research
resident response result retailer retreat reunion revenue review reward rhyme rhythm rich rival river robin rocky
romantic romp roster round royal ruin ruler rumor sack safari salary salon salt satisfy satoshi saver says scandal
scared scatter scene scholar science scout scramble screw script scroll seafood season secret security segment senior
shadow shaft shame shaped sharp shelter sheriff short should shrimp sidewalk silent silver similar simple single
sister skin skunk slap slavery sled slice slim slow slush smart smear smell smirk smith smoking smug snake snapshot
sniff society software soldier solution soul source space spark speak species spelling spend spew spider spill spine
spirit spit spray sprinkle square squeeze stadium staff standard starting station stay steady step stick stilt story
strategy strike style subject submit sugar suitable sunlight superior surface surprise survive sweater swimming swing
switch symbolic sympathy syndrome system tackle tactics tadpole talent task taste taught taxi teacher teammate
teaspoon temple tenant tendency tension terminal testify texture thank that theater theory therapy thorn threaten
thumb thunder ticket tidy timber timely ting tofu together tolerate total toxic tracks traffic training transfer trash
traveler treat trend trial tricycle trip triumph trouble true trust twice twin type typical ugly ultimate umbrella
uncover undergo unfair unfold unhappy union universe unkind unknown unusual unwrap upgrade upstairs username usher
usual valid valuable vampire vanish various vegan velvet venture verdict verify very veteran vexed victim video view
vintage violence viral visitor visual vitamins vocal voice volume voter voting walnut warmth warn watch wavy wealthy
weapon webcam welcome welfare western width wildlife window wine wireless wisdom withdraw wits wolf woman work worthy
wrap wrist writing wrote year yelp yield yoga zero
""".split()
"""The word list of SLIP-39."""

NUMBER = {word: number for number, word in enumerate(WORDS)}

if __name__ == "__main__":
    sys.exit(main())
