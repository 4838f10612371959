"""What restic 0.14 and 0.18 really wrote, read back: `captured/restic/<version>-<situation>`.

A .txt file holds the exit code ("exit 1"; negative: signal) and then standard error; a .jsonl file holds standard output.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.base import Identity, Version
from paraduxd.protocols.restic import failures as restic_failures
from paraduxd.protocols.restic import output, snapshots
from tests.checkout import ROOT

CAPTURED = ROOT / "tests" / "captured" / "restic"
BOTH = ("0.14", "0.18")
PACK = re.compile("data/([0-9a-f]{2})/\\1[0-9a-f]{62}")

CODES = {
    "damaged-config": "damaged",
    "damaged-index": "damaged",
    "damaged-pack": "damaged",
    "damaged-pack-restore": "damaged",
    "damaged-snapshot": "damaged",
    "disk-full": "disk-full",
    "locked": "busy",
    "missing-pack": "damaged",
    "missing-pack-restore": "damaged",
    "no-access": "unusable-repository",
    "no-config-but-keys": "unfinished-repository",
    "no-repository": "no-repository",
    "no-version": "not-found",
    "restore-disk-full": "disk-full",
    "wrong-password": "wrong-repository-password",
}
TRANSIENT = {"busy", "disk-full"}


def failed(name: str) -> tuple[int, list[str]]:
    first, *errors = (CAPTURED / f"{name}.txt").read_text().splitlines()
    return int(first.removeprefix("exit ")), errors


def lines(name: str) -> list[str]:
    return (CAPTURED / f"{name}.jsonl").read_text().splitlines()


@pytest.mark.parametrize("path", sorted(CAPTURED.glob("*.txt")), ids=lambda path: path.stem)
def test_every_captured_failure_is_told_as_what_it_is(path: Path) -> None:
    code, errors = failed(path.stem)
    situation = path.stem.partition("-")[2]
    if code == restic_failures.INCOMPLETE:
        assert restic_failures.unread(errors)
        return
    problem = restic_failures.problem(code, errors, "/srv/cloud")
    assert problem.code == CODES[situation]
    assert isinstance(problem, TransientError) == (problem.code in TRANSIENT)
    assert "/srv/cloud" in problem.message
    assert problem.hint
    assert not problem.message.endswith(".") and "\n" not in problem.message and "{" not in problem.message


def test_damage_is_named() -> None:
    for version in BOTH:
        gone = restic_failures.problem(*failed(f"{version}-missing-pack"), "/srv/cloud")
        assert PACK.search(gone.message) and "is gone" in gone.message
        rotten = restic_failures.problem(*failed(f"{version}-damaged-pack"), "/srv/cloud")
        assert (pack := PACK.search(rotten.message))
        assert f"move {pack[0]} away, then restic rebuild-index" in rotten.hint
        index = restic_failures.problem(*failed(f"{version}-damaged-index"), "/srv/cloud")
        assert "restic rebuild-index" in index.hint


@pytest.mark.parametrize("version", BOTH)
def test_what_could_not_be_read_is_told_once_each(version: str) -> None:
    _, errors = failed(f"{version}-unreadable")
    assert restic_failures.unread(errors) == ("locked", "/srv/data/sub/x")


def test_an_unknown_failure_tells_the_last_line_without_control_characters() -> None:
    problem = restic_failures.problem(1, ["first", "", "Fatal: odd \x1b[31mthing", ""], "/srv/cloud")
    assert (problem.code, problem.message) == ("restic-failed", "restic failed at /srv/cloud: odd ?[31mthing")


def test_an_unknown_failure_tells_why_restic_gave_up_whatever_it_said_afterwards() -> None:
    problem = restic_failures.problem(1, ["Fatal: the moon is full", "exit status 1"], "/srv/cloud")
    assert problem.message == "restic failed at /srv/cloud: the moon is full"
    assert "log" not in problem.hint


def test_a_killed_restic_may_be_tried_again() -> None:
    assert isinstance(restic_failures.problem(-9, [], "/srv/cloud"), TransientError)


def test_a_server_that_only_says_failure_is_probably_full() -> None:
    line = 'Save(<data/1>) returned error, retrying after 1s: Write: sftp: "Failure" (SSH_FX_FAILURE)'
    assert restic_failures.problem(-9, [line], "r on friend:22").code == "disk-full"


@pytest.mark.parametrize("version", BOTH)
def test_progress_is_percent_bytes_and_seconds(version: str) -> None:
    told = [output.progress(output.parsed(line)) for line in lines(f"{version}-status")]
    last = told[-1]
    assert isinstance(last, Progress)
    assert last.percent is not None and 1 < last.percent < 100
    assert last.bytes > 1_000_000
    assert last.eta is not None and last.eta > 0


@pytest.mark.parametrize("version", BOTH)
def test_the_id_of_a_backup_is_the_id_in_the_list(version: str) -> None:
    summary = output.parsed(lines(f"{version}-backup")[-1])
    (listed,) = snapshots.parse(json.loads(lines(f"{version}-snapshots")[0]))
    assert listed.version == Version(output.short(summary["snapshot_id"]), "2026-01-02T03:04:05Z")


def test_only_the_newer_restic_lists_counts() -> None:
    listed = [snapshots.parse(json.loads(lines(f"{version}-snapshots")[0]))[0] for version in BOTH]
    assert [each.version.files for each in listed] == [None, 2]


@pytest.mark.parametrize(
    ("time", "summary", "tags"),
    [
        ("0000-00-00T00:00:00Z", None, ["number:x", "missing:-1"]),
        ("0001-01-01T00:00:00+14:00", [], ["number:" + "9" * 5000, "instance:."]),
        ("soon", {"total_files_processed": "many"}, ["number:", "number:7", "instance:x.y.z", "missing:\u0663"]),
    ],
)
def test_what_others_write_into_a_snapshot_stops_nobody(time: str, summary: object, tags: list[str]) -> None:
    listed = {"id": "f" * 64, "time": time, "hostname": "paradux", "tags": ["paradux", *tags], "summary": summary}
    (found,) = snapshots.parse([listed, {"id": "e" * 64, "time": time, "hostname": "paradux", "tags": None}])
    version = found.version
    assert (version.time, version.files, version.number, version.missing) == ("1970-01-01T00:00:00Z", None, None, 0)
    assert found.generation == 0


def pushed_by(*machines: tuple[str, int]) -> list[snapshots.Snapshot]:
    """Snapshots that these machines (instance, generation) have made one after the other."""
    return [
        snapshots.Snapshot(
            Version(str(number), "2026-01-01T12:00:00Z", number=number),
            place="p",
            instance=instance,
            generation=generation,
        )
        for number, (instance, generation) in enumerate(machines, 1)
    ]


@pytest.mark.parametrize(
    ("machines", "stopped"),
    [
        ([], set()),
        ([("a", 1)], set()),
        ([("a", 1), ("b", 2)], {"a", "c"}),
        ([("b", 2), ("a", 1)], {"a", "c"}),
        ([("b", 2), ("c", 2)], {"a", "b"}),
        ([("c", 2), ("b", 2), ("a", 1)], {"a", "c"}),
        ([("", 9)], set()),
    ],
)
def test_which_machine_goes_on(machines: list[tuple[str, int]], stopped: set[str]) -> None:
    found = set()
    for instance, generation in (("a", 1), ("b", 2), ("c", 2)):
        try:
            snapshots.stop_if_superseded(pushed_by(*machines), Identity("o", "p", instance, generation), "/srv/cloud")
        except ParaduxError as problem:
            assert problem.code == "superseded"
            found.add(instance)
    assert found == stopped


@pytest.mark.parametrize("parts", [1, 12, 255, 256, 257, 1000])
def test_all_parts_are_all_groups_once(parts: int) -> None:
    groups = [group for part in range(parts) if (group := output.group_of(part, parts))]
    count = min(parts, 256)
    assert groups == [(number, count) for number in range(1, count + 1)]


def test_a_snapshot_that_was_tagged_again_counts_once() -> None:
    old = {"id": "a" * 64, "time": "2026-01-01T12:00:00Z", "hostname": "paradux", "tags": ["paradux", "number:4"]}
    new = {**old, "id": "b" * 64, "original": "a" * 64, "tags": ["paradux", "number:4", "missing:2"]}
    (found,) = snapshots.parse([old, new])
    assert (found.version.id, found.version.number, found.version.missing) == ("b" * 8, 4, 2)


@pytest.mark.parametrize("version", BOTH)
def test_listing_counts_regular_files(version: str) -> None:
    everything = listing(version)
    assert (everything.files, everything.bytes, everything.entries) == (2, 300_002, 4)
    part = listing(version, "sub", "nothing")
    assert (part.files, part.bytes, part.missing()) == (1, 2, "nothing")


def listing(version: str, *paths: str) -> output.Listing:
    it = output.Listing(paths)
    for line in lines(f"{version}-ls"):
        it.take(output.parsed(line))
    assert it.version_found
    return it


def test_a_listing_of_no_version_has_found_none() -> None:
    assert not output.Listing(()).version_found


def test_bytes_that_are_not_utf8_are_found_in_a_listing() -> None:
    it = output.Listing(["caf\udce9"])
    it.take({"struct_type": "node", "type": "file", "path": "/caf\ufffd", "size": 1})
    assert it.missing() is None


@pytest.mark.parametrize(
    ("path", "pattern"),
    [("a/b", "/a/b"), ("*[a]?", "/\\*\\[a]\\?"), ("back\\slash", "/back\\\\slash"), ("**", "/\\*\\*"), ("-x", "/-x")],
)
def test_patterns_match_one_path(path: str, pattern: str) -> None:
    assert output.include_pattern(path) == pattern


def test_times_are_normalised() -> None:
    assert output.rfc3339("2026-01-02T03:04:05.123456789+02:00") == "2026-01-02T01:04:05Z"
    assert output.time_option("2026-01-02T03:04:05Z") == "2026-01-02 03:04:05"


@pytest.mark.parametrize("line", ["", "text", "[1]", "{broken", '"text"'])
def test_other_lines_are_no_messages(line: str) -> None:
    assert output.parsed(line) == {}
