"""`versions`, `ls`, `find` and `diff` at every kind of place, and `restore` of what they name, with a real daemon."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.find_back.conftest import BYTES, HOSTILE, PLACES
from tests.rig import Installation


def asked(family: Installation, *words: str) -> Any:
    return json.loads(family.ctl("--json", *words).stdout)


def paths(entries: list[dict[str, Any]]) -> set[str]:
    return {entry["path"] for entry in entries}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_names_its_versions_with_counts_and_sizes(family: Installation, place: str) -> None:
    text = family.ctl("versions", "home", "--destination", place).stdout
    for number, files in ((1, "3 files"), (2, "2 files"), (3, "4 files")):
        (line,) = [each for each in text.splitlines() if f"home#{number} " in each]
        assert files in line and "bytes" in line


@pytest.mark.parametrize("place", PLACES)
def test_ls_shows_each_version_exactly(family: Installation, place: str) -> None:
    first = asked(family, "ls", "home#1", "-r", "--from", place)
    assert paths(first["entries"]) == {"letters", "letters/anna.txt", "letters/bob.txt", "link", "report.txt"}
    assert first["place"] == place and first["version"]["name"] == "1"
    newest = asked(family, "ls", "home", "--from", place)
    assert paths(newest["entries"]) == {"letters", "link", "report.txt", HOSTILE, BYTES}
    kinds = {entry["path"]: (entry["kind"], entry["size"]) for entry in newest["entries"]}
    assert kinds["report.txt"] == ("file", len("final version"))
    assert kinds["letters"] == ("directory", None) and kinds["link"][0] == "link"


def test_names_are_shown_so_that_no_terminal_obeys_and_a_shell_reads_them_back(family: Installation) -> None:
    text = family.ctl("ls", "home", "--from", "mirror").stdout
    assert "\x1b" not in text
    (line,) = [each for each in text.splitlines() if "touch" in each]
    word = line[line.index("$'") :]
    read = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout
    assert read.decode() == HOSTILE


def test_find_names_every_version_and_place_and_its_command_brings_the_file_back(
    family: Installation, tmp_path: Path
) -> None:
    found = asked(family, "find", "home", "ANNA")
    assert [place["place"] for place in found["places"]] == list(PLACES)
    for place in found["places"]:
        (match,) = place["matches"]
        (presence,) = match["presences"]
        assert (presence["first"]["name"], presence["last"]["name"], presence["versions"]) == ("1", "1", 1)
        assert match["gone"]["name"] == "2" and presence["size"] == len("dear anna")
    text = family.ctl("find", "home", "anna*").stdout
    commands = [line.partition("get it back: ")[2] for line in text.splitlines() if "get it back" in line]
    assert len(commands) == len(PLACES)
    for number, command in enumerate(commands):
        words = shlex.split(command)[1:]
        words[-1] = str(tmp_path / str(number))
        family.owner(*words)
        assert (tmp_path / str(number) / "letters" / "anna.txt").read_text() == "dear anna"


def test_find_answers_from_the_index_without_the_places(family: Installation) -> None:
    moved = {name: family.root / f"{name}.away" for name in ("mirror", "vault", "repo", "server")}
    for name, away in moved.items():
        (family.root / name).rename(away)
    try:
        found = asked(family, "find", "home", "*.txt")
    finally:
        for name, away in moved.items():
            away.rename(family.root / name)
    assert all(len(place["matches"]) == 4 for place in found["places"])
    states = {match["path"]: match["presences"] for match in found["places"][0]["matches"]}
    assert [each["size"] for each in states["report.txt"]] == [len("draft"), len("final version")]


@pytest.mark.parametrize("place", PLACES)
def test_a_lost_index_is_made_anew_from_the_place(family: Installation, place: str) -> None:
    for index in family.state.glob("index/*/names.sqlite"):
        index.unlink()
    found = json.loads(family.owner("--json", "find", "home", "report", "--from", place).stdout)
    (match,) = found["places"][0]["matches"]
    assert match["path"] == "report.txt" and match["gone"] is None
    assert match["presences"][0]["first"]["name"] == "1" and match["presences"][-1]["last"]["name"] == "3"
    if place != "vault":  # the names object of an archive tells no sizes
        assert [each["size"] for each in match["presences"]] == [len("draft"), len("final version")]


@pytest.mark.parametrize("place", PLACES)
def test_diff_tells_what_changed(family: Installation, place: str) -> None:
    def changes(*words: str) -> set[tuple[str, str]]:
        document = json.loads(family.owner("--json", "diff", *words, "--from", place).stdout)
        return {(change["change"], change["path"]) for change in document["changes"]}

    assert ("removed", "letters/anna.txt") in changes("home#1", "home#2")
    since = changes("home#2")
    assert {("added", HOSTILE), ("removed", "letters/anna.txt")} & since == {("added", HOSTILE)}
    assert changes("home#1", "home#2", "report.txt") == set()


def test_restore_takes_versions_patterns_and_paths_of_the_source(family: Installation, tmp_path: Path) -> None:
    family.ctl("restore", "home#1", "letters/*.txt", "--to", str(tmp_path / "glob"), "--from", "mirror")
    assert {each.name for each in (tmp_path / "glob" / "letters").iterdir()} == {"anna.txt", "bob.txt"}
    inside = str(family.root / "source" / "letters" / "bob.txt")
    family.ctl("restore", "home#2", inside, "--to", str(tmp_path / "absolute"), "--from", "server")
    assert (tmp_path / "absolute" / "letters" / "bob.txt").read_text() == "dear bob"
    family.ctl("restore", "home", "*.txt", "--to", str(tmp_path / "staged"), "--from", "staging")
    assert {each.name for each in (tmp_path / "staged").iterdir()} == {"report.txt", Path(BYTES).name}


def test_a_name_that_is_not_there_is_answered_with_the_nearest(family: Installation, tmp_path: Path) -> None:
    refused = family.ctl(
        "restore", "home#1", "Letters/Anna.TXT", "--to", str(tmp_path / "x"), "--from", "mirror", check=False
    )
    assert refused.returncode == 1 and "did you mean letters/anna.txt?" in refused.stderr
    assert "did you mean letters?" in family.ctl("ls", "home#1", "leters", "--from", "repo", check=False).stderr
    elsewhere = family.ctl("restore", "home", "/etc/passwd", "--to", str(tmp_path / "y"), check=False)
    assert "is not inside the source" in elsewhere.stderr
    none = family.ctl("ls", "home#99", "--from", "mirror", check=False)
    assert "no version #99" in none.stderr and "it has #1" in none.stderr


def test_every_time_that_is_printed_can_be_pasted_into_at(family: Installation, tmp_path: Path) -> None:
    text = family.ctl("versions", "home", "--destination", "mirror").stdout
    line = next(each for each in text.splitlines() if "home#1 " in each)
    _, day, hour, *_ = line.split()
    version_id = line.split()[-1]
    for number, at in enumerate(([f"{day} {hour}"], [day, hour], [version_id])):
        to = tmp_path / str(number)
        family.ctl("restore", "home", "--at", *at, "letters", "--from", "mirror", "--to", str(to))
        assert (to / "letters" / "anna.txt").exists()


def test_a_path_that_neither_version_has_is_no_difference_of_none(family: Installation) -> None:
    def refused(path: str) -> str:
        return family.ctl("diff", "home#1", path, "--from", "mirror", check=False).stderr

    assert "there is no 3 in either version; a version is written like #3" in refused("3")
    assert "paraductl diff home#1 home#3" in refused("3")
    assert "did you mean report.txt?" in refused("Report.txt")
