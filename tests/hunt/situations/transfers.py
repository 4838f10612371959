"""Every place once: a worker is stopped at the door of its server, and its memory is searched for the secrets of others."""

from __future__ import annotations

from functools import partial

from tests.hunt.house import House
from tests.hunt.situations import SITUATIONS, Situation, situation

DESTINATIONS = (
    "sftp", "sftp-password", "ftp", "ftps", "s3", "s3-session", "webdav", "oauth", "rsync", "restic-sftp", "rest", "restic-s3",
)  # fmt: skip
LOCAL = ("archive", "restic", "mirror")


def push(house: House, destination: str) -> None:
    """Push, and look into the worker while it waits for the server, and into what it has started."""
    house.touch_source()
    words = ("backup", "docs", "--destination", destination, "--push-only")
    held_at_the_door(house, destination, f"dataset.docs.{destination}.json", *words)


def held_at_the_door(house: House, gate: str, transport: str, *words: str) -> None:
    """Run a command; the worker that comes to the gate with this transport file waits until it was searched."""
    with house.servers.gates[gate].held() as waiting:
        client = house.client(*words)
        assert waiting.wait(60), f"nobody came to {gate}"
        found: set[str] = set()
        for pid in house.workers():
            found |= house.look_into(pid, f"worker of {house.transport_of(pid)}")
        assert found, f"the worker of {transport} has nothing of its own: the hunter looked too early"
    house.finish(client)
    house.idle()


SITUATIONS += [Situation(f"push to {name}", partial(push, destination=name)) for name in DESTINATIONS]


@situation("pushes on this machine")
def local(house: House) -> None:
    house.touch_source()
    for name in LOCAL:
        house.paradux.ctl("backup", "docs", "--destination", name)


@situation("pull over ssh")
def pull_ssh(house: House) -> None:
    held_at_the_door(house, "source", "dataset.mail.source.json", "backup", "mail", "--pull-only")


@situation("pull over WebDAV")
def pull_webdav(house: House) -> None:
    held_at_the_door(house, "webdav-source", "dataset.cloud.source.json", "backup", "cloud", "--pull-only")


@situation("publish")
def publish(house: House) -> None:
    held_at_the_door(house, "config", "metadata.friend.json", "publish")


@situation("verify")
def verify(house: House) -> None:
    house.paradux.ctl("verify", "docs", check=False)
    house.paradux.owner("verify", "mail", "--deep", check=False)
    house.locked()


@situation("restore an archive")
def restore_archive(house: House) -> None:
    for name in ("archive", "sftp", "ftps"):
        house.paradux.ctl("backup", "docs", "--destination", name)
        house.paradux.owner("restore", "docs", "--to", str(house.fresh(f"back-{name}")), "--from", name)
    house.locked()


@situation("restore all")
def restore_all(house: House) -> None:
    house.paradux.owner("restore", "--all", "--to", str(house.fresh("everything")), check=False)
    house.locked()


@situation("drill")
def drill(house: House) -> None:
    house.paradux.ctl("backup", check=False)
    house.paradux.owner("drill", "--scratch", str(house.fresh("scratch")), check=False)
    house.locked()


@situation("approve and prune")
def approve(house: House) -> None:
    source = house.root / "source"
    source.rename(house.root / "away")
    house.paradux.ctl("backup", "docs", "--pull-only", check=False)
    (house.root / "away").rename(source)
    house.paradux.owner("approve", "docs", check=False)
    house.paradux.owner("prune", "docs", "--destination", "sftp", check=False)
    house.locked()
