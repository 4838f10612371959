"""What earlier versions gave away is recovered by this one, and by its own means, on every route that there is."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.process import run
from paraduxd.effects.vault.vault import LockedVault
from paraduxd.keeper.recovery.opening import open_configs
from paraduxd.keeper.recovery.share_proof import prove
from paraduxd.shares.collection import Material, ShareCollection
from paraduxd.shares.kit_folder import material_from_directory
from tests.clocks import BEFORE, LATER, gpg_at
from tests.kits.kit_rig import MEMORY
from tests.kits.stranger import Stranger, new_stranger
from tests.kits.test_by_hand import at_the_sticks, commands, follow
from tests.recover.recover_rig import recover, same_but_for_the_machine, unlocked_config
from tests.rig import Installation, running

Json = dict[str, Any]

HERE = Path(__file__).parent
FAMILIES = sorted(path.parent for path in HERE.glob("*/*/expected.json"))
GPG = "gpg --batch --ignore-time-conflict --ignore-valid-from"
"""How BY-HAND.txt calls it since 0.2.0; kits of before cannot be opened by hand on a machine with such a clock."""

TODAYS_PROGRAM = HERE.parent.parent / "paraduxd/keeper/kits/documents/data/recover.py"


@dataclass(frozen=True)
class Golden:
    """One family and what must come out."""

    folder: Path

    @property
    def expected(self) -> Json:
        found: Json = json.loads((self.folder / "expected.json").read_text())
        return found

    @property
    def config(self) -> Json:
        """What the first epoch opens, which every golden family has."""
        found: Json = self.expected["epochs"]["1"]["config"]
        return found

    @property
    def threshold(self) -> int:
        return int(self.config["policy"]["shares_required"])

    @property
    def stewards(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "kits").iterdir())

    def stick(self, steward: str) -> Path:
        return self.folder / "kits" / steward

    def quorums(self) -> list[tuple[str, ...]]:
        """Every smallest group that must be able to recover."""
        return list(itertools.combinations(self.stewards, self.threshold))

    def published(self, epoch: int) -> list[Path]:
        """The key and the newest config of an epoch, at a metadata stash."""
        folder = self.folder / "published"
        newest = folder / f"config-{epoch}-{self.config['serial']}.gpg"
        return [folder / f"recovery-key-{epoch}.asc", newest]


@pytest.fixture(params=FAMILIES, ids=lambda path: f"{path.parent.name}-{path.name}")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return new_stranger(tmp_path)


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "blank") as machine:
        yield machine


def secrets_of(session: ShareCollection) -> dict[int, str]:
    """The secret of each epoch that these shares are enough for."""
    return {share_set.epoch: raw.hex() for share_set, raw in session.candidates()}


def test_there_are_some() -> None:
    assert [path.name for path in FAMILIES if path.parent.name == "0.1.0"] == ["rotation", "whole"]


def test_every_quorum_gives_the_secret_and_opens_what_its_kits_hold(golden: Golden) -> None:
    for quorum in golden.quorums():
        session = ShareCollection.empty()
        for steward in quorum:
            for material in material_from_directory(golden.stick(steward), steward):
                session = session.add(material)
        secrets = secrets_of(session)
        assert secrets and all(golden.expected["epochs"][str(epoch)]["secret"] == it for epoch, it in secrets.items())
        keys = [key.decode() for _, key in session.keys]
        opened = [open_configs(session.configs, keys, secret, MEMORY)[0] for secret in secrets.values()]
        assert any(opened)
        assert {each.header.owner for found in opened for each in found} == {golden.config["managed"]["owner_id"]}


def test_one_too_few_gives_nothing(golden: Golden) -> None:
    for few in itertools.combinations(golden.stewards, golden.threshold - 1):
        session = ShareCollection.empty()
        for steward in few:
            for material in material_from_directory(golden.stick(steward), steward):
                session = session.add(material)
        assert not secrets_of(session)


def test_what_was_published_opens_with_gpg_and_the_secret(golden: Golden) -> None:
    for epoch, expected in golden.expected["epochs"].items():
        key, config = golden.published(int(epoch))
        with private_gpg(MEMORY) as gpg:
            fingerprint = gpg.import_key(key.read_text())
            text = gpg.decrypt_signed(config.read_bytes(), fingerprint, expected["secret"])
        assert json.loads(text)["config"] == expected["config"]


def test_printed_sheets_alone_give_the_secret(golden: Golden, tmp_path: Path) -> None:
    by_code, by_eye = ShareCollection.empty(), ShareCollection.empty()
    for steward in golden.stewards:
        sheet = golden.stick(steward) / "PARADUX/sheet.pdf"
        printed(["pdftoppm", "-r", "150", "-gray", "-png", str(sheet), str(tmp_path / steward)])
        (page,) = tmp_path.glob(f"{steward}*.png")
        code = printed(["zbarimg", "--quiet", "--raw", "--nodbus", str(page)])
        read = dict(re.findall(r"\b(\d{1,2})\. +([a-z]+)\b", printed(["pdftotext", "-layout", str(sheet), "-"])))
        words = " ".join(read[str(number)] for number in range(1, 34))
        assert words == code.strip().lower()
        by_code = by_code.add(Material(steward, share_text=code))
        by_eye = by_eye.add(Material(steward, share_text=words))
    secrets = {each["secret"] for each in golden.expected["epochs"].values()}
    for session in (by_code, by_eye):
        found = [raw.hex() for _, raw in session.candidates()]
        assert found and set(found) <= secrets


def printed(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("todays", [False, True], ids=["the kit's own program", "today's program"])
def test_recover_py(golden: Golden, stranger: Stranger, todays: bool) -> None:
    for quorum in golden.quorums():
        sticks = [golden.stick(steward) for steward in quorum]
        program = TODAYS_PROGRAM if todays else sticks[0] / "PARADUX/recover.py"
        published = golden.published(1)
        done = stranger.recover(program, "--print", *sticks, published[1])
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["config"]["inventory"] == golden.config["inventory"]
        if len(golden.expected["epochs"]) == 1:
            assert json.loads(done.stdout)["config"] == golden.config, "what was published since is newer"


def test_by_hand(golden: Golden, stranger: Stranger) -> None:
    """As BY-HAND.txt of the kit says, with as many sticks as it asks for.

    0.1.0 says `rm -r` at the very end, which may complain that gpg's agent was faster to remove its sockets: later ones say `rm -rf`.
    """
    sticks = [golden.stick(steward) for steward in ("dietrich", "carol")]
    text = (sticks[0] / "PARADUX/BY-HAND.txt").read_text()
    script = at_the_sticks(commands(text), sticks).replace("python3 ", "python3 -I ").replace("rm -r ", "rm -rf ")
    done = follow(stranger, script)
    assert done.returncode == 0, done.stderr
    found = json.loads((stranger.desk / "paradux-recovery/config.json").read_text())["config"]
    assert found["inventory"] == golden.config["inventory"]


@pytest.mark.parametrize("clock", [BEFORE, LATER])
def test_whatever_the_clock_says_todays_program_opens_them(golden: Golden, stranger: Stranger, clock: str) -> None:
    wrong = replace(stranger, tools=gpg_at(clock, stranger.desk.parent / "tools"))
    done = wrong.recover(TODAYS_PROGRAM, "--print", golden.stick("dietrich"), golden.stick("carol"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["config"]["inventory"] == golden.config["inventory"]


@pytest.mark.parametrize("clock", [BEFORE, LATER])
def test_whatever_the_clock_says_recover_opens_them(
    golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    monkeypatch.setattr(run, "PATH", f"{gpg_at(clock, tmp_path / 'tools')}:{run.PATH}")
    session = ShareCollection.empty()
    for steward in ("dietrich", "carol"):
        for material in material_from_directory(golden.stick(steward), steward):
            session = session.add(material)
    proof = prove(session, LockedVault(tmp_path / "vault.luks"), MEMORY)
    assert proof.found[0].document["inventory"] == golden.config["inventory"]


@pytest.mark.parametrize("clock", [BEFORE, LATER])
def test_by_hand_whatever_the_clock_says(golden: Golden, stranger: Stranger, clock: str) -> None:
    """The commands of today's BY-HAND.txt on yesterday's kits; their number is the same."""
    sticks = [golden.stick(steward) for steward in ("dietrich", "carol")]
    text = (sticks[0] / "PARADUX/BY-HAND.txt").read_text().replace("1/recover.py", str(TODAYS_PROGRAM))
    todays = text.replace("gpg --batch", GPG).replace('rm -r "', 'rm -rf "')  # gpg-agent removes its sockets meanwhile
    wrong = replace(stranger, tools=gpg_at(clock, stranger.desk.parent / "tools"))
    script = at_the_sticks(commands(todays), sticks).replace("python3 ", "python3 -I ")
    done = follow(wrong, script)
    assert done.returncode == 0, done.stderr
    assert "Good signature" in done.stderr


@pytest.mark.slow
def test_a_blank_machine_recovers_from_kits_and_what_was_published(golden: Golden, blank: Installation) -> None:
    kits = [word for steward in ("dietrich", "alice") for word in ("--kit", str(golden.stick(steward) / "PARADUX"))]
    _, newest = golden.published(1)
    recover(blank, *kits, "--config", str(newest))
    config = unlocked_config(blank)
    assert config is not None
    assert same_but_for_the_machine(config, golden.config)


@pytest.mark.slow
def test_a_blank_machine_recovers_from_words_and_what_was_published(golden: Golden, blank: Installation) -> None:
    words = golden.expected["epochs"]["1"]["words"]
    recover(blank, "--words", "-", text=words["carol"], check=False)
    key, newest = golden.published(1)
    recover(blank, "--words", "-", "--config", str(key), "--config", str(newest), text=words["dietrich"])
    config = unlocked_config(blank)
    assert config is not None
    assert same_but_for_the_machine(config, golden.config)
