"""After a recovery, a source that is only half there pushes nothing whole out, however often it was looked at what is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.recover.recover_rig import NEW_PASSPHRASE, contents, recover
from tests.rig import fill, minimal_answers, running

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("encryption", ["none", "gpg"])
def test_recover_restore_all_and_three_backups_of_eight_of_22_files(tmp_path: Path, encryption: str) -> None:
    """Finding 11, scenario 37: `keep` holds 2 versions, and the only whole one was gone after this."""
    root = tmp_path / "house"
    answers = minimal_answers(root)
    (mirror,) = answers["datasets"][0]["destinations"]
    mirror.update({"keep": {"last": 2}, "encryption": encryption})
    with running(root) as lost:
        fill(root / "source", 22)
        whole = contents(root / "source")
        lost.setup(answers)
        lost.ctl("backup")
        lost.owner("create-steward-device", "--all", "--directory", str(root / "kits"))
    shutil.rmtree(root / "state")
    shutil.rmtree(root / "staging")
    for path in sorted((root / "source").iterdir())[8:]:
        path.unlink()
    with running(root) as blank:
        recover(
            blank, *(word for name in ("alice", "bob") for word in ("--kit", str(root / "kits" / name / "PARADUX")))
        )
        blank.passphrase_file.write_text(NEW_PASSPHRASE + "\n")
        back = blank.owner("restore", "--all", "--to", str(root / "back"), check=False)
        assert contents(root / "back" / "home") == whole, back.stderr
        for _ in range(3):
            assert blank.ctl("backup", "home", check=False).returncode != 0
        held = blank.status()["datasets"][0]
        assert held["state"] == "held"
        listed = json.loads(blank.ctl("--json", "versions", "home").stdout)
        assert "22" in json.dumps(listed)
        shutil.rmtree(root / "back")
        blank.owner("restore", "home", "--from", "mirror", "--to", str(root / "again"))
        assert contents(root / "again") == whole
