"""Make a golden archive of this version: `python -m tests.golden.make_archive FILE.tar.xz`.

`place/` is the place, as the engine wrote it: five runs, of which two are versions no more and one of these is gone. `machine/` is what the
machine remembers that wrote them, `keys.json` has all keys, `expected.json` what every version holds, by its id.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from dataclasses import asdict
from pathlib import Path

from paraduxd.core.plan.terms import Keep
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.protocols.archive.destination import ArchiveDestination, Keys, PrivateKey
from paraduxd.protocols.base import Context, PushRequest
from paraduxd.protocols.disk import DiskBlobs

PASSPHRASE = "5ec3e7" * 10
VOLUME = 1 << 14


def destination(folder: Path, keys: Keys) -> ArchiveDestination:
    """The archives in a folder that was made here."""
    machine = folder / "machine"
    context = Context("photos", "vault", lambda _: None, index=machine / "index", cache=machine / "cache")
    return ArchiveDestination(DiskBlobs(folder / "place"), keys, context, VOLUME)


def read_keys(folder: Path) -> Keys:
    """Those of a golden archive."""
    found = json.loads((folder / "keys.json").read_text())
    return Keys(**{**found, "private": PrivateKey(**found["private"])})


def request(day: int, *, suspect: bool = False) -> PushRequest:
    """A push on that day, of a directory that is always called the same."""
    now = f"2026-11-{day:02}T06:00:00Z"
    return PushRequest(Keep(last=3), now, prune=True, suspect=suspect, staging="photos")


def contents(folder: Path) -> dict[str, str]:
    """The files of a directory."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def _keys(folder: Path) -> Keys:
    with private_gpg(folder) as gpg:
        pair = gpg.generate("golden", PASSPHRASE)
    signing, private = archive_crypto.new_signing_key(), PrivateKey(pair.private_key, PASSPHRASE)
    return Keys(pair.fingerprint, pair.public_key, signing.public, signing.private, private)


def write(folder: Path) -> None:
    """All of it: a full run that goes later, a full run with two increments, and one more that builds on them."""
    keys, staging = _keys(folder), folder / "staging"
    (folder / "keys.json").write_text(json.dumps(asdict(keys), indent=2))
    (staging / "letters").mkdir(parents=True)
    (staging / "many").write_text("".join(f"{number * number}\n" for number in range(9000)))
    expected, place = {}, destination(folder, keys)
    for day in range(1, 6):
        (staging / "letters" / f"{day}.txt").write_text(f"written on day {day}\n")
        (staging / "letters" / f"{day - 2}.txt").unlink(missing_ok=True)
        pushed = place.push(staging, request(day, suspect=day == 2))
        expected[pushed.version.id] = contents(staging)
    listed = {version.id for version in pushed.versions}
    kept = {run: found for run, found in expected.items() if run in listed}
    (folder / "expected.json").write_text(json.dumps(kept))


def make(target: Path) -> None:
    """The archive `target`."""
    with tempfile.TemporaryDirectory(prefix="paradux-golden-") as name:
        folder = Path(name)
        write(folder)
        with tarfile.open(target, "w:xz") as archive:
            for inner in ("expected.json", "keys.json", "machine", "place"):
                archive.add(folder / inner, inner, filter=_nobodys)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    make(Path(sys.argv[1]))
