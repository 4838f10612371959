"""The machine is rebooted while data is pushed: in an orderly way, which is not a failure, and nothing has to be done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.system.house import House


@pytest.mark.slow
def test_a_push_that_a_reboot_ends_is_done_again_after_it(home: House) -> None:
    home.guest.run("for n in $(seq 25); do head -c 1000000 /dev/urandom >/srv/source/more-$n; done; sync", timeout=300)
    home.ctl("backup", "home", "--pull-only")
    home.ctl("backup", "home", "--push-only", "--no-wait")
    home.guest.wait_for("pgrep -f '[p]araduxd[.]worker'", "the push to begin", 30)
    home.guest.reboot()
    home.wait_until_up()
    home.wait_for(lambda: _destination(home)["versions"] == 2, "the push after the boot")
    assert _destination(home)["error"] is None
    home.owner("restore", "home", "--to", "/root/back", "--from", "mirror")
    home.guest.run("diff -r /srv/source /root/back")


def _destination(home: House) -> dict[str, Any]:
    """What status says of the destination."""
    (destination,) = home.status()["datasets"][0]["destinations"]
    found: dict[str, Any] = destination
    return found
