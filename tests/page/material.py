"""What the browsers are given: whole, rotten, altered, forged and foreign kits, sheets as pictures, and what must come out."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.kits.forger import graft
from tests.kits.kit_rig import MEMORY, Family, new_family, new_managed, published_family, write_kit
from tests.page.data import archive_keys, make_data, repository_key
from tests.protocols.restic.rig import SECRET
from tests.shares.vector_confirmations import Whole, code
from tests.shares.vector_stories import forged

STEWARDS = ("alice", "boeb", "carol", "dave", "erin")

Kit = dict[str, bytes]


def make_material(folder: Path) -> None:
    """Write all of it below `folder`."""
    data = folder / "data"
    make_data(data)
    family = _family_with_data(data)
    kits = {steward: family.kit(steward) for steward in STEWARDS}
    for steward, files in {**kits, **_bad_kits(family, kits)}.items():
        write_kit(files, folder / "kits" / steward)
    rotated = _rotated(family)
    for steward in ("alice", "boeb", "carol"):
        write_kit(rotated.kit(steward), folder / "kits" / f"{steward}-of-the-next-set")
    newer = published_family({**family.document, "serial": 9}, date="2026-11-25T10:00:00Z")
    _write(folder / "published/config-1-9.gpg", newer.config_gpg)
    _write(folder / "nothing/readme.md", b"nothing of a kit")
    sheet = folder / "kits/dave/PARADUX/sheet.pdf"
    _picture(sheet, folder / "sheet-dave")
    _picture(sheet, folder / "blank", "-x", "0", "-y", "0", "-W", "300", "-H", "60")
    _film(sheet, folder / "camera.y4m")
    (folder / "expected.json").write_text(json.dumps(_expected(family, kits["alice"])))


def _family_with_data(data: Path) -> Family:
    """A family whose config opens what `make_data` has written."""
    document = new_family().document
    drawer = {"id": "drawer", "protocol": "disk", "url": "file:///mnt/drawer/archive", "encryption": "gpg"}
    document["datasets"][0]["destinations"].append(drawer)
    repository = {"name": "photos/shelf", "password": SECRET, "repository": repository_key(data)}
    document["managed"]["data_keys"].update({**archive_keys(), "12" * 16: repository})
    return published_family(document)


def _rotated(family: Family) -> Family:
    """The same owner after a rotation: the kits of before are void."""
    managed = family.document["managed"]
    made = new_managed(family.document, MEMORY)
    made["recovery"].update(epoch=2, created="2026-11-25T10:00:00Z")
    same = {name: managed[name] for name in ("owner_id", "instance", "data_keys")}
    return published_family({**family.document, "managed": {**made, **same, "highest_epoch": 2}})


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)


def _bad_kits(family: Family, kits: dict[str, Kit]) -> dict[str, Kit]:
    alice, erin = kits["alice"], kits["erin"]
    rotten = {**alice, "BY-HAND.txt": alice["BY-HAND.txt"] + b"x", "config.gpg": alice["config.gpg"][:-1]}
    del rotten["sheet.pdf"]
    forgery = graft(family)
    copies = ("share.txt", "copies/share-2.txt", "copies/share-3.txt")
    stranger = new_family(owner={"name": "Somebody <b>Else</b>", "email": "x@example.org"})
    return {
        "enemy": {**alice, "kit.json": _of_an_enemy(alice["kit.json"])},
        "rotten": rotten,
        "forged": {**alice, "config.gpg": forgery.message, "recovery-key.asc": forgery.key},
        "stranger": stranger.kit("carol"),
        "altered": {**erin, **dict.fromkeys(copies, forged(_words(family, "erin")).encode())},
    }


def _of_an_enemy(manifest: bytes) -> bytes:
    """Somebody who can write to a stick: nothing of what it says is signed."""
    kit = json.loads(manifest)
    kit["owner"]["name"] = "<img src=x onerror=alert(1)>\u202egnp.exe\u0007"
    for number, steward in enumerate(kit["stewards"]):
        steward["phone"] = ("javascript:alert(1)", "+1 555;phone-context=x", "tel:+1")[number % 3]
        steward["email"] = ("javascript:alert(1)//a@b", "a@b?body=x", 'a@b"onclick=x', "=HYPERLINK(1)@b")[number % 4]
    kit["__proto__"] = {"epoch": 9}
    return json.dumps(kit).encode()


def _words(family: Family, steward: str) -> str:
    shares = family.document["managed"]["shares"]
    return str(shares["words"][shares["issued"][steward]])


def _picture(sheet: Path, picture: Path, *part: str) -> None:
    command = ["pdftoppm", "-r", "150", "-png", "-singlefile", *part, str(sheet), str(picture)]
    subprocess.run(command, check=True, capture_output=True)


def _film(sheet: Path, film: Path) -> None:
    """A sheet before a camera: YUV4MPEG2, a few pictures, grey."""
    command = ["pdftoppm", "-r", "110", "-gray", "-singlefile", str(sheet)]
    picture = subprocess.run(command, check=True, capture_output=True).stdout
    _, size, _, content = picture.split(b"\n", 3)
    width, height = (int(number) // 2 * 2 for number in size.split())
    stride = int(size.split()[0])
    grey = b"".join(content[line * stride : line * stride + width] for line in range(height))
    frame = b"FRAME\n" + grey + b"\x80" * (width * height // 2)
    film.write_bytes(b"YUV4MPEG2 W%d H%d F5:1 Ip A1:1 C420\n" % (width, height) + frame * 2)


def _expected(family: Family, alice: Kit) -> dict[str, Any]:
    words = _words(family, "alice")
    managed = family.document["managed"]
    whole = Whole(managed["owner_id"], managed["recovery"]["epoch"], alice["kit.json"])
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=later)).isoformat() for later in (0, 1)]  # it may be midnight
    return {
        "password": family.document["inventory"][0]["password"],
        "envelope": family.envelope.decode(),
        "words": {steward: _words(family, steward) for steward in STEWARDS},
        "codes": {
            f"{kind} {day} {challenge}": code(words, 0, day, kind, challenge, whole if kind == "whole" else None)
            for kind in ("whole", "share")
            for day in days
            for challenge in ("", "042195")
        },
    }
