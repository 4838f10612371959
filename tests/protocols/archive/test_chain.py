"""Archives: names, manifests, chains, and what may go."""

from __future__ import annotations

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


def test_names_of_objects() -> None:
    identity = chain.new_id(42, "2026-11-23T08:05:00+02:00")
    assert identity == "000042-2026-11-23T06-05-00Z"
    assert chain.serial_of(identity) == 42
    made = [chain.volume_name(identity, 7), chain.volume_name(identity, 123456), chain.names_name(identity)]
    assert made[:2] == [f"{identity}.00007.gpg", f"{identity}.123456.gpg"]
    assert {chain.run_of(name) for name in [*made, chain.manifest_name(identity)]} == {identity}
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
