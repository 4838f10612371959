"""The vault is gone, emptied or wiped where one was: nothing is set up anew over the rest, and `recover` works in place (scenario 46)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paraduxd.api.paths import StatePlaces
from paraduxd.effects.installation import remains
from tests.recover.recover_rig import recover, unlocked_config
from tests.rig import Installation, fill, minimal_answers, running


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family that has pushed, saved twice and written kits; its machine is off."""
    root = tmp_path_factory.mktemp("kept")
    with running(root) as paradux:
        fill(root / "source")
        paradux.setup(minimal_answers(root))
        paradux.ctl("backup")
        paradux.owner("create-steward-device", "--all", "--directory", str(root / "kits"))
        config = paradux.config()
        config["owner"]["phone"] = "+1 555 0100"
        paradux.edit(config)
        paradux.stop()
    return root


@pytest.fixture
def machine(kept: Path, tmp_path: Path) -> Iterator[Installation]:
    shutil.copytree(kept / "state", tmp_path / "machine" / "state")
    with running(tmp_path / "machine") as paradux:
        yield paradux


def kits(kept: Path) -> list[str]:
    return ["--kit", str(kept / "kits/alice"), "--kit", str(kept / "kits/bob")]


def gone(vault: Path) -> None:
    vault.unlink()


def gone_with_the_one_before(vault: Path) -> None:
    vault.unlink()
    vault.with_name("vault.luks.previous").unlink()


def emptied(vault: Path) -> None:
    vault.write_bytes(b"")


def wiped(vault: Path) -> None:
    with vault.open("r+b") as file:
        file.write(bytes(17 * 1024 * 1024))


LOSSES = (gone, gone_with_the_one_before, emptied, wiped)


def untouched(state: Path) -> dict[str, bytes]:
    """What setting up anew would replace."""
    files = [state / "plan.json", *state.glob("outbox/*"), *state.glob("transport/*"), *state.glob("vault.luks*")]
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.parametrize("lose", LOSSES)
def test_nothing_is_set_up_over_what_is_left(machine: Installation, lose: Callable[[Path], None]) -> None:
    lose(machine.state / "vault.luks")
    before = untouched(machine.state)
    refused = machine.setup(check=False)
    assert refused.returncode == 1
    assert "paraductl recover" in refused.stderr or "already" in refused.stderr
    assert untouched(machine.state) == before
    for command in (("show",), ("unlock",), ("edit", "--file", "/dev/null")):
        said = machine.owner(*command, check=False).stderr
        assert "the vault is missing or damaged: " in said and "paraductl recover" in said, said
        assert "setup" not in said and "set up" not in said, said
    assert untouched(machine.state) == before


@pytest.mark.parametrize("lose", LOSSES)
def test_recover_works_in_place(
    machine: Installation, kept: Path, lose: Callable[[Path], None], tmp_path: Path
) -> None:
    lose(machine.state / "vault.luks")
    left = (machine.state / "vault.luks").read_bytes() if (machine.state / "vault.luks").exists() else None
    report = recover(machine, *kits(kept))
    config = unlocked_config(machine)
    assert config is not None and config["owner"]["phone"] == "+1 555 0100", "the stashes have the newest"
    assert not report["alive"]
    aside = list(machine.state.glob("vault.luks.damaged-*"))
    assert [path.read_bytes() for path in aside] == ([] if left is None else [left])
    history = json.loads(machine.ctl("--json", "history").stdout)["runs"]
    assert any(run["step"] == "push" for run in history), "the journal is that of before"


def test_what_is_missing_is_named(machine: Installation) -> None:
    gone(machine.state / "vault.luks")
    refused = machine.setup(check=False)
    serial = json.loads((machine.state / "plan.json").read_text())["serial"]
    assert f"plan.json (serial {serial}), vault.luks.previous, outbox/, transport/" in refused.stderr
    previous, vault = machine.state / "vault.luks.previous", machine.state / "vault.luks"
    assert f"mv {previous} {vault}; or bring the config back from kits: paraductl recover" in refused.stderr


def test_what_was_set_up_by_mistake_is_no_dead_end(kept: Path, tmp_path: Path) -> None:
    with running(tmp_path / "other") as machine:
        fill(machine.root / "source")
        machine.setup()
        refused = recover(machine, *kits(kept), check=False)
        assert refused["error"]["code"] == "other-owner"
        assert f"mv {machine.state} {machine.state}.other" in refused["error"]["hint"]
        gone(machine.state / "vault.luks")
        assert recover(machine, *kits(kept), check=False)["error"]["code"] == "other-owner", "nor without its vault"
        machine.stop()
        machine.state.rename(machine.state.with_name("state.other"))
        machine.start()
        recover(machine, *kits(kept))
        assert unlocked_config(machine) is not None


@pytest.mark.parametrize(
    ("left", "named"),
    [
        ("plan.json", "plan.json"),
        ("vault.luks.previous", "vault.luks.previous"),
        ("vault.luks.aside", "vault.luks.aside"),
        ("outbox", "outbox/"),
        ("transport", "transport/"),
        ("save.pending", "save.pending"),
        ("journal.sqlite", "journal.sqlite with what ran"),
    ],
)
def test_each_remainder_alone_speaks_of_a_vault(kept: Path, tmp_path: Path, left: str, named: str) -> None:
    old, state = kept / "state" / left, StatePlaces(tmp_path / "state")
    state.directory.mkdir()
    if old.is_dir():
        shutil.copytree(old, state.directory / left)
    elif old.exists():
        shutil.copy(old, state.directory / left)
    else:
        (state.directory / left).write_text("4\n")
    (found,) = remains.found(state)
    assert found.startswith(named)
    missing = remains.missing_vault(state)
    assert missing is not None and missing.code == "vault-missing"


def test_a_fresh_directory_speaks_of_none(tmp_path: Path) -> None:
    with running(tmp_path / "fresh") as machine:
        assert remains.found(StatePlaces(machine.state)) == ()
        said = machine.owner("show", check=False).stderr
        assert "make one with: paraductl setup" in said


def test_a_plan_that_is_gone_is_made_anew_by_unlocking(machine: Installation) -> None:
    machine.stop()
    (machine.state / "plan.json").unlink()
    machine.start()
    refused = machine.ctl("backup", check=False)
    assert "the plan that the daemon runs by is gone" in refused.stderr and "paraductl unlock" in refused.stderr
    machine.owner("unlock", "--for", "60s")
    machine.ctl("backup")
