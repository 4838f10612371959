"""Paradux under systemd: started, stopped, rebooted; who may speak to it."""

from __future__ import annotations

import json

from tests.system.house import House


def test_a_fresh_machine_says_that_nothing_is_set_up(blank: House) -> None:
    assert blank.guest.run("systemctl is-active paraduxd").out.strip() == "active"
    done = blank.ctl("--json", "status", check=False)
    assert done.code == 20
    assert "not-set-up" in {problem["code"] for problem in json.loads(done.out)["problems"]}


def test_stopping_leaves_no_process(blank: House) -> None:
    blank.guest.run("systemctl stop paraduxd")
    assert blank.guest.run("systemctl show -p Result --value paraduxd").out.strip() == "success"
    assert blank.guest.run("pgrep -f '[p]araduxd'", check=False).out == ""


def test_a_reboot_with_nobody_there_goes_on_from_the_plan(home: House) -> None:
    before = home.pushes()
    home.off_for(2 * 86400)
    home.wait_for_pushes(before)
    assert home.status()["daemon"]["locked"] is True


def test_only_members_of_the_group_may_ask(home: House) -> None:
    home.guest.run("useradd -m anna && useradd -m -G paradux bert")
    refused = home.guest.run("runuser -u anna -- paraductl status", check=False)
    assert refused.code not in (0, 10, 20)
    assert "group" in refused.out + refused.err
    allowed = home.guest.run("runuser -u bert -- paraductl status", check=False)
    assert allowed.code in (0, 10, 20), allowed.err
    assert home.guest.run("runuser -u bert -- cat /var/lib/paradux/vault.luks", check=False).code != 0
