"""What a pull could not read, on its way to the push and to status."""

from __future__ import annotations

import pytest

from paraduxd.api.replies.results import Pulled
from paraduxd.core.runs import unread
from paraduxd.core.runs.unread import Missing
from tests.core.status.sample import DAY, HOUR, NOW, PHOTOS, ago, healthy, plan, well
from tests.status_json import build


def test_names_can_be_printed_and_are_not_endless() -> None:
    names = [b"caf\xc3\xa9", b"caf\xe9", b"new\nline\x1b[31m", b"n" * 400]
    assert unread.shown(names) == ("café", "caf\\xe9", "new\\nline\\x1b[31m", "..." + "n" * 300)
    assert len(unread.shown([b"x"] * 1000)) == 100


def test_a_push_is_told_what_the_pull_lacks() -> None:
    pulled = Pulled(unread=("a", "b"), unread_count=7, unstored=("c",), unstored_count=1)
    assert unread.of_pull(pulled) == Missing(("a", "b", "attributes of c"), 8)
    assert unread.of_pull(Pulled(files=3)) == unread.of_pull(Pulled(unread_count=-5)) == Missing()


def test_status_warns_of_what_could_not_be_read_and_the_dataset_stays_ok() -> None:
    pulled = well(files=10, unread=["a", "b", "c", "d"], unread_count=120, unstored=["e"], unstored_count=1)
    some_plan = plan(datasets=(PHOTOS,))
    document = build(some_plan, healthy(some_plan, latest={("photos", "pull", "source"): pulled}), NOW)
    assert document["datasets"][0]["state"] == "ok"
    read, stored = document["problems"]
    assert (read["code"], read["level"], read["subject"]) == ("source-incomplete", "warning", "photos")
    assert read["text"].startswith("120 things of photos could not be read or stored in the last pull")
    assert read["text"].endswith(": a, b, c and 117 more")
    assert (stored["code"], stored["level"]) == ("attributes-unstored", "warning")
    assert stored["text"].endswith("of 1 file of photos could not be stored in staging: e")


@pytest.mark.parametrize(("pulled", "warned"), [(0, True), (1, True), (2, False)])
def test_status_warns_of_what_a_destination_lacks_besides(pulled: int, warned: bool) -> None:
    versions = [{"id": "a", "time": ago(DAY), "missing": 9}, {"id": "b", "time": ago(HOUR), "missing": 2}]
    latest = {
        ("photos", "pull", "source"): well(files=10, unread_count=pulled),
        ("photos", "push", "disk"): well(version="b", versions=versions, files=10, bytes=1000, unread=["x", "y"]),
    }
    some_plan = plan(datasets=(PHOTOS,))
    found = build(some_plan, healthy(some_plan, latest=latest), NOW)["problems"]
    texts = [each["text"] for each in found if each["code"] == "destination-incomplete"]
    expected = "the newest version of photos/disk lacks 2 things that could not be read or stored: x, y"
    assert texts == [expected] * warned
