"""One family with three versions at a disk, a server of folders (rsync over SSH), an encrypted archive and a repository: made once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import sshd as real
from tests.rig import Installation, minimal_answers, running

PLACES = ("mirror", "server", "vault", "repo")
HOSTILE = "a\nb $(touch x)\x1b[31m"
BYTES = os.fsdecode(b"latin-\xe9.txt")


def answers_of(root: Path, sshd: real.Server) -> dict[str, Any]:
    answers = minimal_answers(root)
    common = {"every": "1d", "fate": ["place:office"]}
    answers["datasets"][0]["destinations"] = [
        {"id": "mirror", "protocol": "disk", "url": f"file://{root}/mirror", **common},
        {
            "id": "server",
            "protocol": "rsync",
            "url": sshd.url("rsync+ssh", root / "server"),
            "credentials": {"private_key": sshd.private_key},
            **common,
        },
        {"id": "vault", "protocol": "disk", "url": f"file://{root}/vault", "encryption": "gpg", **common},
        {"id": "repo", "protocol": "restic", "repository": f"{root}/repo", **common},
    ]
    return answers


@pytest.fixture(scope="package")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Version 1 has all, from 2 on a letter is gone, with 3 a file has changed and one with a hostile name has come."""
    root = tmp_path_factory.mktemp("family")
    with real.running(tmp_path_factory.mktemp("sshd")) as sshd, running(root / "paradux") as made:
        source = made.root / "source"
        (source / "letters").mkdir(parents=True)
        (source / "letters" / "anna.txt").write_text("dear anna")
        (source / "letters" / "bob.txt").write_text("dear bob")
        (source / "report.txt").write_text("draft")
        (source / "link").symlink_to("report.txt")
        (made.root / "server").mkdir()
        made.setup(answers_of(made.root, sshd))
        made.ctl("backup")
        (source / "letters" / "anna.txt").unlink()
        made.ctl("backup")
        (source / "report.txt").write_text("final version")
        (source / HOSTILE).write_text("x")
        (source / BYTES).write_text("y")
        made.ctl("backup")
        yield made
