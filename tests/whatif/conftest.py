"""One Paradux for all tests of this folder, with a canary in everything secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Installation, Json, fill, minimal_answers, running

CANARY = "canary-7d2f-of-the-inventory"


@pytest.fixture(scope="package")
def paradux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    root = tmp_path_factory.mktemp("whatif")
    with running(root) as found:
        found.setup(answers(root))
        found.ctl("backup")
        yield found


def answers(root: Path) -> Json:
    """Photos at home and at a sister's, and two entries of the inventory."""
    fill(root / "photos")
    source = {"protocol": "disk", "url": f"file://{root}/photos", "fate": ["place:house"]}
    usb = {"id": "usb", "protocol": "disk", "url": f"file://{root}/usb", "fate": ["place:house"], "encryption": "gpg"}
    sister = {
        "id": "sister",
        "protocol": "disk",
        "url": f"file://{root}/sister",
        "fate": ["place:sister"],
        "fetch": "2d",
    }
    secret = {"url": f"https://{CANARY}.example", "username": CANARY, "password": CANARY, "notes": CANARY}
    return minimal_answers(
        root,
        owner={"name": "Fred Myself", "email": f"{CANARY}@example.org", "phone": CANARY, "fate": ["place:house"]},
        datasets=[{"id": "photos", "source": source, "destinations": [usb, sister]}],
        inventory=[
            {"id": "phone", "name": f"Phone {CANARY}", "fate": ["device:phone"]},
            {"id": "mail", "name": "Mail", "needs": [["phone"]], **secret},
        ],
        scenarios=[{"name": "fire", "lose": ["place:house"]}],
    )
