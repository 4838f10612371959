"""BY-HAND.txt, followed to the letter where neither Paradux nor its packages exist."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clocks import BEFORE, LATER, gpg_at
from tests.integration import sshd
from tests.kits.kit_rig import Family, new_family, published_family, write_kit
from tests.kits.stranger import Stranger, new_stranger
from tests.servers import ftp_servers, rclones

Stick = Callable[[str], Path]
Kits = dict[str, dict[str, bytes]]
PLACES = ("FIRST-STICK", "SECOND-STICK", "THIRD-STICK")


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return new_stranger(tmp_path)


def commands(text: str) -> str:
    """The lines to type, in order, as a shell session that stops at the first failure."""
    joined = text.replace(" \\\n", " ")
    typed = [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]
    return "set -e\n" + "\n".join(typed) + "\n"


def numbered(text: str) -> Iterator[int]:
    for found in re.finditer(r"^(\d+)\. ", text, re.MULTILINE):
        yield int(found[1])


def at_the_sticks(text: str, sticks: list[Path]) -> str:
    for place, path in zip(PLACES, sticks, strict=False):
        text = text.replace(place, str(path))
    return text


def follow(stranger: Stranger, script: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Type it all. Nothing of Paradux can be found: no virtual environment, no PYTHONPATH, an empty home."""
    path = stranger.desk.parent / "typed.sh"
    path.write_text(script)
    return stranger.run("/usr/bin/env", "PYTHONNOUSERSITE=1", "PAGER=cat", "/bin/sh", path, given=given)


def test_the_steps_are_numbered_without_a_gap(kits: Kits) -> None:
    steps = list(numbered(kits["alice"]["BY-HAND.txt"].decode()))
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= 8


def test_nothing_of_paradux_is_at_hand(stranger: Stranger) -> None:
    for module in ("paraduxd", "shamir_mnemonic", "gnupg"):
        assert stranger.run("/usr/bin/python3", "-I", "-c", f"import {module}").returncode != 0


def test_followed_to_the_letter_it_gives_the_very_config(family: Family, stick: Stick, stranger: Stranger) -> None:
    sticks = [stick(name) for name in ("dave", "boeb", "alice")]
    text = (sticks[1] / "PARADUX/BY-HAND.txt").read_text()
    script = at_the_sticks(commands(text), sticks).replace("python3 ", "python3 -I ")
    done = follow(stranger, script)
    assert done.returncode == 0, done.stderr
    work = stranger.desk / "paradux-recovery"
    assert (work / "config.json").read_bytes() == family.envelope
    assert "Tax advisor" in done.stdout, "step 8 shows it"
    assert "Good signature" in done.stderr
    assert family.document["managed"]["recovery"]["fingerprint"] in text
    assert not list(stranger.home.iterdir())
    alone = stranger.recover(work / "1/recover.py", "--print", work / "1", work / "2", work / "3")
    assert alone.stdout.encode() == family.envelope, "recover.py gives the same"


@pytest.mark.parametrize("clock", [BEFORE, LATER])
def test_followed_to_the_letter_whatever_the_clock_says(
    family: Family, stick: Stick, stranger: Stranger, clock: str
) -> None:
    sticks = [stick(name) for name in ("dave", "boeb", "alice")]
    wrong = replace(stranger, tools=gpg_at(clock, stranger.desk.parent / "tools"))
    text = (sticks[1] / "PARADUX/BY-HAND.txt").read_text()
    done = follow(wrong, at_the_sticks(commands(text), sticks).replace("python3 ", "python3 -I "))
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "paradux-recovery/config.json").read_bytes() == family.envelope
    (other,) = re.findall(r"^  (gpg .*--decrypt .*)$", text, re.MULTILINE)
    assert "--ignore-time-conflict --ignore-valid-from" in other


def test_with_any_slip39_program_too(family: Family, stick: Stick, stranger: Stranger) -> None:
    sticks = [stick(name) for name in ("erin", "boeb", "alice")]
    text = (sticks[0] / "PARADUX/BY-HAND.txt").read_text()
    (other,) = re.findall(r"^  (gpg .*--decrypt .*)$", text, re.MULTILINE)
    script = re.sub(r"^python3 .*$", lambda _: other, commands(text), flags=re.MULTILINE)
    assert "recover.py" not in script
    digits = family.document["managed"]["recovery"]["secret"]
    done = follow(stranger, at_the_sticks(script, sticks), given=f"{digits}\n")
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "paradux-recovery/config.json").read_bytes() == family.envelope


def test_the_short_way_works_as_written(family: Family, stick: Stick, stranger: Stranger) -> None:
    sticks = [stick(name) for name in ("alice", "boeb", "carol")]
    folder = sticks[0] / "PARADUX"
    (line,) = re.findall(r"^  (python3 recover\.py .*) \.\.\.$", (folder / "BY-HAND.txt").read_text(), re.MULTILINE)
    short = at_the_sticks(line + " THIRD-STICK/PARADUX --output " + str(stranger.desk / "config.json"), sticks)
    done = follow(stranger, f"cd '{folder}'\n{short}\n")
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope


def test_a_damaged_copy_is_named_by_step_3(stick: Stick, stranger: Stranger) -> None:
    sticks = [stick(name) for name in ("dave", "boeb", "alice")]
    (sticks[1] / "PARADUX/config.gpg").write_bytes(b"rotten")
    done = follow(stranger, at_the_sticks(commands((sticks[0] / "PARADUX/BY-HAND.txt").read_text()), sticks))
    assert done.returncode != 0 and "config.gpg: FAILED" in done.stdout


def test_a_newer_copy_is_fetched_with_sftp_and_opened_with_gpg(tmp_path: Path, stranger: Stranger) -> None:
    """From a friend's server, with what one kit says about it and nothing else."""
    (tmp_path / "sshd").mkdir()
    stash = tmp_path / "a friend's [folder]"
    stash.mkdir()
    with sshd.running(tmp_path / "sshd") as server:
        access = {"url": server.url("sftp", stash), "credentials": {"private_key": server.private_key}}
        older = new_family(metadata_stashes=[{"id": "friend", "protocol": "sftp", **access, "kit_access": access}])
        older.document["managed"]["hosts"] = {f"127.0.0.1:{server.port}": list(server.host_keys)}
        sticks = [write_kit(older.kit(name), tmp_path / name) for name in ("alice", "carol", "erin")]
        newer = published_family({**older.document, "serial": 8})
        (stash / "config-1-7.gpg").write_bytes(older.config_gpg)
        (stash / "config-1-8.gpg").write_bytes(newer.config_gpg)
        (stash / "recovery-key-1.asc").write_text("is in the kit")
        text = (sticks[0] / "PARADUX/BY-HAND.txt").read_text()
        fetching = "".join(f"cat >{name} <<'END'\n{lines}END\n" for name, lines in files_to_save(text))
        (fetch,) = re.findall(r"^ +(sftp .*) \.$", text.split("A NEWER COPY")[1].split("THE DATA")[0], re.MULTILINE)
        typed = commands(text).splitlines(keepends=True)
        at = next(number for number, line in enumerate(typed) if line.startswith("python3 "))
        typed[at:at] = [fetching, f"{fetch} .\n"]
        script = at_the_sticks("".join(typed), sticks).replace("1/config.gpg", "config-1-8.gpg")
        done = follow(stranger, script)
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "paradux-recovery/config.json").read_bytes() == newer.envelope
    assert sorted(path.name for path in stranger.home.rglob("*")) in ([], [".ssh"])


@pytest.mark.parametrize("protocol", ["s3", "rclone"])
def test_a_newer_copy_is_fetched_with_rclone(protocol: str, stranger: Stranger, tmp_path: Path) -> None:
    (tmp_path / "buckets/family/a b").mkdir(parents=True)
    with rclones.s3(tmp_path / "buckets") as server:
        endpoint = f"http://127.0.0.1:{server.port}"
        keys = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}
        stash = {"id": "cloud", "protocol": "s3", "url": "s3://family/a%20b", "endpoint": endpoint, "credentials": keys}
        access = {"url": stash["url"], "credentials": keys}
        if protocol == "rclone":
            access["credentials"] = {"type": "s3", "provider": "Other", "endpoint": endpoint, **keys}
            access["url"] = "rclone:mine:family/a%20b"
            stash = {"id": "cloud", "protocol": "rclone", "url": access["url"], "options": {"type": "s3"}}
        family = new_family(metadata_stashes=[{**stash, "kit_access": access}])
        (server.folder / "family/a b/config-1-7.gpg").write_bytes(family.config_gpg)
        (server.folder / "family/a b/config-2-8.gpg").write_bytes(b"of another epoch")
        stick = write_kit(family.kit("alice"), tmp_path / "alice")
        text = (stick / "PARADUX/BY-HAND.txt").read_text()
        fetching = "".join(f"cat >{name} <<'END'\n{lines}END\n" for name, lines in files_to_save(text))
        (fetch,) = re.findall(r"^ +(rclone --config .*) \.$", text, re.MULTILINE)
        done = follow(stranger, f"mkdir fetched\n{fetching}{fetch} fetched\n")
    assert done.returncode == 0, done.stderr
    (found,) = stranger.desk.rglob("fetched/*")
    assert found.name == "config-1-7.gpg"
    assert found.read_bytes() == family.config_gpg


@pytest.mark.parametrize("secure", [False, True])
def test_a_newer_copy_is_fetched_with_wget(secure: bool, stranger: Stranger, tmp_path: Path) -> None:
    with ftp_servers.pyftpdlib(tmp_path / "web", secure) as server:
        (folder := server.folder / "a b").mkdir()
        url = f"{server.protocol}://{server.user}@127.0.0.1:{server.port}/a%20b"
        access = {"url": url, "credentials": {"password": ftp_servers.PASSWORD}}
        family = new_family(
            metadata_stashes=[{"id": "web", "protocol": server.protocol, **access, "kit_access": access}]
        )
        family.document["managed"]["hosts"] = {f"127.0.0.1:{server.port}": list(server.pins)} if secure else {}
        (folder / "config-1-7.gpg").write_bytes(family.config_gpg)
        (folder / "config-2-8.gpg").write_bytes(b"of another epoch")
        text = (write_kit(family.kit("alice"), tmp_path / "alice") / "PARADUX/BY-HAND.txt").read_text()
        fetching = "".join(f"cat >{name} <<'END'\n{lines}END\n" for name, lines in files_to_save(text))
        (fetch,) = re.findall(r"^ +(wget .*) --directory-prefix=\.$", text, re.MULTILINE)
        done = follow(stranger, f"{fetching}{fetch} --directory-prefix=fetched\n")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in stranger.desk.rglob("fetched/*")} == {
        "config-1-7.gpg": family.config_gpg
    }


def files_to_save(text: str) -> list[tuple[str, str]]:
    """The files that the reader is asked to save, and their lines."""
    found = re.findall(r"the next lines; save them as (\w+).*\n((?:    .*\n)+)", text)
    return [(name, re.sub("^    ", "", lines, flags=re.MULTILINE)) for name, lines in found]


def test_it_names_the_places_of_newer_copies_and_how_to_read_there(kits: Kits) -> None:
    text = kits["alice"]["BY-HAND.txt"].decode()
    assert "sftp://kit@friend.example:2222/paradux" in text and "password: reader" in text
    assert "fred@friend.example" not in text
