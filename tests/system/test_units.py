"""The units as they are installed: how exposed they are, what works under them, and upgrading and removing the package."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.packaging.building import own_package
from tests.system import guest_image
from tests.system.guest import Guest
from tests.system.guest_image import CHECKOUT, Image
from tests.system.house import House

_SSHD = """
mkdir -p /run/sshd /root/.ssh /srv/friend
ssh-keygen -q -t ed25519 -N '' -f /root/host_key
ssh-keygen -q -t ed25519 -N '' -f /root/key
cp /root/key.pub /root/.ssh/authorized_keys
/usr/sbin/sshd -p 2222 -h /root/host_key -o PidFile=none -o StrictModes=no -o UsePAM=no
"""


EXPOSED = {"paraduxd.service": 2.5, "paradux-transfer@x.service": 3.1, "paradux-disk@x.service": 2.7}


@pytest.mark.parametrize(("unit", "most"), EXPOSED.items())
def test_the_exposure_is_what_systemd_says_of_the_installed_unit(blank: House, unit: str, most: float) -> None:
    said = blank.guest.run(f"systemd-analyze security --no-pager {unit}").out
    (score,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", said)
    # The drop-in of these tests changes the command only.
    assert float(score) <= most, said


def test_restic_ssh_and_gpg_work_in_the_units_of_transfers(home: House) -> None:
    home.guest.run(_SSHD)
    key = home.guest.run("cat /root/key").out
    config = home.config()
    (dataset,) = config["datasets"]
    ssh = {"credentials": {"private_key": key}, "every": "1h", "fate": ["person:friend"]}
    dataset["destinations"] += [
        {
            "id": "friend",
            "protocol": "sftp",
            "url": "sftp://root@127.0.0.1:2222/srv/friend/a",
            "encryption": "gpg",
            **ssh,
        },
        {"id": "deep", "protocol": "restic", "repository": "sftp://root@127.0.0.1:2222//srv/friend/r", **ssh},
    ]
    home.owner("edit", "--file", "-", stdin=json.dumps(config))
    before = home.traces()
    home.ctl("backup", "home")
    units = home.guest.run("journalctl -o json --output-fields=UNIT -u 'paradux-transfer@*'").out
    assert '"UNIT":"paradux-transfer@' in units
    for place in ("mirror", "deep", "friend"):
        home.owner("restore", "home", "--to", f"/root/{place}", "--from", place)
        home.guest.run(f"diff -r /srv/source /root/{place}")
    home.owner("verify", "home", "--deep")
    drill = home.owner("drill", check=False)
    assert "friend" in drill.out, drill
    assert home.traces() == before, "nothing of what was opened is left mapped or mounted"


def test_the_daemon_and_the_keeper_cannot_reach_the_network(home: House) -> None:
    home.owner("unlock")
    script = "import socket; socket.socket(socket.AF_INET)"
    for pid in home.guest.run("cat /sys/fs/cgroup/system.slice/paraduxd.service/cgroup.procs").out.split():
        assert home.guest.run(f"grep -c Seccomp:.2 /proc/{pid}/status").out.strip() == "1"
    properties = home.guest.run("systemctl show -p RestrictAddressFamilies -p IPAddressDeny paraduxd").out
    assert "AF_INET" not in properties and "0.0.0.0/0" in properties
    like = "systemd-run --quiet --wait --pipe -p RestrictAddressFamilies='AF_UNIX AF_NETLINK' -p SystemCallErrorNumber=EPERM"
    assert home.guest.run(f"{like} python3 -c {shlex.quote(script)}", check=False).code != 0


def test_a_transfer_that_is_taken_over_gets_nothing_but_its_own(home: House) -> None:
    robber = (CHECKOUT / "tests/isolation/robber.py").read_bytes()
    home.guest.put("/etc/paradux/protocols.d/robber.py", robber, 0o644)
    config = home.config()
    (dataset,) = config["datasets"]
    where = {"state": "/var/lib/paradux", "run": "/run/paradux", "units": "/run/paradux-workers"}
    source = {"protocol": "robber", **where, "others": [dataset["staging"]], "every": "1d", "fate": ["device:x"]}
    mirror = {**dataset["destinations"][0], "url": "file:///srv/loot"}
    config["datasets"].append({"id": "loot", "source": source, "staging": "/srv/robbed", "destinations": [mirror]})
    home.ctl("backup", "home")
    home.owner("lock")  # the next keeper loads the plugin
    home.owner("edit", "--file", "-", stdin=json.dumps(config))
    home.owner("unlock")
    home.ctl("backup", "loot", "--pull-only")
    assert json.loads(home.guest.run("cat $(find /srv/robbed -name loot.json)").out) == []


def test_an_upgrade_keeps_state_and_schedules_and_removal_keeps_the_data(home: House, tmp_path: Path) -> None:
    home.guest.carry(own_package(tmp_path), "/root/paradux.deb")
    home.wait_until_idle()
    before, runs = home.status(), home.ctl("--json", "history").out
    started = home.guest.run("systemctl show -p MainPID --value paraduxd").out
    home.guest.run("dpkg --install /root/paradux.deb", timeout=600)
    home.wait_until_up()
    after = home.status()
    assert home.guest.run("systemctl show -p MainPID --value paraduxd").out != started, "the new program runs"
    assert after["config"] == before["config"]
    assert [each["source"]["next"] for each in after["datasets"]] == [
        each["source"]["next"] for each in before["datasets"]
    ]
    assert json.loads(runs)["runs"][-1] in json.loads(home.ctl("--json", "history").out)["runs"]

    vault = home.guest.run("sha256sum /var/lib/paradux/vault.luks").out
    said = home.guest.run("dpkg --remove paradux", timeout=300)
    assert "/var/lib/paradux" in said.out
    assert home.guest.run("sha256sum /var/lib/paradux/vault.luks").out == vault
    assert home.guest.run("ls -d /usr/lib/paradux /usr/bin/paradux*; pgrep -af '[p]aradux(d|-)'", check=False).out == ""
    assert home.guest.run("systemctl list-unit-files 'paradux*' --no-legend", check=False).out == ""


@pytest.mark.slow
def test_contrib_install_from_a_checkout(image: Image, booted: Path, tmp_path: Path) -> None:
    """Offline, from wheels; with the key stretching that a user gets."""
    wheels = tmp_path / "wheels"
    for lock in ("requirements.lock", "requirements-build.lock"):
        options = [
            "--quiet",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
            CHECKOUT / "contrib" / lock,
        ]
        guest_image.run(sys.executable, "-m", "pip", "download", *options, "--dest", wheels)
    tracked = guest_image.run("git", "ls-files", "-z", cwd=CHECKOUT)
    guest_image.run(
        "tar", "--create", "--file", tmp_path / "checkout.tar", "--null", "--files-from=-", cwd=CHECKOUT, stdin=tracked
    )
    guest_image.run("tar", "--append", "--file", tmp_path / "checkout.tar", "--directory", tmp_path, "wheels")
    with Guest.thaw(image, booted, tmp_path / "guest") as guest:
        guest.carry(tmp_path / "checkout.tar", "/root/checkout.tar")
        guest.run("mkdir /root/checkout && tar -C /root/checkout -xf /root/checkout.tar", timeout=300)
        guest.run("cd /root/checkout && contrib/install --wheels wheels", timeout=1200)
        assert guest.run("systemctl is-active paraduxd").out.strip() == "active"
        assert guest.run("paraductl --json status", check=False).code == 20
        guest.run("ls /usr/local/share/man/man1/paraductl.1 /etc/paradux/protocols.d && getent group paradux")
        guest.run("cd /root/checkout && contrib/install --uninstall")
        assert guest.run("systemctl is-active paraduxd", check=False).out.strip() == "inactive"
        assert (
            guest.run("ls -d /var/lib/paradux /usr/local/lib/paradux /usr/local/bin/paraductl", check=False).out
            == "/var/lib/paradux\n"
        )
