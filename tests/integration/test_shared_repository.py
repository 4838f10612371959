"""Two Paradux of two families, the same dataset id, one restic repository with one password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rig import Installation, Json, fill, minimal_answers, running

pytestmark = pytest.mark.slow


def answers(root: Path, repository: Path) -> Json:
    found = minimal_answers(root)
    found["datasets"][0]["destinations"].append(
        {
            "id": "cloud",
            "protocol": "restic",
            "repository": str(repository),
            "credentials": {"password": "the password of both"},
            "every": "1d",
            "keep": {"last": 1},
        }
    )
    return found


def versions(paradux: Installation) -> list[str]:
    there = json.loads(paradux.ctl("--json", "versions", "home", "--destination", "cloud").stdout)
    return [version["id"] for version in there["runs"][0]["result"]["versions"]]


def test_neither_counts_restores_or_removes_what_the_other_has_pushed(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    with running(tmp_path / "fred") as fred, running(tmp_path / "jane") as jane:
        for paradux, name in ((fred, "fred"), (jane, "jane")):
            fill(paradux.root / "source", prefix=name)
            paradux.setup(answers(paradux.root, repository))
            paradux.ctl("backup")
        first = versions(fred)
        assert len(first) == 1 and first != versions(jane)
        jane.ctl("backup")
        *_, newest = versions(jane)
        jane.owner("prune", "home", "--destination", "cloud")
        assert versions(jane) == [newest]
        assert versions(fred) == first
        for paradux, name in ((fred, "fred"), (jane, "jane")):
            back = tmp_path / "back" / name
            paradux.ctl("restore", "home", "--to", str(back), "--from", "cloud")
            assert {path.name.split("-")[0] for path in back.iterdir()} == {name}
