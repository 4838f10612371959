"""BY-HAND.txt: the way with common tools, in numbered steps. What concerns one protocol is told by the protocol (`protocols/by_hand`)."""

from __future__ import annotations

from collections.abc import Iterator
from string import Template

from paraduxd.keeper.kits.documents.kit_facts import Access, KitFacts
from paraduxd.keeper.kits.documents.share_text import one_line
from paraduxd.keeper.kits.documents.texts import read
from paraduxd.protocols import by_hand as told
from paraduxd.protocols import registry
from paraduxd.protocols.by_hand import ByHand, PublishedAt

_ORDINALS = (
    "FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH", "ELEVENTH", "TWELFTH",
    "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH",
)  # fmt: skip

_GPG = "gpg --batch --ignore-time-conflict --ignore-valid-from"
"""The clock of that computer may be wrong, and stand before the day on which the key was made."""

_OPEN = f"{_GPG} --pinentry-mode loopback --passphrase-fd 0 --output config.json --decrypt 1/config.gpg"

_UNKNOWN = (
    "It came as an addition to Paradux; what the place is, its address and its credentials in config.json must tell."
)


class _Text(Template):
    """`%{name}`: a dollar sign is the shell's here."""

    delimiter = "%"


def by_hand(facts: KitFacts) -> bytes:
    """The text, in English: it is for whoever knows computers best. The commands are for as many kits as are needed."""
    numbers = range(1, facts.threshold + 1)
    folders = " ".join(map(str, numbers))
    values = {
        "gpg": _GPG,
        "owner": one_line(facts.owner.name),
        "steward": one_line(facts.steward.name),
        "needed": str(facts.threshold),
        "holders": str(facts.issued),
        "epoch": str(facts.number),
        "day": facts.day,
        "fingerprint": facts.fingerprint,
        "copies": "\n".join(f'$ cp -r "{_ORDINALS[n - 1]}-STICK/PARADUX" {n}' for n in numbers),
        "checks": "\n".join(f"$ (cd {n} && sha256sum --quiet -c SHA256SUMS)" for n in numbers),
        "serials": "$ grep -H '\"serial\"' " + " ".join(f"{n}/kit.json" for n in numbers),
        "combine": f"$ python3 1/recover.py --secret-only {folders} | \\\n    {_OPEN}",
        "access": "\n\n".join("\n".join(_access(place, facts)) for place in facts.access)
        or "(none that a kit may name)",
        "program": "\n".join(told.lines(read("place.txt", told.__name__))),
        "data": "\n\n\n".join(_data(facts)) or "(The owner had no copies of data when this was written.)",
    }
    return _Text(read("by-hand.txt")).substitute(values).encode()


def _access(place: Access, facts: KitFacts) -> Iterator[str]:
    yield f"* {place.protocol}: {one_line(place.url, 2000)}"
    for name, value in (*place.settings, *place.credentials):
        if "\n" in value.strip():
            yield f"  {one_line(name)}: the next lines; save them as KEYFILE, that only you can read, without the blanks in front"
            yield from told.lines(value)
        else:
            yield f"  {one_line(name)}: {one_line(value, 2000)}"
    if published := _told_by(place.protocol).published:
        pins = {host: tuple(key for known, key in facts.host_keys if known == host) for host, _ in facts.host_keys}
        pattern = f"config-{facts.number}-*"
        yield from published(PublishedAt(place.url, pattern, dict(place.settings), dict(place.credentials), pins))


def _data(facts: KitFacts) -> Iterator[str]:
    """A paragraph for each form in which this owner keeps data, and no other."""
    plain = dict.fromkeys(protocol for protocol, is_archive in facts.destinations if not is_archive)
    archives = dict.fromkeys(protocol for protocol, is_archive in facts.destinations if is_archive)
    for protocol in plain:
        known = _told_by(protocol)
        yield _paragraph(f'"protocol": "{protocol}"', known.data, known.elsewhere)
    for protocol in archives:
        known = _told_by(protocol)
        yield _paragraph(f'"protocol": "{protocol}", with "encryption": "gpg"', known.archives, known.elsewhere)
    if archives:
        yield _Text(read("by-hand-archives.txt").rstrip()).substitute(gpg=_GPG)


def _paragraph(title: str, text: str, elsewhere: str) -> str:
    return "\n".join([title, "-" * len(title), text or _UNKNOWN, *(["", elsewhere] if elsewhere else [])])


def _told_by(protocol: str) -> ByHand:
    found = registry.load().get(protocol)
    return (found.by_hand if found else None) or ByHand()
