"""The snapshot of LVM that docs/how-to/hooks.md describes, as it stands there, with the units that make it and those of transfers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import states
from tests.system.guest import Guest
from tests.system.guest_image import CHECKOUT
from tests.system.house import House

PAGE = (CHECKOUT / "docs/how-to/hooks.md").read_text()

VOLUME = """
truncate -s 400M /var/lvm.img
pvcreate -q $(losetup --find --show /var/lvm.img)
vgcreate -q vg $(losetup --noheadings --output NAME --associated /var/lvm.img)
lvcreate -q --yes --size 100M --name photos vg
mke2fs -q /dev/vg/photos
mkdir -p /srv/photos /srv/.snapshots/photos
mount /dev/vg/photos /srv/photos
echo dear >/srv/photos/letter
install -d -m 700 /var/lib/snapshots/photos
"""


def block(after: str) -> str:
    """The first program or unit behind some words of the guide."""
    found = re.search(r"```\w+\n(.*?)```", PAGE.partition(after)[2], re.DOTALL)
    assert found
    return found[1]


def snapshot() -> str:
    """The program for btrfs, with what is for LVM in it."""
    program, change = block("snapshot-photos`, for btrfs:"), block("For LVM, `change` is this")
    start, end = program.index("change() {"), program.index("}\n", program.index("change() {")) + 2
    return program[:start] + change.replace("--size 5G", "--size 100M") + program[end:]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A house that is set up, on a guest with LVM. Nobody else needs one, so it is not frozen."""
    with Guest(states.image("lvm2"), tmp_path / "guest") as guest:
        guest.boot()
        home = House(guest)
        home.install(tmp_path / "package")
        home.setup()
        home.owner("unlock")
        yield home


@pytest.mark.slow
def test_what_is_pulled_is_the_snapshot(home: House) -> None:
    guest = home.guest
    guest.run(VOLUME, timeout=300)
    guest.put("/etc/paradux/hooks.d/snapshot-photos", block("`/etc/paradux/hooks.d/snapshot-photos`").encode(), 0o755)
    guest.put("/usr/local/sbin/snapshot-photos", snapshot().encode(), 0o755)
    for unit in ("snapshot-photos.path", "snapshot-photos.service"):
        guest.put(f"/etc/systemd/system/{unit}", block(f"/etc/systemd/system/{unit}`").encode())
    guest.run("systemctl daemon-reload; systemctl enable --now snapshot-photos.path", timeout=120)
    source = {"protocol": "disk", "url": "file:///srv/.snapshots/photos", "every": "1d", "fate": ["place:house"]}
    hooks = {"before": "snapshot-photos", "after": "snapshot-photos", "hooks_within": "10m"}
    mirror = {"id": "copy", "protocol": "disk", "url": "file:///srv/copies", "fate": ["place:bank"]}
    photos = {"id": "photos", "source": {**source, **hooks}, "staging": "/srv/staged", "destinations": [mirror]}
    before = home.traces()
    home.edit(datasets=[*home.config()["datasets"], photos])
    for letter in ("dear", "dearest"):
        guest.run(f"echo {letter} >/srv/photos/letter")
        home.ctl("backup", "photos", timeout=600)
        assert guest.run("cat /srv/copies/current/letter").out.strip() == letter
    home.wait_for_traces(before)
    guest.run("umount /srv/photos; lvrename -q vg photos gone", timeout=120)
    failed = home.ctl("backup", "photos", check=False, timeout=600)
    assert failed.code and "the hook snapshot-photos ended with exit code 1" in failed.err
    assert guest.run("cat /srv/copies/current/letter").out.strip() == "dearest"
