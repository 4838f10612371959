"""`restore --in-place`, `--newer`, `--dry-run` and `--map-owner`: nothing newer is lost, and the next backup goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.find_back.conftest import PLACES
from tests.rig import Installation


def restored(family: Installation, *words: str) -> Any:
    return json.loads(family.owner("--json", "restore", *words).stdout)


def by_path(document: Any) -> dict[str, tuple[str, str]]:
    return {change["path"]: (change["change"], change["reason"]) for change in document["changes"]}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_missing_comes_back_and_nothing_else_is_touched(family: Installation, place: str) -> None:
    source = family.root / "source"
    letter, report = source / "letters" / "anna.txt", source / "report.txt"
    letter.unlink(missing_ok=True)
    report.write_text("newer than all")
    asked = restored(family, "home#1", "--in-place", "--dry-run", "--from", place)
    assert not letter.exists()
    assert by_path(asked)["letters/anna.txt"][0] == "written"
    done = restored(family, "home#1", "--in-place", "--newer", "--yes", "--from", place)
    assert letter.read_text() == "dear anna" and report.read_text() == "newer than all"
    if place != "vault":  # an archive that is older than the index tells no times
        assert by_path(done)["report.txt"] == ("kept", "newer there")
    assert not (source / ".paradux-restoring").exists()


def test_newer_replaces_what_is_older_and_the_next_backup_is_not_held(family: Installation) -> None:
    source = family.root / "source"
    for name in ("report.txt", "letters/bob.txt"):
        (source / name).write_text("old")
        os.utime(source / name, (1_000_000_000, 1_000_000_000))
    kept = by_path(restored(family, "home#3", "--in-place", "--dry-run", "--from", "mirror"))
    assert kept["report.txt"] == ("kept", "older there: --newer replaces it")
    restored(family, "home#3", "--in-place", "--newer", "--yes", "--from", "mirror")
    assert (source / "report.txt").read_text() == "final version"
    assert (source / "letters" / "bob.txt").read_text() == "dear bob"
    before = json.loads(family.ctl("--json", "versions", "home", "--destination", "mirror").stdout)
    family.ctl("backup", "home", "--destination", "mirror")
    after = json.loads(family.ctl("--json", "versions", "home", "--destination", "mirror").stdout)
    ids = [{each["id"] for each in document["runs"][0]["result"]["versions"]} for document in (before, after)]
    assert ids[0] < ids[1]


def test_a_link_in_the_source_leads_nowhere_else(family: Installation, tmp_path: Path) -> None:
    source, outside = family.root / "source", tmp_path / "outside"
    outside.mkdir()
    (source / "letters").rename(source / "aside")
    (source / "letters").symlink_to(outside)
    try:
        document = restored(family, "home#1", "letters", "--in-place", "--yes", "--from", "mirror")
    finally:
        (source / "letters").unlink()
        (source / "aside").rename(source / "letters")
    assert list(outside.iterdir()) == []
    assert by_path(document)["letters/anna.txt"][0] == "kept"


def test_it_asks_before_it_writes_and_owners_are_mapped(family: Installation, tmp_path: Path) -> None:
    refused = family.owner("restore", "home#1", "--in-place", "--from", "mirror", check=False)
    assert refused.returncode in (0, 2)
    uid, group = os.geteuid(), os.getegid()
    to = tmp_path / "mapped"
    other = f"*={uid if uid else uid + 1234}"
    family.owner("restore", "home#1", "letters", "--to", str(to), "--from", "mirror", "--map-owner", other)
    owned = (to / "letters" / "anna.txt").stat()
    assert owned.st_uid == (uid if uid else uid + 1234)
    assert owned.st_gid != group or uid
