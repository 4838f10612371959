"""`paraductl stewards --ask` and `--confirm` with a real daemon: a steward looks at a kit at home and reads out twelve digits."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paraduxd.core.recovery.confirmation import TRIES, Said, check_digit, code_of, key_of
from paraduxd.shares.words import parse_words
from tests.rig import Installation, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def paradux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("confirm")) as installation:
        installation.setup()
        installation.owner("create-steward-device", "alice", "--directory", str(installation.root / "alice"))
        yield installation


def read_out(paradux: Installation, kind: str, *, days_ago: int = 0, challenge: str = "") -> str:
    """What the page would show to whoever has Alice's kit, and nothing else."""
    kit = paradux.root / "alice" / "PARADUX"
    manifest = (kit / "kit.json").read_bytes()
    told = json.loads(manifest)
    words = " ".join(parse_words((kit / "share.txt").read_text()))
    said = Said(
        (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%d"),
        kind,
        told["share"]["index"],
        told["epoch"],
        hashlib.sha256(manifest).hexdigest(),
        challenge,
    )
    return code_of(key_of(words), told["owner"]["id"], said)


def confirm(paradux: Installation, code: str) -> tuple[int, dict[str, object]]:
    done = paradux.ctl("--json", "stewards", "--confirm", code, check=False)
    return done.returncode, json.loads(done.stdout or done.stderr)


def test_a_code_is_taken_once_a_steward_is_asked_and_guesses_are_few(paradux: Installation) -> None:
    old = read_out(paradux, "words", days_ago=3)
    spoken = " ".join(old[start : start + 3] for start in range(0, 12, 3))
    said = paradux.ctl("stewards", "--confirm", *spoken.split()).stdout
    assert "Alice" in said and "words of the printed sheet" in said and "Nothing was asked" in said
    again = paradux.ctl("stewards", "--confirm", old, check=False)
    assert again.returncode == 1 and "taken before" in again.stderr
    mistyped = paradux.ctl("stewards", "--confirm", old[:-1] + str((int(old[-1]) + 1) % 10), check=False)
    assert mistyped.returncode == 1 and "mistyped" in mistyped.stderr and old not in mistyped.stderr

    asked = json.loads(paradux.ctl("--json", "stewards", "--ask", "ALICE").stdout)
    answer = read_out(paradux, "whole", challenge=asked["challenge"])
    code, reply = confirm(paradux, answer)
    assert code == 0 and (reply["steward"], reply["kind"], reply["asked"]) == ("alice", "whole", True)
    (alice, *_) = [each for each in paradux.status()["stewards"] if each["id"] == "alice"]
    assert alice["seen_by_code"]["asked"] and alice["seen_by_code"]["kind"] == "whole"
    assert alice["last_seen"] < alice["seen_by_code"]["heard"], "what was seen here is another thing"
    assert "by code" in paradux.ctl("status", check=False).stdout + paradux.ctl("stewards").stdout

    for number in range(TRIES):
        guess = f"{number:011}"
        done = paradux.ctl("stewards", "--confirm", guess + check_digit(guess), check=False)
        assert done.returncode == 1 and "none of your kits" in done.stderr
        if number == TRIES // 2:
            paradux.stop(signal.SIGKILL)
            paradux.start()
    better = read_out(paradux, "whole", challenge="")
    done = paradux.ctl("stewards", "--confirm", better, check=False)
    assert done.returncode == 1 and f"{TRIES} codes" in done.stderr, "however often the daemon is ended"
    assert f"given by {'root' if os.geteuid() == 0 else f'uid {os.geteuid()}'}" in done.stderr
    assert old not in paradux.log.read_text() and answer not in paradux.log.read_text()


def test_what_checks_codes_is_root_only_and_holds_nothing_of_a_share(paradux: Installation) -> None:
    path: Path = paradux.state / "seen-keys.json"
    assert path.stat().st_mode & 0o777 == 0o600
    managed = paradux.config()["managed"]
    for words in managed["shares"]["words"]:
        assert words not in path.read_text()
        assert hashlib.sha256(words.encode()).hexdigest() not in path.read_text()
    path.unlink()
    assert "paraductl unlock" in paradux.ctl("stewards", "--ask", "alice", check=False).stderr
    paradux.owner("unlock")
    assert {key["steward"] for key in json.loads(path.read_text())["keys"]} == set(managed["shares"]["issued"])
