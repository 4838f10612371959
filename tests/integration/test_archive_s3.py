"""Encrypted archives in an S3 bucket, through a real daemon: setup, push, verify, restore, and the config published there, too."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from paraduxd.testing import samples
from tests.rig import fill, minimal_answers, running
from tests.servers import rclones


@pytest.mark.slow
def test_a_dataset_and_the_config_in_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "buckets" / "family").mkdir(parents=True)
    with rclones.s3(tmp_path / "buckets") as server, running(tmp_path / "paradux") as made:
        stash = {
            "protocol": "s3",
            "endpoint": f"http://127.0.0.1:{server.port}",
            "credentials": {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET},
            "fate": ["account:cloud"],
        }
        answers = minimal_answers(made.root)
        answers["metadata_stashes"] += [{**stash, "id": "cloud", "url": "s3://family/meta"}]
        answers["metadata_stashes"][-1]["kit_access"] = {"url": "s3://family/meta", "credentials": stash["credentials"]}
        vault = {**stash, "id": "vault", "url": "s3://family/home%20of/fred", "encryption": "gpg", "every": "1d"}
        answers["datasets"][0]["destinations"] = [vault]
        fill(made.root / "source", 200)
        made.setup(answers)
        made.ctl("backup")
        made.ctl("verify", "--deep")
        listed = json.loads(made.ctl("--json", "versions", "home", "--destination", "vault").stdout)
        assert len(listed["runs"][0]["result"]["versions"]) == 1
        made.owner("restore", "home", "--to", str(tmp_path / "out"), "--from", "vault")
        assert samples.contents(tmp_path / "out") == samples.contents(made.root / "source")
        published = [path.name for path in (server.folder / "family" / "meta").iterdir()]
        assert any(name.startswith("config-1-") for name in published)
        stored = {path.name for path in (server.folder / "family" / "home of" / "fred").iterdir()}
        assert any(name.endswith(".manifest") for name in stored)
        assert all(rclones.SECRET not in line for line in _command_lines())
        assert rclones.SECRET not in made.log.read_text(errors="replace")
        assert rclones.SECRET not in made.owner("show").stdout


def _command_lines() -> list[str]:
    return subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout.splitlines()
