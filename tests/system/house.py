"""Paradux in a guest: installed from this checkout, started by systemd, set up, and driven by its client."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ExitCode
from tests.packaging.building import digest, own_package, program, quick
from tests.rig import PASSPHRASE, minimal_answers
from tests.system import guest_image
from tests.system.guest import MACHINE, Guest, Result
from tests.system.guest_image import CLIENT_UNIT, Image

STATE = "/var/lib/paradux"
VAULT = f"{STATE}/vault.luks"
NAMES = ("alice", "bob", "carol", "dave", "erin")
_PASSPHRASE_FILE = "/root/passphrase"

WORKERS = "pgrep -f '[p]araduxd[.]worker'"
"""A command that succeeds while a worker runs."""

_PRIVATE_MOUNTS = "cat /proc/[0-9]*/mounts 2>/dev/null | grep -E '^/dev/(mapper|dm-|loop|sd)' | sort -u"

_FOLLOW = """\
exec 3< <(exec journalctl --follow --lines=all --unit=paraduxd --output=cat 2>/dev/null)
timeout "$1" grep --quiet --max-count=1 --fixed-strings -- "$0" <&3
found=$?
kill $!
exit $found
"""

_FOR_TESTS = """\
[Service]
ExecStart=
ExecStart=/usr/bin/paraduxd --worker-sockets /run/paradux-workers --weak-kdf-for-tests --log-level debug
"""


def written(name: str) -> str:
    """What the daemon says of a kit that counts."""
    return f"{name.title()}'s kit is written and read back; its stick can be pulled out."


class House:
    """A guest with Paradux; `guest` is the machine, the rest is what its owner does."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def ctl(self, *arguments: str, stdin: str = "", check: bool = True, timeout: float = 400) -> Result:
        """Run paraductl as root."""
        return self.guest.client(*arguments, stdin=stdin.encode(), check=check, timeout=timeout)

    def open(self, *arguments: str, stdin: str = "") -> Result:
        """Run paraductl with the passphrase where it is needed: a vault that has to be opened for it takes seconds."""
        done = self.ctl(*arguments, stdin=stdin, check=False)
        if done.code == ExitCode.NOT_AUTHORIZED:
            return self.owner(*arguments, stdin=stdin)
        assert done.code == 0, done
        return done

    def owner(self, *arguments: str, stdin: str = "", check: bool = True, timeout: float = 400) -> Result:
        """Run paraductl with the passphrase."""
        return self.ctl("--passphrase-file", _PASSPHRASE_FILE, *arguments, stdin=stdin, check=check, timeout=timeout)

    def install(self, folder: Path) -> None:
        """Install the Debian package, with its units as they are, but for the key stretching; that starts the daemon."""
        self.guest.put("/etc/systemd/system/paraduxd.service.d/for-tests.conf", _FOR_TESTS.encode())
        self.guest.put(_PASSPHRASE_FILE, f"{PASSPHRASE}\n".encode(), 0o600)
        # In a guest it takes twelve seconds to unpack xz, and a minute to compile.
        package, compiled = quick(own_package(folder), folder)
        self.guest.carry(compiled, "/root/compiled.tar")
        self.guest.carry(package, "/root/paradux.deb")
        self.guest.run("tar --extract --file /root/compiled.tar --directory / && rm /root/compiled.tar", timeout=300)
        self.guest.run("dpkg --force-unsafe-io --install /root/paradux.deb && rm /root/paradux.deb", timeout=600)
        self.guest.run(f"systemctl enable --now --quiet {CLIENT_UNIT}")
        self.wait_until_up()

    def answers(self, **changes: Any) -> dict[str, Any]:
        """Five stewards, three of whom are needed; a dataset on folders of the guest, pulled and pushed daily; one place for the config.

        So a guest does what its test asks for, and nothing takes its time besides.
        """
        stewards = [{"id": name, "name": name.title(), "fate": [f"person:{name}"]} for name in NAMES]
        answers = minimal_answers(Path("/srv"), policy={"shares_required": 3, "unlock_for": "1d"}, stewards=stewards)
        (dataset,) = answers["datasets"]
        dataset["source"]["every"] = dataset["destinations"][0]["every"] = "1d"
        return {**answers, "metadata_stashes": answers["metadata_stashes"][:1], **changes}

    def setup(self, answers: dict[str, Any] | None = None) -> None:
        """Make the config from answers."""
        self.guest.run("mkdir -p /srv/source; for n in $(seq 40); do seq $n $((n * n)) >/srv/source/file-$n.txt; done")
        self.owner("setup", "--answers", "-", stdin=json.dumps(answers or self.answers()), timeout=300)

    def config(self) -> dict[str, Any]:
        """The whole config."""
        found: dict[str, Any] = json.loads(self.open("--json", "show", "--secrets").out)
        return found

    def edit(self, check: bool = True, **changes: Any) -> Result:
        """Save the config with other values at its top."""
        return self.owner("edit", "--file", "-", stdin=json.dumps({**self.config(), **changes}), check=check)

    def status(self) -> dict[str, Any]:
        """The status document."""
        found: dict[str, Any] = json.loads(self.ctl("--json", "status", check=False).out)
        return found

    def steward(self, name: str) -> dict[str, Any]:
        """What is known of a steward's kit."""
        table = json.loads(self.ctl("--json", "stewards").out)
        found: dict[str, Any] = next(steward for steward in table["stewards"] if steward["id"] == name)
        return found

    def wait_for_steward(
        self, name: str, fits: Callable[[dict[str, Any]], bool], seconds: float = 300
    ) -> dict[str, Any]:
        """What is known of a steward's kit, once it fits."""
        known: dict[str, Any] = {}

        def asked() -> bool:
            known.update(self.steward(name))
            return fits(known)

        self.wait_for(asked, f"{name}'s kit", seconds)
        return known

    def wait_for_log(self, text: str, seconds: float = 400) -> None:
        """Wait until the daemon has written this to its log."""
        wait = shlex.join(["bash", "-c", _FOLLOW, text, str(seconds)])
        if self.guest.run(wait, timeout=seconds + 60, check=False).code:
            raise AssertionError(f"waited in vain for {text}\n{self.guest.journal()}")

    def wait_for(self, asked: Callable[[], bool], what: str, seconds: float = 300) -> None:
        """Wait until it is so. Asking takes a third of the guest's time at most: what is awaited needs it too."""
        deadline = time.monotonic() + seconds
        begun = time.monotonic()
        while not asked():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}\n{self.guest.journal()}")
            time.sleep(min(0.1 + 2 * (time.monotonic() - begun), 5.0))
            begun = time.monotonic()

    def wait_until_up(self) -> None:
        """Wait until the daemon answers."""
        self.wait_for(lambda: self.ctl("history", check=False).code == 0, "the daemon to answer")

    def wait_until_idle(self) -> None:
        """Wait until all that came due is done."""
        self.wait_for(lambda: not self._has_work(), "what came due to be done")

    def _has_work(self) -> bool:
        due = '"next": null' in self.ctl("--json", "status", check=False).out
        return due or self.guest.run(WORKERS, check=False).code == 0

    def off_for(self, seconds: float) -> None:
        """The machine is shut down, and switched on again when so much time has gone by, with nobody there."""
        self.guest.run("systemctl stop paraduxd")
        self.guest.set_clock(time.time() + seconds)
        self.guest.run("busybox hwclock --systohc --utc")
        self.guest.reboot()
        self.wait_until_up()

    def pushes(self) -> int:
        """How many pushes to the mirror are in the history."""
        return len(re.findall("done .*mirror", self.ctl("history", "--limit", "500", check=False).out))

    def wait_for_pushes(self, more_than: int) -> None:
        """Wait until there is another one."""
        self.wait_for(lambda: self.pushes() > more_than, "another push")

    def traces(self) -> str:
        """What a command must leave as it was: mappings, loop devices, mounts, and what any process has mounted for itself alone."""
        return self.guest.run(f"dmsetup ls; ls /dev/mapper; cat /proc/mounts; losetup --list; {_PRIVATE_MOUNTS}").out

    def wait_for_traces(self, expected: str, seconds: float = 120) -> None:
        """Wait until they are so: the keeper may still be saving what a worker has told."""
        deadline = time.monotonic() + seconds
        while (found := self.traces()) != expected:
            assert time.monotonic() < deadline, found
            time.sleep(0.5)


def frozen(
    image: Image,
    name: str,
    after: Path | None,
    folder: Path,
    prepare: Callable[[Guest], None],
    *,
    good_for: float = math.inf,
) -> Path:
    """A frozen guest from the cache; made, where it is missing, from a boot or from the state `after`, by `prepare`.

    `good_for`: seconds after which it is made anew. No other state may be made from such a one.
    """
    place = guest_image.cache() / f"frozen-{name}-{_key(image, with_checkout=after is not None)}"
    with guest_image.locked(f"frozen-{name}.lock"):
        if not place.exists() or time.time() - place.stat().st_mtime > good_for:
            for outdated in guest_image.cache().glob(f"frozen-{name}-*"):
                shutil.rmtree(outdated)
            with Guest.thaw(image, after, folder) if after else Guest(image, folder) as guest:
                prepare(guest)
                unfinished = place.with_name(f"making-{name}")
                shutil.rmtree(unfinished, ignore_errors=True)
                guest.freeze(unfinished)
            unfinished.rename(place)
    return place


def _key(image: Image, *, with_checkout: bool) -> str:
    return digest(f"{image.key} {MACHINE}", *([Path(__file__), *program()] if with_checkout else []))
