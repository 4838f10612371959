"""A transfer that was taken over gets its own transport file, its own staging, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd import linux
from tests.rig import Installation, fill, minimal_answers

HERE = Path(__file__).parent

ETC = """
mount --make-rprivate /
mount --bind "$0" /etc
exec "$@"
"""
"""Another /etc, with the drop-in, for the daemon and the client of one test."""

WITHOUT_MOUNTS = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
"""Root as in a unit: nothing can be covered, Landlock has to do it."""


class House(Installation):
    """One dataset is the robber's, one is not."""

    def __init__(self, root: Path, wrapper: tuple[str, ...] = ()) -> None:
        super().__init__(root)
        shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
        plugins = root / "etc/paradux/protocols.d"
        plugins.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "robber.py", plugins / "robber.py")
        for folder in (root / "etc/paradux", plugins):
            folder.chmod(0o755)
        (plugins / "robber.py").chmod(0o644)
        self.as_user = ("unshare", "--mount", "sh", "-c", ETC, str(root / "etc"), *wrapper)

    def rob(self) -> list[str]:
        """What a pull of the robber's found, with the vault open and everybody at home."""
        answers = minimal_answers(self.root)
        fill(self.root / "source")
        source = {
            "protocol": "robber",
            "state": str(self.state),
            "run": str(self.run),
            "every": "1h",
            "fate": ["device:x"],
        }
        source["others"] = [str(self.root / "staging")]
        mirror = {**answers["datasets"][0]["destinations"][0], "url": f"file://{self.root}/loot-mirror"}
        answers["datasets"].append(
            {"id": "loot", "source": source, "staging": str(self.root / "robbed"), "destinations": [mirror]}
        )
        self.setup(answers)
        self.ctl("backup", "home")
        self.owner("unlock")
        self.ctl("backup", "loot", "--pull-only")
        (loot,) = (self.root / "robbed").rglob("loot.json")
        found: list[str] = json.loads(loot.read_text())
        return found


@pytest.fixture(params=[(), WITHOUT_MOUNTS], ids=["covered", "landlock"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    if os.geteuid():
        pytest.skip("needs root: the drop-in has to be root's")
    house = House(tmp_path / "house", request.param)
    try:
        house.start()
        yield house
    finally:
        house.stop()


def test_a_taken_over_transfer_gets_nothing_but_its_own(house: House) -> None:
    scoped = linux.landlock_version() >= linux.SCOPES_SINCE
    assert [each for each in house.rob() if scoped or not each.startswith("signals")] == []
    assert json.loads(house.ctl("--json", "history").stdout)["runs"], "the daemon lives"
