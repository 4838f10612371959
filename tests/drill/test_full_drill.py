"""A whole drill on real restic, disks and an SFTP server: what it proves, and that nothing but the journal changes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drill.drill_rig import drill, left_in_scratch, opened, production, restored
from tests.rig import Installation

pytestmark = pytest.mark.slow


def test_everything_is_proven_and_nothing_changes(paradux: Installation) -> None:
    before = production(paradux)
    code, report = drill(paradux)
    assert (code, report["proven"], report["flawless"], report["lacking"]) == (0, True, True, []), report
    assert opened(report) == {"nas": True, "office": True, "friend": True}
    assert restored(report) == {"home/mirror": True, "home/cloud": True, "docs/mirror": True}
    results = {each["destination"]: each["result"] for each in report["restored"] if each["dataset"] == "home"}
    assert {name: (r["files"], r["compared"]) for name, r in results.items()} == {"mirror": (12, 12), "cloud": (12, 12)}
    assert production(paradux) == before
    assert left_in_scratch(paradux) == []
    status = paradux.status()
    assert "destination-damaged" not in paradux.problem_codes()
    assert "drill" not in " ".join(problem["code"] for problem in status["problems"])
    assert status["recoverable"]["proven"] >= report["ended"]
    assert all(each["last_restored"] for dataset in status["datasets"] for each in dataset["destinations"])


def test_a_byte_that_flipped_at_a_destination_is_found_and_named(paradux: Installation) -> None:
    (version,) = (paradux.root / "mirror" / "versions").iterdir()
    with flipped(version / "file-7.txt"):
        before = production(paradux)
        code, report = drill(paradux)
        assert production(paradux) == before
    assert (code, report["proven"], report["flawless"]) == (1, True, False)
    assert restored(report) == {"home/mirror": False, "home/cloud": True, "docs/mirror": True}
    (failed,) = [each for each in report["restored"] if not each["good"]]
    assert failed["error"]["code"] == "damaged"
    assert "file-7.txt" in failed["text"] and "mirror" in failed["text"]
    assert left_in_scratch(paradux) == []
    status = paradux.status()
    (problem,) = [each for each in status["problems"] if each["code"] == "destination-damaged"]
    assert problem["subject"] == "home/mirror"


def test_a_byte_that_flipped_in_a_restic_repository(paradux: Installation) -> None:
    packs = sorted((paradux.root / "cloud" / "data").rglob("*/*"), key=lambda path: path.stat().st_size)
    with flipped(packs[-1]):
        before = production(paradux)
        code, report = drill(paradux)
        assert production(paradux) == before
    assert (code, restored(report)["home/cloud"], restored(report)["home/mirror"]) == (1, False, True)
    assert left_in_scratch(paradux) == []


def test_nothing_of_a_dataset_is_nothing_proven(paradux: Installation) -> None:
    with away(paradux.root / "docs-mirror"):
        before = production(paradux)
        code, report = drill(paradux)
        assert production(paradux) == before
    assert (code, report["proven"]) == (1, False)
    assert ["docs" in sentence for sentence in report["lacking"]] == [True]
    assert restored(report) == {"home/mirror": True, "home/cloud": True, "docs/mirror": False}
    assert "drill-failed" in paradux.problem_codes()


def test_a_stash_that_is_down_fails_alone(paradux: Installation) -> None:
    with away(paradux.root / "friend"):
        before = production(paradux)
        code, report = drill(paradux)
        assert production(paradux) == before
        assert (code, report["proven"], opened(report)) == (1, True, {"nas": True, "office": True, "friend": False})
        with away(paradux.root / "nas"), away(paradux.root / "office"):
            code, report = drill(paradux)
            assert (code, report["proven"]) == (1, False)
            assert all(restored(report).values()), "what can be tried is tried"
            assert "was opened from no place" in report["lacking"][0]
    assert left_in_scratch(paradux) == []


def test_what_a_stash_holds_is_really_opened(paradux: Installation) -> None:
    serial = paradux.status()["config"]["serial"]
    config = paradux.root / "nas" / f"config-1-{serial}.gpg"
    with flipped(config):
        _, report = drill(paradux)
    assert opened(report) == {"nas": False, "office": True, "friend": True}


def test_scratch_inside_production_is_refused(paradux: Installation) -> None:
    before = production(paradux)
    for inside in ("state", "staging", "mirror", "cloud", "nas"):
        done = paradux.owner("drill", "--scratch", str(paradux.root / inside), check=False)
        assert done.returncode == 1
        assert "must not touch" in done.stderr
    assert "no directory" in paradux.owner("drill", "--scratch", str(paradux.root / "missing"), check=False).stderr
    assert production(paradux) == before


def test_the_passphrase_is_needed(paradux: Installation) -> None:
    done = paradux.ctl("drill", check=False)
    assert done.returncode == 3


def test_people_read_what_is_proven(paradux: Installation) -> None:
    shown = paradux.owner("drill").stdout
    assert "ok     config from friend: opened, and signed by its owner: serial " in shown
    assert "ok     home from cloud: 12 files restored" in shown
    assert shown.endswith("Recoverable: proven today.\n")


@contextlib.contextmanager
def flipped(path: Path) -> Iterator[None]:
    """One byte in the middle is another one; times and all else are as before."""
    content = path.read_bytes()
    middle = len(content) // 2
    write_unnoticed(path, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    try:
        yield
    finally:
        write_unnoticed(path, content)


def write_unnoticed(path: Path, content: bytes) -> None:
    status = path.stat()
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(status.st_mode & 0o7777)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@contextlib.contextmanager
def away(path: Path) -> Iterator[None]:
    """The directory is not there."""
    hidden = path.with_name(path.name + ".away")
    path.rename(hidden)
    try:
        yield
    finally:
        hidden.rename(path)
