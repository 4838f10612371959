"""A watchdog service is called by a whole Paradux: while everything could be recovered, and otherwise at its address for failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims.test_installation import write_kits
from tests.effects.tools.test_web_call import answering
from tests.rig import fill, minimal_answers, running

pytestmark = pytest.mark.slow

CANARY = "ca9a0000-1c5e-4b0e-9d8a-0a4d3f1b2c3d"


@pytest.mark.long
def test_success_is_told_only_while_everything_could_be_recovered(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    with answering(200) as (port, called), running(tmp_path) as paradux:
        made = minimal_answers(tmp_path, heartbeat=[f"http://127.0.0.1:{port}/ping/{CANARY}"])
        made["policy"] |= {"heartbeat_every": "1s"}
        paradux.setup(made)
        paradux.wait_for(lambda: called, "the first call", 60)
        assert set(called) == {f"/ping/{CANARY}/fail"}, "no version was made yet"
        paradux.ctl("backup")
        write_kits(paradux)
        assert paradux.status()["recoverable"]["today"]
        paradux.wait_for(lambda: f"/ping/{CANARY}" in called, "to be told that all is well", 60)
        config = paradux.config()
        config["datasets"][0]["destinations"][0]["url"] += "-new"
        paradux.edit(config)
        assert not paradux.status()["recoverable"]["today"]
        before = len(called)
        paradux.wait_for(lambda: f"/ping/{CANARY}/fail" in called[before:], "to be told that it is not", 60)
        log = paradux.log.read_bytes() + b"".join(each.read_bytes() for each in paradux.state.glob("journal.sqlite*"))
        shown = paradux.owner("--json", "show").stdout + paradux.ctl("--json", "history").stdout
        assert CANARY.encode() not in log + shown.encode() + paradux.state.joinpath("plan.json").read_bytes()


def test_a_watchdog_that_does_not_answer_is_a_warning(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    with answering(404) as (port, called), running(tmp_path) as paradux:
        paradux.setup(minimal_answers(tmp_path, heartbeat=[f"http://127.0.0.1:{port}/ping/{CANARY}"]))
        paradux.wait_for(lambda: "heartbeat-failed" in paradux.problem_codes(), "status to tell", 60)
        (problem,) = [each for each in paradux.status()["problems"] if each["code"] == "heartbeat-failed"]
        assert (problem["level"], problem["subject"]) == ("warning", "heartbeat-1")
        assert problem["text"] == "heartbeat-1 answered with HTTP status 404"
        assert len(called) == 1, "it is tried again later, not all the time"
