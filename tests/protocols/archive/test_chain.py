"""Archives: names, manifests, chains, and what may go."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.chain import Manifest, Part, Run


def run(
    number: int, parent: int | None = None, *, day: int | None = None, stored: int = 1000, listed: bool = True
) -> Run:
    time = f"2026-01-{day or number:02}T12:00:00Z"
    on = f"{parent:06}-2026-01-{parent:02}T12-00-00Z" if parent else None
    return Run(chain.new_id(number, f"2026-01-{number:02}T12:00:00Z"), time, on, 3, 300, stored, "", listed)


LINE = (run(1), run(2, 1), run(3, 2))
OTHER = (run(4), run(5, 4))


def manifest(last: Run, *runs: Run) -> Manifest:
    part = Part(chain.volume_name(last.id, 1), 10, "00" * 32)
    names = Part(chain.names_name(last.id), 10, "11" * 32)
    return Manifest(last, chain.serial_of(last.id), "F" * 40, names, (part,), runs)


def test_a_manifest_is_read_as_it_was_written() -> None:
    made = manifest(LINE[2], *LINE[:2])
    line = chain.to_line(made)
    assert line.endswith(b"}\n") and line.count(b"\n") == 1
    assert chain.from_line(line) == made


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"nonsense", chain.to_line(replace(manifest(LINE[0]), format="paradux-archive/9"))]
)
def test_what_is_no_manifest(line: bytes) -> None:
    with pytest.raises(ValueError):
        chain.from_line(line)


def test_a_later_format_says_so() -> None:
    with pytest.raises(chain.NewerError, match="paradux-archive/9"):
        chain.from_line(chain.to_line(replace(manifest(LINE[0]), format="paradux-archive/9")))


def test_the_first_format_is_written_as_it_was() -> None:
    made = replace(manifest(LINE[2], *LINE[:2]), format=chain.FIRST_FORMAT)
    assert set(json.loads(chain.to_line(made))) == {"run", "serial", "key", "names", "volumes", "runs", "format"}
    assert chain.from_line(chain.to_line(made)) == made
    assert made.is_whole
    assert not made.is_list


def test_a_manifest_names_its_parent_and_the_run_before_it() -> None:
    made = chain.manifest_of(manifest(run(6, 2), *LINE, *OTHER))
    assert made.runs == (LINE[1], OTHER[1])
    assert made.has_list
    assert not made.is_whole
    assert chain.manifest_of(manifest(LINE[0])).runs == ()
    listed = chain.list_of(manifest(LINE[2], *LINE[:2]), "ab" * 32, 700)
    assert (listed.is_list, listed.is_whole, listed.runs, listed.run.sha256) == (True, True, LINE[:2], "ab" * 32)


def test_what_there_is_stands_in_the_newest_list_and_in_the_manifests_after_it() -> None:
    gone = replace(LINE[1], listed=False)
    whole = chain.list_of(manifest(OTHER[0], LINE[0], gone), "ab" * 32, 700)
    since = [manifest(run(6, 5), run(5, 4), LINE[2]), manifest(run(5, 4), OTHER[0]), manifest(OTHER[0], LINE[2])]
    found = chain.gathered(since, whole)
    assert found.run == run(6, 5)
    assert found.runs == (LINE[0], gone, LINE[2], OTHER[0], OTHER[1]), (
        "a manifest after the list names a run that it lacks"
    )
    assert chain.gathered(since[1:], whole).runs == (LINE[0], gone, OTHER[0]), (
        "what the list lacks was removed before it"
    )
    assert [each.id for each in chain.gathered([manifest(LINE[2], LINE[1])], None).runs] == [LINE[1].id]


def test_where_lists_cannot_be_removed_they_become_rare() -> None:
    runs = [Run(f"{number:06}-2026-01-01T00-00-00Z", "", None, 1, 1, 1) for number in range(1, 1001)]
    for removable in (True, False):
        names: list[str] = []
        for number in range(len(runs)):
            if chain.wants_list(names, runs[:number], removable=removable):
                names.append(chain.list_name(runs[number].id))
        lengths = [chain.serial_of(name) for name in names]
        assert len(names) < 40
        assert sum(lengths) < 9 * len(runs), "all lists together are in proportion to the runs"
        assert lengths[:2] == ([1, 2] if removable else [1, 34])


def test_the_digest_tells_every_object_that_is_missing_or_has_changed() -> None:
    names = [name for each in LINE for name in (chain.manifest_name(each.id), chain.volume_name(each.id, 1))]
    sizes = dict.fromkeys(names, 10)
    before = chain.digest(sizes, run(4))
    later = {chain.manifest_name(run(5).id): 3, chain.list_name(LINE[0].id): 9, chain.volume_name(OTHER[0].id, 1): 7}
    assert chain.digest({**sizes, **later}, run(4)) == before
    for name in names:
        assert chain.digest({**sizes, name: 11}, run(4)) != before
        assert chain.digest({each: 10 for each in names if each != name}, run(4)) != before


def test_the_last_two_lists_stay() -> None:
    names = [chain.list_name(each.id) for each in (*OTHER, *LINE)] + [chain.manifest_name(LINE[0].id), "README.txt"]
    assert chain.superseded(names, OTHER[1].id) == [chain.list_name(each.id) for each in LINE]
    assert chain.superseded(names, LINE[1].id) == []


def test_names_of_objects() -> None:
    identity = chain.new_id(42, "2026-11-23T08:05:00+02:00")
    assert identity == "000042-2026-11-23T06-05-00Z"
    assert chain.serial_of(identity) == 42
    made = [chain.volume_name(identity, 7), chain.volume_name(identity, 123456), chain.names_name(identity)]
    assert made[:2] == [f"{identity}.00007.gpg", f"{identity}.123456.gpg"]
    described = [chain.manifest_name(identity), chain.list_name(identity)]
    assert {chain.run_of(name) for name in [*made, *described]} == {identity}
    for foreign in (
        "README.txt",
        "config-1-2.gpg",
        f"{identity}.7.gpg",
        f"{identity}.00007.gpg.tmp",
        f"x{identity}.manifest",
    ):
        assert chain.run_of(foreign) is None


def test_the_runs_with_a_manifest_are_in_the_order_of_their_numbers() -> None:
    names = [
        "1000000-2026-01-01T00-00-00Z.manifest",
        "999999-2027-01-01T00-00-00Z.manifest",
        "000001-2026-01-01T00-00-00Z.names.gpg",
    ]
    assert [chain.serial_of(each) for each in chain.manifested(names)] == [999999, 1000000]


def test_a_chain_is_whole_or_nothing() -> None:
    assert chain.chain((*OTHER, *LINE), LINE[2].id) == LINE
    assert chain.chain((LINE[0], LINE[2]), LINE[2].id) == ()
    assert chain.chain(LINE, "unknown") == ()
    circle = (replace(LINE[0], parent=LINE[1].id), LINE[1])
    assert chain.chain(circle, LINE[1].id) == ()


def test_when_a_full_run_is_due() -> None:
    assert chain.why_full(LINE, "2026-01-03T13:00:00Z") is None
    assert chain.why_full(LINE, "2026-01-31T12:00:00Z") == "the chain is 30 days old"
    assert chain.why_full(LINE, "2026-01-02T12:00:00Z") == "the clock was set back"
    heavy = (run(1, stored=3 << 20), run(2, 1, stored=3 << 20), run(3, 2, stored=2 << 20))
    assert "larger than the full run" in str(chain.why_full(heavy, "2026-01-03T13:00:00Z"))
    long = tuple(run(1) for _ in range(chain.LONGEST_CHAIN))
    assert "200 runs" in str(chain.why_full(long, "2026-01-03T13:00:00Z"))


def test_what_a_kept_version_builds_on_stays_without_being_a_version() -> None:
    left = chain.retained((*LINE, *OTHER), {LINE[0].id, LINE[1].id, OTHER[1].id})
    assert [(each.id[:6], each.listed) for each in left] == [
        ("000001", False), ("000002", False), ("000003", True), ("000004", True),
    ]  # fmt: skip


def test_a_chain_goes_when_none_of_its_versions_is_kept_unless_a_new_run_builds_on_it() -> None:
    everything = {each.id for each in LINE}
    assert chain.retained((*LINE, *OTHER), everything) == OTHER
    assert [each.listed for each in chain.retained(LINE, everything, LINE[1].id)] == [False, False]


def test_garbage_is_what_nothing_needs_and_nobody_could_miss() -> None:
    newest = manifest(OTHER[1], OTHER[0])
    objects = {each.id: [chain.manifest_name(each.id), chain.volume_name(each.id, 1)] for each in (*LINE, *OTHER)}
    unfinished = chain.volume_name(run(6).id, 1)
    unknown = chain.manifest_name(run(7).id)
    names = [*(name for each in objects.values() for name in each), unfinished, unknown, "README.txt", "config-1-1.gpg"]
    gone = chain.garbage(names, {LINE[0].id}, newest)
    assert set(gone) == {name for each in LINE for name in objects[each.id]} | {unfinished}
    assert [name.endswith(".manifest") for name in gone] == [True] * 3 + [False] * 4
