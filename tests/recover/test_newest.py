"""`recover` gives the newest that the material opens, or says first that something newer exists: scenario 38, on real daemons."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.recover.recover_rig import contents, put_back, recover
from tests.rig import Installation, fill, minimal_answers, running

Json = dict[str, Any]

STASHES = ("nas", "office")


@dataclass
class Life:
    """A family whose secret was replaced: three kits of epoch 1; two of epoch 2, cancelled; three of epoch 3, of which three are needed.

    `stages`: what the stashes held, and the serial, after the cancelled rotation and at the end.
    """

    root: Path
    serials: dict[str, int]

    def kits(self, epoch: int, *names: str) -> list[str]:
        """As options of `recover`."""
        return [word for name in names for word in ("--kit", str(self.root / f"kits-{epoch}" / name))]

    def at(self, stage: str) -> None:
        """The stashes as they were then."""
        for name in STASHES:
            put_back(self.root / stage / name, self.root / name)

    def without_stashes(self) -> None:
        for name in STASHES:
            shutil.rmtree(self.root / name, ignore_errors=True)


def changed(paradux: Installation, **owner: str) -> int:
    """One more serial."""
    config = paradux.config()
    config["owner"] |= owner
    paradux.edit(config)
    return int(paradux.config()["serial"])


def written(paradux: Installation, folder: Path, *who: str) -> None:
    """Kits of these stewards into `folder`/STEWARD."""
    for name in who:
        paradux.owner("create-steward-device", name, "--directory", str(folder / name))


def kept(paradux: Installation, root: Path, stage: str) -> int:
    """What the stashes hold now; gives the serial."""
    for name in STASHES:
        shutil.copytree(root / name, root / stage / name)
    return int(paradux.config()["serial"])


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    root = tmp_path_factory.mktemp("life")
    serials = {}
    with running(root) as paradux:
        fill(root / "source")
        paradux.setup(minimal_answers(root))
        written(paradux, root / "kits-1", "alice", "bob", "carol")
        paradux.owner("rotate")
        written(paradux, root / "kits-2", "alice", "bob")
        paradux.owner("rotate", "--cancel")
        changed(paradux, phone="+1 555 0100")
        serials["cancelled"] = kept(paradux, root, "cancelled")
        shutil.copytree(root / "state", root / "state-cancelled")
        config = paradux.config()
        config["policy"]["shares_required"] = 3
        paradux.edit(config)
        paradux.owner("rotate")
        written(paradux, root / "kits-3", "alice", "bob", "carol")
        changed(paradux, phone="+1 555 0200")
        assert paradux.config()["managed"]["recovery"]["epoch"] == 3
        serials["raised"] = kept(paradux, root, "raised")
        paradux.stop()
    shutil.move(root / "state", root / "state-raised")
    return Life(root, serials)


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "blank") as machine:
        yield machine


def test_kits_of_a_cancelled_rotation_give_the_newest_of_the_epoch_in_force(life: Life, blank: Installation) -> None:
    life.at("cancelled")
    report = recover(blank, *life.kits(2, "alice", "bob"))
    assert report["newer"] is None
    assert report["candidates"][0]["serial"] == life.serials["cancelled"]
    assert report["candidates"][0]["epoch"] == 1
    assert report["serial"] == life.serials["cancelled"] + 1


def test_kits_of_a_cancelled_rotation_alone_give_what_they_hold(life: Life, blank: Installation) -> None:
    life.without_stashes()
    report = recover(blank, *life.kits(2, "alice", "bob"))
    assert report["newer"] is None and report["candidates"][0]["serial"] < life.serials["cancelled"]


def test_shares_of_the_void_epoch_alone_open_the_epoch_in_force_by_what_their_config_holds(
    life: Life, blank: Installation, tmp_path: Path
) -> None:
    life.at("cancelled")
    for name in ("alice", "bob"):
        shutil.copytree(life.root / "kits-2" / name, tmp_path / name)
        shutil.rmtree(tmp_path / name / "PARADUX/previous")
    report = recover(blank, "--kit", str(tmp_path / "alice"), "--kit", str(tmp_path / "bob"))
    assert report["candidates"][0]["serial"] == life.serials["cancelled"]


def test_two_current_kits_of_which_three_are_needed_say_first_that_something_newer_exists(
    life: Life, blank: Installation
) -> None:
    """Their previous/ folders are enough for the epoch that has ended."""
    life.at("raised")
    refused = recover(blank, *life.kits(3, "alice", "bob"), check=False)
    assert (refused["code"], refused["error"]["code"]) == (1, "newer-exists")
    assert "of epoch 3" in refused["error"]["message"] and "nothing was changed" in refused["error"]["message"]
    assert "bring 1 more of the shares of epoch 3 (Carol could help)" in refused["error"]["hint"]
    assert "--accept-older" in refused["error"]["hint"]
    assert not (blank.state / "vault.luks").exists()
    report = recover(blank, *life.kits(3, "carol"))
    assert report["newer"] is None and report["epoch"] == 3


def test_where_no_stash_answers_two_of_them_give_what_they_hold_and_say_what_may_be(
    life: Life, blank: Installation
) -> None:
    """The config of the old epoch is the very one that lies there under the new one; nothing tells that the rotation was completed."""
    life.without_stashes()
    report = recover(blank, *life.kits(3, "alice", "bob"))
    assert report["newer"] is None and report["candidates"][0]["epoch"] == 1
    assert any("epoch 3: 2 of 3 shares, not used; if that epoch was in force" in note for note in report["notes"])


def test_the_older_one_is_taken_by_who_says_so(life: Life, blank: Installation) -> None:
    life.at("raised")
    report = recover(blank, "--accept-older", *life.kits(3, "alice", "bob"))
    assert report["newer"]["message"] in report["stderr"]
    assert report["candidates"][0]["epoch"] == 1
    managed = json.loads(
        blank.ctl("--json", "--passphrase-file", str(blank.root / "new-passphrase"), "show", "--secrets").stdout
    )["managed"]
    assert managed["highest_epoch"] == 3, "no number of an epoch is used twice"


def test_kits_of_an_ended_epoch_do_not_take_over_silently(life: Life, blank: Installation) -> None:
    life.at("raised")
    before = contents(life.root / "nas")
    refused = recover(blank, *life.kits(1, "alice", "bob"), check=False)
    assert (refused["code"], refused["error"]["code"]) == (1, "newer-exists")
    assert f"serial {life.serials['raised']} of epoch 3" in refused["error"]["message"]
    assert "bring kits of epoch 3" in refused["error"]["hint"]
    assert contents(life.root / "nas") == before


def test_a_newer_config_that_does_not_open_is_named(life: Life, blank: Installation) -> None:
    life.at("cancelled")
    newest = f"config-1-{life.serials['cancelled'] + 1}.gpg"
    for name in STASHES:
        (life.root / name / newest).write_bytes(b"half of what was sent")
    refused = recover(blank, *life.kits(1, "alice", "bob"), check=False)
    assert refused["error"]["code"] == "newer-exists"
    assert f"bring another copy of {newest}" in refused["error"]["hint"]
    report = recover(blank, "--accept-older")
    assert report["serial"] > life.serials["cancelled"] + 1


def test_words_of_the_epoch_in_force_open_what_only_the_stashes_have_the_key_for(
    life: Life, blank: Installation, tmp_path: Path
) -> None:
    """Kits of the ended epoch say where the stashes are; printed sheets of the present one open what lies there."""
    life.at("raised")
    for name in ("alice", "bob", "carol"):
        shutil.copy(life.root / "kits-3" / name / "PARADUX/share.txt", tmp_path / name)
    words = [word for name in ("alice", "bob", "carol") for word in ("--words", str(tmp_path / name))]
    report = recover(blank, *words, *life.kits(1, "alice", "bob"))
    assert report["newer"] is None
    assert report["candidates"][0]["serial"] == life.serials["raised"]


def test_a_machine_from_old_shares_does_not_stop_the_living_one(
    life: Life, blank: Installation, tmp_path: Path
) -> None:
    life.at("raised")
    taken = recover(blank, "--accept-older", *life.kits(1, "alice", "bob"))
    assert {run["state"] for run in taken["runs"]} == {"done"}
    theirs = (life.root / "nas/machine.asc").read_bytes()
    blank.stop()
    shutil.copytree(life.root / "state-raised", tmp_path / "living/state")
    with running(tmp_path / "living") as living:
        assert "old-shares-used" not in living.problem_codes()
        sent = json.loads(living.ctl("--json", "publish").stdout)
        assert {run["state"] for run in sent["runs"]} == {"done"}
        assert (life.root / "nas/machine.asc").read_bytes() != theirs, "it says again who it is"
        (told,) = [each for each in living.status()["problems"] if each["code"] == "old-shares-used"]
        assert told["level"] == "critical" and "switch the other off" in told["hint"]
        living.ctl("publish")
        assert "old-shares-used" not in living.problem_codes(), "the other one has not come again"
