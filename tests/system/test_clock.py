"""The machine's clock and sleep: a year forward and back, two weeks of suspend, a boot without a network."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from tests.system.house import House

_DAY = 86400
_WEEK = 7 * _DAY
_YEAR = 365 * _DAY
_RUNS = "journalctl --unit=paraduxd --output=cat | grep -c 'started: step=pull'"
"""The client would tell as well, for ten times the work."""


def pulls(home: House) -> int:
    return int(home.guest.run(_RUNS, check=False).out or "0")


def wait_for_pulls(home: House, more_than: int) -> None:
    home.guest.wait_for(f"test $({_RUNS}) -gt {more_than}", "another pull")


@pytest.mark.slow
def test_the_clock_jumps_by_a_year_and_back(home: House) -> None:
    (dataset,) = home.config()["datasets"]
    home.edit(datasets=[{**dataset, "source": {**dataset["source"], "every": "5m"}}])
    serial = home.config()["serial"]
    for moment in (time.time() + _YEAR, time.time(), time.time() - _YEAR, time.time()):
        before = pulls(home)
        home.guest.set_clock(moment)
        wait_for_pulls(home, before)
        time.sleep(20)
        assert pulls(home) <= before + 3, "one catch-up, no storm"
        assert home.config()["serial"] == serial
    assert home.status()["datasets"][0]["state"] in ("ok", "running")


def test_two_weeks_of_sleep_give_one_catch_up(home: House) -> None:
    before = pulls(home)
    home.guest.pause()
    time.sleep(2)
    home.guest.resume()
    woken = time.time() + 2 * _WEEK
    home.guest.set_clock(woken)
    dataset = home.status()["datasets"][0]
    assert dataset["source"]["error"] is None, "nothing has failed"
    wait_for_pulls(home, before)
    home.wait_until_idle()
    source = home.status()["datasets"][0]["source"]
    assert datetime.fromisoformat(source["next"]).timestamp() > woken + _DAY / 2, (
        "none of the other 13 is still to come"
    )
    assert pulls(home) == before + 1
    assert "failed" not in home.ctl("history").out


@pytest.mark.slow
def test_a_boot_without_a_network_starts_everything_that_needs_none(home: House) -> None:
    home.guest.run("systemctl mask --quiet systemd-networkd.service systemd-networkd.socket")
    before = home.pushes()
    home.off_for(2 * _DAY)
    assert "10.0.2.15" not in home.guest.run("ip -brief address").out
    home.wait_for_pushes(before)
    assert home.config()["serial"] == 1
