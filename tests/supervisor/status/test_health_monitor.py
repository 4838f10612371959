"""Status looks at what the daemon stands on: whatever is missing there is named at once, never with the advice to set up anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.paths import RunPlaces, StatePlaces
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.vault import luks, luks_header
from paraduxd.supervisor.status.health_monitor import VAULT, HealthMonitor
from tests.rig import Installation, fill

pytestmark = pytest.mark.slow

Json = dict[str, Any]


@pytest.fixture(scope="module")
def paradux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that has published, pushed, and runs; locked."""
    made = Installation(tmp_path_factory.mktemp("health"))
    fill(made.root / "source")
    try:
        made.start()
        made.setup()
        made.ctl("backup")
        made.ctl("lock")
        yield made
    finally:
        if made.daemon is not None:
            made.daemon.kill()
            made.daemon.wait()


@pytest.fixture(autouse=True)
def whole(paradux: Installation) -> Iterator[None]:
    """What each test takes away is there again for the next one; the daemon runs all the time, unless a test ends it."""
    kept = paradux.root / "kept"
    shutil.copytree(paradux.state, kept)
    yield
    for name in ("vault.luks", "vault.luks.previous", "plan.json"):
        if (kept / name).exists():
            shutil.copy2(kept / name, paradux.state / name)
    for name in ("outbox", "transport"):
        shutil.copytree(kept / name, paradux.state / name, dirs_exist_ok=True)
    shutil.rmtree(kept)
    paradux.owner("unlock")
    paradux.ctl("lock")
    assert not INSTALLATION_CODES & paradux.problem_codes()


INSTALLATION_CODES = {
    "vault-missing",
    "vault-damaged",
    "vault-changed",
    "plan-unreadable",
    "journal-lost",
    "state-not-writable",
    "run-not-writable",
    "transport-missing",
    "outbox-incomplete",
}

LOSSES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


def _wipe_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(32768))


def _problem(document: Json, code: str) -> Json:
    (found,) = [problem for problem in document["problems"] if problem["code"] == code]
    assert "set up" not in found["text"] + found["hint"] and "paraductl setup" not in found["hint"]
    return dict(found)


def _restores(paradux: Installation, *options: str) -> bool:
    """Reading back works."""
    to = paradux.root / "restored"
    shutil.rmtree(to, ignore_errors=True)
    paradux.ctl("versions", "home")
    paradux.ctl("restore", "home", "--to", str(to), *options)
    return sorted(path.name for path in to.rglob("file-*")) == sorted(
        path.name for path in (paradux.root / "source").iterdir()
    )


@pytest.mark.parametrize("loss", [*LOSSES, "header wiped"])
def test_the_vault(paradux: Installation, loss: str) -> None:
    kept = {path.name: path.read_bytes() for path in (paradux.state / "outbox").iterdir()}
    {**LOSSES, "header wiped": _wipe_header}[loss](paradux.state / "vault.luks")
    document = paradux.status()
    code = "vault-missing" if loss == "deleted" else "vault-damaged"
    assert (document["level"], _problem(document, code)["level"]) == ("critical", "critical")
    assert document["headline"].startswith("Recoverable: no: the vault")
    assert paradux.ctl("status", check=False).returncode == 20
    shown = paradux.owner("show", check=False)
    assert shown.returncode == 1 and "setup" not in shown.stderr
    refused = paradux.setup(check=False)
    assert refused.returncode == 1 and ("vault is missing" in refused.stderr or "config already" in refused.stderr)
    assert {path.name: path.read_bytes() for path in (paradux.state / "outbox").iterdir()} == kept
    assert _restores(paradux) and _restores(paradux, "--from", "mirror")


def test_setup_does_not_take_the_place_of_a_vault_without_predecessor(paradux: Installation) -> None:
    for path in paradux.state.glob("vault.luks*"):
        path.unlink()
    plan = (paradux.state / "plan.json").read_bytes()
    refused = paradux.setup(check=False)
    assert refused.returncode == 1 and "recover" in refused.stderr
    assert (paradux.state / "plan.json").read_bytes() == plan
    assert "recover" in _problem(paradux.status(), "vault-missing")["hint"]


def test_another_vault_in_its_place_is_noticed_until_it_is_opened(paradux: Installation) -> None:
    vault = paradux.state / "vault.luks"
    with vault.open("r+b") as file:
        file.seek(-4096, 2)
        file.write(b"\xa5" * 16)
    assert _problem(paradux.status(), "vault-changed")["level"] == "critical"


def test_another_vault_in_place_of_the_open_one_does_not_count_as_opened(paradux: Installation) -> None:
    paradux.owner("unlock")
    vault = paradux.state / "vault.luks"
    with vault.open("r+b") as file:
        file.seek(-4096, 2)
        file.write(b"\xa5" * 16)
    paradux.ctl("lock")
    assert _problem(paradux.status(), "vault-changed")["level"] == "critical"


@pytest.mark.parametrize("change", ["another file", "a damaged header"])
def test_what_is_expected_is_never_told_by_a_file_that_does_not_fit(tmp_path: Path, change: str) -> None:
    state = StatePlaces(tmp_path)
    luks.format_container(state.vault, b"a passphrase", b"ab" * 32, luks.wanted_cost(luks.Kdf.WEAK))
    journal = Journal(state.journal, datetime.now(UTC))
    monitor = HealthMonitor(state, RunPlaces(tmp_path / "run"), journal)
    opened = luks_header.signature(state.vault)
    monitor.take_vault(opened)
    known = journal.fact(VAULT)
    _wipe_header(state.vault)
    monitor.take_vault(opened if change == "another file" else luks_header.signature(state.vault))
    assert known and journal.fact(VAULT) == known


def _newer(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2}))


@pytest.mark.parametrize("loss", [*LOSSES, "newer"])
@pytest.mark.parametrize("when", ["while it runs", "before it starts"])
def test_the_plan(paradux: Installation, loss: str, when: str) -> None:
    if when == "before it starts":
        paradux.stop()
    {**LOSSES, "newer": _newer}[loss](paradux.state / "plan.json")
    if when == "before it starts":
        paradux.start()
    document = paradux.status()
    assert (document["level"], _problem(document, "plan-unreadable")["level"]) == ("critical", "critical")
    assert "not-set-up" not in {problem["code"] for problem in document["problems"]}
    if when == "while it runs":
        assert _restores(paradux)
    else:
        refused = paradux.ctl("versions", "home", check=False)
        assert refused.returncode == 1 and "plan" in refused.stderr and "setup" not in refused.stderr
    paradux.owner("unlock")
    assert not INSTALLATION_CODES & paradux.problem_codes()
    assert _restores(paradux)


@pytest.mark.parametrize("loss", LOSSES)
def test_transport_files(paradux: Installation, loss: str) -> None:
    paradux.stop()
    (name,) = [
        path
        for path in (paradux.state / "transport").iterdir()
        if "mirror" in path.read_text() and "nas" not in path.read_text()
    ]
    LOSSES[loss](name)
    paradux.start()
    paradux.wait_for(lambda: "transport-missing" in paradux.problem_codes(), "status to name it")
    assert "home/mirror" in _problem(paradux.status(), "transport-missing")["text"]
    paradux.owner("unlock")
    paradux.stop()
    paradux.start()
    assert "transport-missing" not in paradux.problem_codes()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("which", ["machine.asc", "config-*", "recovery-key-*"])
def test_the_outbox(paradux: Installation, loss: str, which: str) -> None:
    (path,) = (paradux.state / "outbox").glob(which)
    paradux.wait_for(lambda: not paradux.status()["running"], "the end of what the last test has published")
    published = [paradux.root / stash / path.name for stash in ("nas", "office")]
    before = [each.read_bytes() for each in published]
    LOSSES[loss](path)
    found = _problem(paradux.status(), "outbox-incomplete")
    assert found["level"] == "warning" and path.name in found["text"]
    if loss != "deleted":
        failed = paradux.ctl("publish", check=False)
        assert failed.returncode == 1, "nothing that is empty is published over what is there"
        assert [each.read_bytes() for each in published] == before
    paradux.owner("unlock")
    assert "outbox-incomplete" not in paradux.problem_codes()
    assert path.read_bytes()
